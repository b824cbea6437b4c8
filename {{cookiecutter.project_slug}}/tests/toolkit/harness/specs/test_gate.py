"""The gate: what it accepts, what it prints, and what a hostile bot can do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

import toolkit
from toolkit import button, create_bot, menu
from toolkit.harness.specs.gate import judge, write_junit
from toolkit.harness.specs.runner import SpecResult
from toolkit.harness.specs.spec import parse_specs

ANSWER = [{"method": "sendMessage"}]


def dialogue(text: str, name: str = "a dialogue", expect: Any = ANSWER) -> dict[str, Any]:
    return {"name": name, "steps": [{"send": {"text": text}, "expect": expect}]}


@pytest.fixture
def bot(make_bot: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module where the gate finds the bot of these tests."""
    module = type(sys)("bot_of_these_tests")
    vars(module)["make_bot"] = make_bot
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return f"{module.__name__}:make_bot"


@pytest.fixture
def specs(tmp_path: Path) -> Callable[..., str]:
    """Writes a spec file and returns the pattern that finds it."""

    def write(*specs: Any) -> str:
        (tmp_path / "specs.json").write_text(json.dumps(specs))
        return f"{tmp_path}/*.json"

    return write


def test_all_passed_and_all_covered_is_ok(bot: str, specs: Callable[..., str]) -> None:
    pattern = specs(dialogue("/book", "first"), dialogue("hi", "second"))
    assert judge(bot, [pattern]) == {
        "ok": True,
        "total": 2,
        "passed": 2,
        "failed": 0,
        "coverage": {"declared": ["book"], "covered": ["book"], "missing": [], "fraction": 1.0},
        "results": [
            {"name": "first", "ok": True, "file": pattern.replace("*", "specs")},
            {"name": "second", "ok": True, "file": pattern.replace("*", "specs")},
        ],
    }


def test_a_failed_spec_is_not_ok_and_says_why(bot: str, specs: Callable[..., str]) -> None:
    verdict = judge(bot, [specs(dialogue("/book"), dialogue("raise"))])
    assert (verdict["ok"], verdict["passed"], verdict["failed"]) == (False, 1, 1)
    assert "the handler is broken" in verdict["results"][1]["failure"]


@pytest.mark.parametrize("spec", [dialogue("hi"), dialogue("/Book"), dialogue("/book", expect=[])])
def test_a_declared_command_needs_a_spec(bot: str, specs: Callable[..., str], spec: Any) -> None:
    verdict = judge(bot, [specs(spec)])
    assert (verdict["ok"], verdict["failed"]) == (False, 0)
    assert verdict["coverage"]["missing"] == ["book"]


def test_a_file_may_declare_more_commands(
    bot: str, specs: Callable[..., str], tmp_path: Path
) -> None:
    pattern = specs(dialogue("/book"))
    commands = tmp_path / "commands.txt"
    commands.write_text('["/book", "cancel"]')
    verdict = judge(bot, [pattern], str(commands))
    assert verdict["coverage"]["missing"] == ["cancel"]
    commands.write_text("{}")
    assert "must be an array of commands" in judge(bot, [pattern], str(commands))["error"]


def test_no_spec_is_a_failure(bot: str, specs: Callable[..., str], tmp_path: Path) -> None:
    for pattern, error in ((specs(), "no spec in it"), (f"{tmp_path}/x/*", "no such file")):
        verdict = judge(bot, [pattern])
        assert (verdict["ok"], verdict["total"]) == (False, 0)
        assert error in verdict["error"]


def test_one_malformed_file_fails_all(bot: str, specs: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"name": "a"}')
    verdict = judge(bot, [specs(dialogue("/book"))])
    assert (verdict["ok"], verdict["total"]) == (False, 0)
    assert "a.json, spec 1, steps: is missing" in verdict["error"]


