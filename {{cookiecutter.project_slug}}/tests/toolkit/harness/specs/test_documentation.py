"""The examples in docs/testing.md work as they stand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import toolkit
from toolkit.harness.__main__ import read_arguments
from toolkit.harness.specs.codes import CODES

pytest_plugins = ["pytester"]

SOURCE = Path(toolkit.__file__).parents[1]
PAGE = SOURCE.parent / "docs" / "testing.md"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.usefixtures("inner_pytest_imports")
def test_every_example_of_a_test_passes(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SOURCE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ["pytest_asyncio.plugin", "toolkit.harness.pytest_plugin"]
    pytester.makeconftest(f"pytest_plugins = {plugins}")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(test_examples="\n\n".join(examples("python")))
    specs = pytester.mkdir("specs")
    for number, text in enumerate(examples("json")):
        (specs / f"{number}.json").write_text(text, encoding="utf-8")
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


def test_the_command_line_is_one_that_the_gate_reads() -> None:
    (command,) = examples("sh")
    options = read_arguments(shlex.split(command)[3:])
    assert options.bot == "bot.app:make_bot"
    assert options.specs == ["tests/specs/*.json"]


def test_the_codes_of_a_verdict_are_explained_as_they_explain_themselves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = re.findall(r"^\| `([A-Z_0-9]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.M)

    assert dict(table) == CODES
    for code, meaning in CODES.items():
        with pytest.raises(SystemExit) as stopped:
            read_arguments(["--explain", code])
        assert stopped.value.code == 0
        assert capsys.readouterr().out == f"{meaning}\n"
    with pytest.raises(SystemExit) as stopped:
        read_arguments(["--explain", "NONE"])
    assert stopped.value.code == 2
    assert "there is no code NONE; there are CANNOT_RUN, " in capsys.readouterr().err
