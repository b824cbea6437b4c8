"""What `--hard` finds: defects that bots have had, each patched into the example bot."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stores import SERVERS, store_url
from tests.support import ROOT, TEMPLATE, run_gate

Gate = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.slow

PLAIN = {"SPEC_FAILED", "NOT_COVERED"}
"""Codes of what the plain gate refuses."""


@dataclass(frozen=True)
class Defect:
    """Edits of the example, and the codes of which a verdict on it has at least one."""

    name: str
    edit: list[dict[str, str]]
    found: set[str]
    spec: str = ""


DEFECTS = [
    Defect(**{**each, "found": {*each["found"]}})
    for each in tomllib.loads(Path(__file__).with_name("defects.toml").read_text())["defect"]
]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example bot and its specs, without the toolkit."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(TEMPLATE / "src/bot", folder / "src/bot")
    shutil.copytree(TEMPLATE / "tests/specs", folder / "tests/specs")
    shutil.copy(TEMPLATE / "tests/shop.toml", folder / "tests")
    return folder


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """Runs the gate as `run_gate` does, without importing aiogram each time."""
    command = [sys.executable, "-m", "tests.gate_nursery"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        requests, ends = nursery.stdin, nursery.stdout

        def run(project: Path, *options: str) -> dict[str, Any]:
            output = project / "verdict.json"
            requests.write(json.dumps([str(project), str(output), *options]) + "\n")
            requests.flush()
            assert ends.readline() == "0\n"
            verdict: dict[str, Any] = json.loads(output.read_text().removeprefix("GATE::"))
            return verdict

        yield run
        requests.close()


def keep(folder: Path, *names: str) -> None:
    """Remove every spec of a folder but these."""
    for file in folder.glob("*.json"):
        data = json.loads(file.read_text())
        data["specs"] = [spec for spec in data["specs"] if spec["name"] in names]
        if data["specs"]:
            file.write_text(json.dumps(data))
        else:
            file.unlink()


def test_the_kit_holds_at_least_thirty() -> None:
    assert len({defect.name for defect in DEFECTS}) >= 30


@pytest.mark.parametrize("store", SERVERS)
def test_the_example_as_it_is_changes_on_no_store(
    store: str, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of memory and SQLite, with all specs, `test_gate` says so."""
    project = tmp_path / "project"
    shutil.copytree(example, project)
    # One of a day of its own, and one of today.
    names = ("a visit is kept, then cancelled", "the language can be changed")
    keep(project / "tests/specs", *names)

    with store_url(store, tmp_path, monkeypatch) as url:
        verdict = run_gate(project, "--json", "--store", url)

    assert verdict["passed"] == len(names)
    assert [each for each in verdict["failures"] if each["code"].startswith("CHANGED")] == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_found(defect: Defect, example: Path, gate: Gate, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(example, project)
    for edit in defect.edit:
        file = project / edit["file"]
        text = file.read_text()
        assert text.count(edit["was"]) == 1, f"{edit['file']} has no longer\n{edit['was']}"
        file.write_text(text.replace(edit["was"], edit["becomes"]))

    # What the plain gate refuses the hard one does, too: it runs the same, and then more.
    if defect.found <= PLAIN:
        assert not gate(project)["ok"]
        return
    keep(project / "tests/specs", defect.spec)
    verdict = gate(project, "--json")
    codes = {failure["code"] for failure in verdict["failures"]}
    assert codes & defect.found, verdict["failures"]
