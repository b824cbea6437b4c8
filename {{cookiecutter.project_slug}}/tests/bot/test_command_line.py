"""The command line: what it says when it cannot start, and that it says so at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

import bot.app
from bot.__main__ import HOW_TO_START, main
from toolkit.harness import ApiError, FakeTelegram, Fault

SESSIONS = "from bot.__main__ import main; main(['sessions', 'list'])"

pytestmark = pytest.mark.usefixtures("empty_folder")


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `main` says when it refuses `arguments`."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    return capsys.readouterr().err


def run_without(module: str, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python where `module` cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules[{module!r}] = None; {code}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_token_it_says_in_six_lines_how_to_start_and_imports_no_aiogram() -> None:
    result = run_without("aiogram", "from bot.__main__ import main; main([])")
    assert (result.returncode, result.stdout, result.stderr) == (2, "", HOW_TO_START)
    assert len(HOW_TO_START.splitlines()) <= 6
    for hint in ("@BotFather", ".env", "BOT_TOKEN", "BOT_TOKEN_FILE", "make chat"):
        assert hint in HOW_TO_START


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BOT_TOKEN": "secret"}, "BOT_TOKEN: not a bot token"),
        ({"BOT_TOKEN": "1:secret", "STORAGE_URL": "shelf:"}, "STORAGE_URL: no storage"),
        ({"BOT_TOKEN": "1:x", "STORAGE_URL": "x://u:secret@h"}, "STORAGE_URL: no storage"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    message: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = refusal(capsys, "run")
    assert said.startswith(message)
    assert "secret" not in said


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> FakeTelegram:
    """What `main` takes for Telegram."""
    telegram = FakeTelegram()
    make_bot = bot.app.make_bot

    def make_connected_bot(*args: Any, **options: Any) -> Any:
        app = make_bot(*args, **options)
        telegram.attach(app.bot)
        return app

    monkeypatch.setattr(bot.app, "make_bot", make_connected_bot)
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    monkeypatch.setenv("STORAGE_URL", "memory:")
    return telegram


def test_a_broadcast_needs_a_token_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, "broadcast", "absent.html") == HOW_TO_START
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    assert "absent.html" in refusal(capsys, "broadcast", "absent.html")


@pytest.mark.parametrize("error", [ApiError(401, "Unauthorized"), ApiError(404, "Not Found")])
@pytest.mark.parametrize("method", [None, "getUpdates"])
def test_a_token_that_telegram_does_not_know_is_one_sentence(
    telegram: FakeTelegram, capsys: pytest.CaptureFixture[str], error: ApiError, method: str | None
) -> None:
    telegram.faults.add(Fault(method, error=error, times=None))
    assert refusal(capsys).startswith("Telegram does not know this token")


def test_a_webhook_is_left_alone_unless_it_is_told_to_take_over(
    telegram: FakeTelegram, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(telegram.call("setWebhook", {"url": "https://bot.example.com/hook"}))
    said = refusal(capsys, "run")
    assert said.startswith("Telegram delivers the updates of this bot to https://bot.example.com,")
    assert len(said.splitlines()) == 1
    assert telegram.updates.webhook is not None

    # Ends as soon as it polls: in a test nothing else would.
    telegram.faults.add(Fault("deleteWebhook", error=ApiError(401, "Unauthorized"), times=None))
    assert refusal(capsys, "run", "--take-over").startswith("Telegram does not know")
    assert [call.method for call in telegram.calls].count("deleteWebhook") == 1


@pytest.mark.parametrize(
    ("module", "variables", "message"),
    [
        ("prometheus_client", {"METRICS_PORT": "9464"}, "METRICS_PORT needs the package"),
        ("uvloop", {"EVENT_LOOP": "uvloop"}, "EVENT_LOOP=uvloop needs the package"),
    ],
)
def test_where_an_extra_is_not_installed_it_says_in_one_sentence_how_to(
    telegram: FakeTelegram,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    module: str,
    variables: dict[str, str],
    message: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = refusal(capsys)
    assert said.startswith(message)
    assert "uv sync --inexact --extra" in said
    assert len(said.splitlines()) == 1
    assert not telegram.calls


def test_taking_over_is_for_polling(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "1:secret")
    monkeypatch.setenv("WEBHOOK_URL", "https://bot.example.com/hook/")
    monkeypatch.setenv("STORAGE_URL", "memory:")
    assert refusal(capsys, "run", "--take-over").startswith("--take-over is for polling")


def test_sessions_are_those_of_the_storage_in_the_settings_unless_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STORAGE_URL", "shelf:")
    assert refusal(capsys, "sessions", "list").startswith("no storage for a URL")
    said = refusal(capsys, "sessions", "export", "--storage", "memory:")
    assert said.startswith("memory: is known to the process that has it alone")


def test_sessions_need_neither_a_token_nor_aiogram() -> None:
    result = run_without("aiogram", SESSIONS, STORAGE_URL="memory:")
    assert (result.returncode, result.stderr[:7]) == (2, "memory:")


def test_a_storage_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "chat", "--storage", "shelf:").startswith("--storage: no storage")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    assert "run " in said
    assert "chat " in said
    assert "sessions " in said


@pytest.mark.parametrize("command", ["chat", "web"])
def test_where_the_harness_is_absent_it_says_in_one_sentence_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setitem(sys.modules, "toolkit.harness", None)
    assert refusal(capsys, command) == (
        f"`{command}` needs toolkit.harness, which is not part of the installed package: "
        "run it in a checkout of the project.\n"
    )