def test_junit_xml_holds_every_spec_whatever_its_text(tmp_path: Path) -> None:
    good, bad = parse_specs([dialogue("a", "<good>"), dialogue("b", "b\x00\x1bad ☕")], "f.json")
    file = tmp_path / "reports" / "junit.xml"
    write_junit([SpecResult(good, None, 0.5), SpecResult(bad, "line 1 \x00\nline 2")], str(file))
    suite = ElementTree.parse(file).getroot()  # noqa: S314 - written a line above
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("2", "1", "0.500")
    first, second = suite
    assert (first.get("classname"), first.get("name")) == ("f.json", "<good>")
    assert second.get("name") == "b??ad ☕"
    assert second[0].get("message") == "line 1 ?"


def run_gate(
    folder: Path, *arguments: str, **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the command line in `folder`; returns the process and its lines on stdout."""
    path = os.pathsep.join([str(folder), str(Path(toolkit.__file__).parents[1])])
    process = subprocess.run(
        [sys.executable, "-m", "toolkit.harness", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return process, process.stdout.splitlines()


def verdict_of(lines: list[str], nonce: str) -> Any:
    (line,) = lines
    head = f"GATE:{nonce}:"
    assert line.startswith(head)
    return json.loads(line.removeprefix(head))


HOSTILE_BOT = """
import atexit, os, socket, subprocess, sys, threading, time

FORGED = 'GATE:{nonce}:{{"ok": true}}'

def forge():
    known = [os.environ.get("HARNESS_NONCE", ""), *sys.argv[1:], *sys.orig_argv[1:]]
    for nonce in ["", "guess", *known]:
        line = FORGED.format(nonce=nonce)
        print(line, flush=True)
        os.write(1, line.encode() + b"\\n")
        print(line, file=sys.__stdout__, flush=True)
    subprocess.run([sys.executable, "-c", f"print({FORGED!r})"], check=True)

forge()
atexit.register(forge)
sockets = [socket.create_server(("127.0.0.1", 0))]
threading.Thread(target=time.sleep, args=[3600]).start()

from aiogram import Router
from toolkit import create_bot
import asyncio

async def stubborn():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

def make_bot():
    router = Router()

    @router.message()
    async def answer(message):
        forge()
        asyncio.get_running_loop().call_later(3600, forge)
        asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
        sockets.append(asyncio.create_task(stubborn()))
        await message.answer("no")

    return create_bot("42:offline", initial=dict, routers=[router])
"""


@pytest.mark.slow
def test_a_bot_can_neither_forge_the_verdict_nor_keep_the_process(tmp_path: Path) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE_BOT)
    wrong = [{"method": "sendMessage", "payload": {"text": "yes"}}]
    (tmp_path / "specs.json").write_text(json.dumps(dialogue("hi", expect=wrong)))
    process, lines = run_gate(
        tmp_path,
        *("--bot", "hostile:make_bot", "--specs", "specs.json", "--junit", "out/junit.xml"),
        HARNESS_NONCE="s3cret",
    )
    assert process.returncode == 0
    verdict = verdict_of(lines, "s3cret")
    assert (verdict["ok"], verdict["failed"]) == (False, 1)
    assert "GATE::" in process.stderr
    assert "GATE:s3cret" not in process.stderr
    assert (tmp_path / "out" / "junit.xml").exists()


def test_specs_are_read_before_the_bot_is_imported(tmp_path: Path) -> None:
    (tmp_path / "specs.json").write_text("{")
    process, lines = run_gate(
        tmp_path, HARNESS_SPECS="specs.json", HARNESS_BOT="no.such:bot", HARNESS_NONCE="n"
    )
    assert process.returncode == 0
    assert "specs.json: cannot be read as JSON" in verdict_of(lines, "n")["error"]


@pytest.mark.parametrize(
    ("module", "error"),
    [
        ("raise SystemExit('no token')", "SystemExit: no token"),
        ("1 / 0", "ZeroDivisionError"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "has no attribute 'make_bot'"),
    ],
)
def test_a_bot_that_cannot_be_imported_is_a_verdict(
    tmp_path: Path, module: str, error: str
) -> None:
    (tmp_path / "broken.py").write_text(module)
    (tmp_path / "specs.json").write_text(json.dumps(dialogue("hi")))
    process, lines = run_gate(
        tmp_path, "--bot", "broken:make_bot", "--specs", "specs.json", "--nonce", "7"
    )
    assert process.returncode == 0
    assert error in verdict_of(lines, "7")["error"]


def make_small_bot(*, storage: Any = None) -> Any:
    """Return a bot with two handlers."""
    router = Router()

    @router.message(Command("book"))
    async def book(message: Message) -> None:
        services = menu([button("Haircut", "haircut"), button("Shave", "shave")])
        await message.answer("What service?", reply_markup=services)

    @router.callback_query()
    async def choose(query: CallbackQuery) -> None:
        await query.answer("Noted")

    commands = {"book": "Book a visit"}
    return create_bot("42:a", initial=dict, storage=storage, routers=[router], commands=commands)


def test_hard_asks_whether_mistakes_would_be_noticed(
    specs: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = type(sys)("small_bot")
    vars(module)["make_bot"] = make_small_bot
    monkeypatch.setitem(sys.modules, module.__name__, module)
    asked = {"method": "sendMessage", "payload": {"text": "What service?"}}
    asked["buttons"] = ["Haircut", "Shave"]
    taps = [
        {
            "send": {"tap": label},
            "expect": [{"method": "answerCallbackQuery", "payload": {"text": "Noted"}}],
        }
        for label in ("Haircut", "Shave")
    ]
    spec = {**dialogue("/book", expect=[asked]), "strict": True}
    spec["steps"] += taps

    weak = judge("small_bot:make_bot", [specs(dialogue("/book"))], hard=True)
    strong = judge("small_bot:make_bot", [specs(spec)], hard=True)

    assert weak["strength"] == {"changes": 7, "noticed": 1, "fraction": 1 / 7}
    assert not weak["ok"]
    first = weak["failures"][0]
    assert (first["code"], first["spec"], first["step"]) == ("UNNOTICED_REPEAT", "a dialogue", 1)
    assert {"HANDLER_NEVER_RUN", "BUTTON_NEVER_TAPPED"} < {f["code"] for f in weak["failures"]}
    assert strong["strength"]["fraction"] == 1
    assert strong["failures"] == []
    assert strong["ok"]
    plain = judge("small_bot:make_bot", [specs(spec)])
    assert strong.keys() - plain.keys() == {"strength", "failures"}


def test_every_failure_has_a_code_and_a_remedy(bot: str, specs: Callable[..., str]) -> None:
    pattern = specs(dialogue("hi", "one", [{"method": "sendPhoto"}]))
    failed = judge(bot, [pattern], hard=True)["failures"]
    (refused,) = judge("nowhere:bot", [f"{pattern}.none"], hard=True)["failures"]

    assert [(each["code"], each["step"]) for each in failed[:2]] == [
        ("SPEC_FAILED", 1),
        ("NOT_COVERED", None),
    ]
    assert {each["code"] for each in failed[2:]} == {"HANDLER_NEVER_RUN"}
    assert refused["code"] == "CANNOT_RUN"
    assert '{"send": {"text": "/book"}' in failed[1]["fix"]
    for each in (*failed, refused):
        assert each.keys() == {"code", "file", "spec", "step", "why", "fix"}
        assert each["why"]
        assert each["fix"]


def test_json_is_the_verdict_alone_with_the_failures(tmp_path: Path) -> None:
    (tmp_path / "specs.json").write_text("{")
    process, lines = run_gate(tmp_path, "--json", "--specs", "specs.json", "--nonce", "7")

    (line,) = lines
    (failure,) = json.loads(line)["failures"]
    assert process.returncode == 0
    assert failure["code"] == "CANNOT_RUN"
    assert "specs.json: cannot be read as JSON" in failure["why"]


def test_a_report_says_what_is_wrong_in_words_and_fails(tmp_path: Path) -> None:
    (tmp_path / "specs.json").write_text("{")
    process, lines = run_gate(tmp_path, "--report", HARNESS_SPECS="specs.json")
    assert process.returncode == 1
    assert lines[0] == "CANNOT_RUN"
    assert lines[1].startswith("specs.json: cannot be read as JSON")
    assert lines[2] == "correct what the message names"
    assert lines[-1] == "0 of 0 specs pass. not ok, failures: 1"
    process, _ = run_gate(tmp_path, "--report", "--json")
    assert "not allowed with argument" in process.stderr
