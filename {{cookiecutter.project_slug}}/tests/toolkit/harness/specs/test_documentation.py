"""The command line in docs/testing.md works as it stands; the template runs the other examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import toolkit
from toolkit.harness.__main__ import read_arguments
from toolkit.harness.specs.codes import CODES

PAGE = Path(toolkit.__file__).parents[2] / "docs" / "testing.md"


def test_the_command_line_is_one_that_the_gate_reads() -> None:
    (command,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
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
