"""Settings: where they come from, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load_settings, offline_settings

pytestmark = pytest.mark.usefixtures("empty_folder")

TOKEN = "123456:AAF-secret_part"


def token() -> str | None:
    secret = load_settings().bot_token
    return secret.get_secret_value() if secret else None


def test_without_any_setting_there_is_no_token() -> None:
    assert token() is None


def test_the_token_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    assert token() == TOKEN


def test_the_token_comes_from_the_env_file(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text(f"BOT_TOKEN={TOKEN}\nUNRELATED=1\n")
    assert token() == TOKEN


def test_an_empty_variable_counts_as_not_set(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("BOT_TOKEN=\nBOT_TOKEN_FILE=\n")
    assert token() is None


def test_the_token_comes_from_a_file_with_a_line_end(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "secret").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("BOT_TOKEN_FILE", "secret")
    assert token() == TOKEN


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BOT_TOKEN": "nonsense-secret"}, "BOT_TOKEN: not a bot token"),
        ({"BOT_TOKEN_FILE": "absent"}, "BOT_TOKEN_FILE: [Errno 2] No such file"),
        ({"BOT_TOKEN_FILE": "wrong"}, "BOT_TOKEN_FILE: not a bot token"),
        ({"BOT_TOKEN_FILE": "."}, "BOT_TOKEN_FILE: [Errno 21]"),
        ({"BOT_TOKEN_FILE": "right", "BOT_TOKEN": TOKEN}, "BOT_TOKEN and BOT_TOKEN_FILE are both"),
        ({"WEBHOOK_URL": "bot.example.com"}, "WEBHOOK_URL: not a web address"),
        ({"WEBHOOK_URL": "http://bot.example.com/"}, "WEBHOOK_URL: Telegram delivers to https"),
        ({"WATCHDOG_SECONDS": "5"}, "WATCHDOG_SECONDS: too short. Write 15 seconds or more"),
        (
            {"LOG_LEVEL": "secret"},
            "LOG_LEVEL: not one of its values. Write DEBUG, INFO, WARNING, ERROR or CRITICAL",
        ),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT: not one of its values. Write text or json"),
        ({"METRICS_PORT": "0"}, "METRICS_PORT: not a port. Write a number from 1 to 65535"),
        ({"EVENT_LOOP": "fast"}, "EVENT_LOOP: not one of its values. Write asyncio or uvloop"),
        (
            {"WEBHOOK_URL": "https://bot.example.com/a b"},
            "WEBHOOK_URL: a webhook URL holds neither",
        ),
        ({"TELEGRAM_API_URL": "localhost:8081"}, "TELEGRAM_API_URL: not a web address"),
        ({"PROXY_URL": "http://user:secret@host"}, "PROXY_URL: not the address of a proxy"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    (empty_folder / "right").write_text(TOKEN)
    (empty_folder / "wrong").write_text("nonsense-secret")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert str(error.value).startswith(message)
    assert "secret" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(("text", "seconds"), [("", None), ("0", None), ("15", 15), ("60", 60)])
def test_the_watchdog_can_be_switched_off(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_SECONDS", text)
    assert load_settings().watchdog_seconds == seconds


def test_a_value_may_be_written_in_small_letters_or_in_large_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("LOG_FORMAT", "JSON")
    settings = load_settings()
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_addresses_are_kept_as_they_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_URL", "https://bot.example.com/hook/")
    monkeypatch.setenv("TELEGRAM_API_URL", "http://localhost:8081/")
    settings = load_settings()
    assert settings.webhook_url == "https://bot.example.com/hook/"
    assert settings.telegram_api_url == "http://localhost:8081"


def test_chat_and_specs_have_your_settings_but_neither_your_token_nor_your_store(
    empty_folder: Path,
) -> None:
    (empty_folder / ".env").write_text(
        "BOT_TOKEN=1:secret\nSTORAGE_URL=elsewhere://production\nWEBHOOK_PORT=9000\n"
    )
    settings = offline_settings()
    assert (settings.bot_token, settings.storage_url) == (None, "memory:")
    assert settings.webhook_port == 9000
    assert offline_settings(webhook_port=9001).webhook_port == 9001
