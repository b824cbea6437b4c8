"""`python -m bot broadcast FILE`: what it prints, sends and returns."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit import BotApp, SendLimits, create_bot, storage
from toolkit.admin.broadcast import add_broadcast_options, run_broadcast
from toolkit.harness import FakeTelegram
from toolkit.storage.per_bot import BotStorage

from .doubles import Lasting

Run = Callable[..., tuple[int, str, str]]
TOKEN = "42:fake"


@pytest.fixture
def telegram() -> FakeTelegram:
    """Knows five people, one of whom has blocked the bot."""
    telegram = FakeTelegram(token=TOKEN)
    for user in range(1, 6):
        telegram.send_text(user, "hello")
    telegram.block(5)
    return telegram


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Lasting:
    """A store with the audience of those five, behind every URL but that of the memory."""
    store, opened = Lasting(), storage.open_storage
    languages = ("de", "de", "en", None, "en")

    async def fill() -> None:
        for chat, language in enumerate(languages, 1):
            await store.write(f"audience:{chat}", {"since": "2026", "language": language})

    asyncio.run(fill())
    other = BotStorage(store, 42)
    monkeypatch.setattr(storage, "open_storage", lambda url: other if url == "x:" else opened(url))
    return store


@pytest.fixture
def run(
    store: Lasting, telegram: FakeTelegram, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs the command with a text, and returns the exit code and what was printed."""

    def run(
        text: str, *arguments: str, url: str = "x:", audience: bool = True
    ) -> tuple[int, str, str]:
        def make_app(storage: Any) -> Any:
            options = {"storage": storage, "audience": audience}
            app: BotApp[Any] = create_bot(TOKEN, initial=dict, **options)
            app.bot.limits = SendLimits(per_second=10_000)
            telegram.attach(app.bot)
            return app

        file = tmp_path / "news.html"
        file.write_text(text, encoding="utf-8")
        parser = argparse.ArgumentParser()
        add_broadcast_options(parser)
        code = run_broadcast(parser.parse_args([str(file), *arguments]), url, make_app)
        return code, *capsys.readouterr()

    return run


def received(telegram: FakeTelegram) -> list[tuple[int, str]]:
    """What has arrived, and where."""
    calls = (call.payload for call in telegram.calls if not call.error)
    return sorted((payload["chat_id"], payload["text"]) for payload in calls)


def test_a_text_goes_to_all_and_the_same_command_again_sends_nothing(
    run: Run, telegram: FakeTelegram
) -> None:
    code, out, err = run("Closed <b>tomorrow</b>.\n")
    assert (code, out, err) == (0, "4 sent, 1 blocked, 0 failed, 0 unknown, 0 left\n", "")
    assert received(telegram) == [(chat, "Closed <b>tomorrow</b>.") for chat in (1, 2, 3, 4)]

    assert run("Closed <b>tomorrow</b>.")[:2] == (code, out)
    assert len(received(telegram)) == 4

    code, out, err = run("Closed today.")
    assert (code, out) == (1, "")
    assert "the broadcast news was begun on 20" in err
    assert "give this one another name" in err


def test_a_dry_run_counts_and_sends_nothing(run: Run, telegram: FakeTelegram) -> None:
    code, out, _ = run("Closed.", "--dry-run")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["2", "de"],
        ["2", "en"],
        ["1", "-"],
        ["5", "all"],
    ]
    assert run("Closed.", "--dry-run", "--language", "de")[1].split() == ["2", "de", "2", "all"]
    assert received(telegram) == []


def test_it_can_be_sent_to_one_chat_or_in_one_language(run: Run, telegram: FakeTelegram) -> None:
    assert run("Zu.", "--to", "3")[:2] == (0, "sent to 3 alone\n")
    assert received(telegram) == [(3, "Zu.")]

    code, out, _ = run("Zu.", "--language", "de", "--language", "fr")
    assert (code, out) == (0, "2 sent, 0 blocked, 0 failed, 0 unknown, 0 left\n")
    assert received(telegram) == [(1, "Zu."), (2, "Zu."), (3, "Zu.")]


def test_what_is_unknown_or_failed_is_listed_and_how_to_go_on(
    run: Run, telegram: FakeTelegram
) -> None:
    telegram.faults.network_error(payload={"chat_id": 1}, applied=True)
    telegram.faults.bad_request("TOPIC_CLOSED", payload={"chat_id": 2})

    code, out, err = run("Closed.", "--name", "today")

    assert (code, out.splitlines()) == (
        1,
        [
            "2 sent, 1 blocked, 1 failed, 1 unknown, 0 left",
            "failed 1 times: Bad Request: TOPIC_CLOSED",
            "unknown: 1",
        ],
    )
    assert "news.html --name today --repeat-unknown" in err
    code, out, _ = run("Closed.", "--name", "today", "--repeat-unknown")
    assert out.startswith("3 sent, 1 blocked, 1 failed, 0 unknown, 0 left")


@pytest.mark.parametrize("text", ["", "x" * 5000, "a<b>c"])
@pytest.mark.parametrize("arguments", [[], ["--to", "3"]])
def test_a_text_that_cannot_be_sent_is_refused_in_a_sentence(
    run: Run, telegram: FakeTelegram, text: str, arguments: list[str]
) -> None:
    code, out, err = run(text, *arguments)

    assert (code, out) == (1, "")
    assert "1 to 4,096 characters" in err or "can't parse entities" in err
    assert received(telegram) == []
    assert run("Closed.")[0] == 0


def test_a_bot_without_an_audience_and_a_store_in_memory_are_refused(run: Run) -> None:
    code, _, err = run("Closed.", "--dry-run", audience=False)
    assert (code, "audience=True" in err) == (1, True)

    code, _, err = run("Closed.", url="memory:")
    assert (code, "memory:" in err) == (2, True)
    code, _, err = run("Closed.", url="nothing:")
    assert (code, "no storage" in err) == (2, True)


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    parser = argparse.ArgumentParser()
    add_broadcast_options(parser)
    (tmp_path / "latin").write_bytes("Schließung".encode("latin-1"))
    for name in ("latin", "absent"):
        given = parser.parse_args([str(tmp_path / name)])
        assert run_broadcast(given, "x:", lambda _: pytest.fail("made a bot")) == 2
