"""Bots in the manner of aiogram's own examples are gated as they are, and can be talked to."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.played_docs import blocks
from tests.support import ROOT, TEMPLATE, Render

SPECS = ROOT / "tests" / "plain_bots" / "specs"
BOTS = {
    "form": ("tests.plain_bots.form:main",),
    "quiz": ("tests.plain_bots.quiz.app:dp", "tests.plain_bots.quiz.app:main"),
}
NAMES = [(name, bot) for name, bots in BOTS.items() for bot in bots]


def run(*arguments: str, text: str = "", folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(map(str, (TEMPLATE / "src", folder)))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("PLAIN_BOT_TOKEN", None)
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def gate(bot: str, specs: Path, *flags: str) -> Any:
    done = run("toolkit.harness", "--bot", bot, "--specs", str(specs), *flags)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.removeprefix("GATE::"))


@pytest.mark.parametrize(("name", "bot"), NAMES)
def test_an_example_is_gated_unchanged(name: str, bot: str) -> None:
    # The hard gate runs what the plain one does, and then more.
    verdict = gate(bot, SPECS / f"{name}.json", "--hard")

    assert (verdict["ok"], verdict["failed"]) == (True, 0), verdict
    assert verdict["failures"] == []
    assert verdict["coverage"]["declared"] == (["quiz", "start"] if name == "quiz" else [])
    assert verdict["strength"]["changes"] >= 30
    assert "it is not played with restarts" in verdict["left_out"]


def test_what_its_specs_leave_out_is_told(tmp_path: Path) -> None:
    steps = [{"send": {"text": "/quiz"}, "expect": [{"method": "sendMessage"}]}]
    (tmp_path / "weak.json").write_text(json.dumps({"name": "weak", "steps": steps}))

    done = run(
        "toolkit.harness",
        *("--bot", "tests.plain_bots.quiz.app:dp", "--report"),
        *("--specs", str(tmp_path / "weak.json")),
    )

    assert done.returncode == 1
    assert (
        "NOT_COVERED\nno spec sends /start and expects a call after it\nwrite a spec with the step"
    ) in done.stdout
    assert "HANDLER_NEVER_RUN\ntests/plain_bots/quiz/echo.py:" in done.stdout
    assert "no spec runs the handler pong, which takes message updates" in done.stdout
    assert "UNNOTICED_BUTTONS" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 of 1 specs pass; of 7 changes they notice 1.")
    assert done.stderr == ""


def test_its_specs_are_tests_of_pytest(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "form.json").write_text((SPECS / "form.json").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nbot_factory = tests.plain_bots.form:main\n")

    done = run(
        "pytest",
        *("-p", "toolkit.harness.pytest_plugin", "-p", "no:cacheprovider", "-q"),
        *("-c", str(tmp_path / "pytest.ini"), str(tmp_path)),
    )

    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_how_to_page_is_true(render: Render, tmp_path: Path) -> None:
    page = (render() / "docs/how-to/other-bots.md").read_text(encoding="utf-8")
    for block in blocks(render() / "docs/how-to/other-bots.md"):
        (tmp_path / block.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / block.path).write_text(block.text)
    commands = re.findall(r"^\$ \.venv/bin/python -m (.+)$", page, re.MULTILINE)
    gated, simulated = map(shlex.split, commands)

    done = run(*gated, folder=tmp_path)
    talked = run(*simulated, "--chat", text="/start\nlarge\n", folder=tmp_path)

    assert done.stdout.splitlines()[-1].endswith(" ok")
    assert talked.stdout == "What size of coffee?\nA large coffee it is.\n"


@pytest.mark.parametrize(
    ("bot", "said", "shown"),
    [
        ("form:main", "/start\nLarge\n/session\n", ["With sugar?", "(state = 'Order:sugar')"]),
        ("quiz.app:dp", "/quiz\n/tap Eight\n/tap Cusco\n", ["1 of 2 are right."]),
    ],
)
def test_it_can_be_talked_to(bot: str, said: str, shown: list[str]) -> None:
    done = run("toolkit.harness.simulator", "--chat", "--bot", f"tests.plain_bots.{bot}", text=said)

    assert set(shown) <= set(done.stdout.splitlines()), done.stdout + done.stderr
