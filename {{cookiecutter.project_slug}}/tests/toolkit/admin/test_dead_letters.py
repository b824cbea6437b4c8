"""`dead list, show, retry, drop`: what they print, do and return."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import Timer, create_bot, on_timer, storage
from toolkit.admin.dead_letters import add_dead_verbs, run_dead_verb
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.storage.per_bot import BotStorage

from .doubles import Lasting

Run = Callable[..., tuple[int, str, str]]


@dataclass
class Session:
    count: int = 0


def make_app(storage: Any) -> Any:
    """A bot that counts, and fails at the message "fail"."""
    app = create_bot("42:fake", initial=Session, storage=storage)

    @app.message()
    async def count(message: Message, session: Session) -> None:
        if message.text == "fail":
            raise RuntimeError("still")
        session.count += 1

    @on_timer(app, "remind")
    async def remind(timer: Timer) -> None:
        """Not due here."""

    FakeTelegram(token=app.bot.token).attach(app.bot)
    return app


def update(number: int, text: str) -> dict[str, Any]:
    user = {"id": 5, "is_bot": False, "first_name": "Ann"}
    chat = {"id": 5, "type": "private", "first_name": "Ann"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": user, "text": text}
    return {"update_id": number, "message": message}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Lasting:
    """A store with three dead letters, one of which holds no update, behind every URL."""
    store = Lasting()

    async def fill() -> None:
        for number, text in ((7, "hello"), (8, "fail")):
            error = f"Traceback …\nRuntimeError: {text}"
            letter = {"update": update(number, text), "key": "5_5", "error": error, "at": "2026"}
            await store.write(f"dead:{number}", letter)
        await store.write("dead:torn", {"update": "no JSON", "error": "", "at": "2026"})

    asyncio.run(fill())
    monkeypatch.setattr(storage, "open_storage", lambda url: store)
    return store


@pytest.fixture
def run(store: Lasting, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb, and returns the exit code and what was printed."""

    def run(*arguments: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser(prog="dead")
        add_dead_verbs(parser)
        code = run_dead_verb(parser.parse_args(arguments), "here:", make_app)
        return code, *capsys.readouterr()

    return run


def test_a_bot_has_its_own_letters(store: Lasting, capsys: pytest.CaptureFixture[str]) -> None:
    # 42 is the bot whose plain keys they are.
    asyncio.run(store.add("bots:owner", {"bot": 42}))
    other = BotStorage(store, 43)
    asyncio.run(other.write("dead:9", {"update": None, "error": "of 43", "at": "2026"}))
    parser = argparse.ArgumentParser(prog="dead")
    add_dead_verbs(parser)

    def run(*arguments: str, bot_id: int) -> tuple[int, str]:
        code = run_dead_verb(parser.parse_args(arguments), "here:", make_app, bot_id)
        return code, capsys.readouterr().out

    assert run("list", bot_id=43) == (0, "9  2026  -  of 43\n")
    assert run("retry", "7", bot_id=42) == (0, "7 is handled\n")
    assert run("drop", "8", bot_id=43)[0] == 1
    assert run("drop", "all", bot_id=43)[0] == 0
    assert read(store, "dead:8") is not None
    assert asyncio.run(other.read("dead:9")) is None


def read(store: Lasting, key: str) -> Any:
    return asyncio.run(store.read(key))


def test_list_says_what_whose_and_why(run: Run) -> None:
    code, out, _ = run("list")

    assert code == 0
    assert out.splitlines()[:2] == [
        "7  2026  5_5  RuntimeError: hello",
        "8  2026  5_5  RuntimeError: fail",
    ]


def test_show_prints_the_update(run: Run) -> None:
    code, out, _ = run("show", "7")

    assert code == 0
    assert json.loads(out)["update"] == update(7, "hello")


def test_drop_deletes_what_is_named_and_nothing_else(run: Run, store: Lasting) -> None:
    assert run("drop", "7")[0] == 0

    assert read(store, "dead:7") is None
    assert read(store, "dead:8") is not None


def test_retry_handles_an_update_again(run: Run, store: Lasting) -> None:
    code, out, _ = run("retry", "7")

    assert (code, out) == (0, "7 is handled\n")
    assert read(store, "dead:7") is None
    assert read(store, "5_5")["session"] == {"count": 1}


def test_what_fails_again_stays(run: Run, store: Lasting) -> None:
    code, out, err = run("retry", "all")

    assert (code, out) == (1, "7 is handled\n")
    assert "8 failed again: RuntimeError('still')" in err
    assert "torn cannot be read as an update" in err
    assert "RuntimeError: still" in read(store, "dead:8")["error"]
    assert read(store, "dead:torn") is not None


def test_what_is_not_there_is_named_and_nothing_is_done(run: Run, store: Lasting) -> None:
    code, _, err = run("drop", "7", "9")

    assert code == 1
    assert "there is no dead letter 9" in err
    assert read(store, "dead:7") is not None


def test_a_timer_is_set_again_for_the_bot_that_runs(run: Run, store: Lasting) -> None:
    for name in ("remind:7", "gone"):
        timer = {"name": name, "key": "5_5", "at": 1.0, "data": {"visit": 7}}
        letter = {"update": {"timer": timer}, "key": "5_5", "error": "E: e", "at": "2026"}
        asyncio.run(store.write(f"dead:timer:5_5:{name}", letter))
    code, out, _ = run("retry", "timer:5_5:remind:7")
    assert (code, out) == (0, "timer:5_5:remind:7 is due again, for the bot that runs\n")
    assert read(store, "dead:timer:5_5:remind:7") is None
    assert read(store, "5_5")["timers"]["remind:7"]["data"] == {"visit": 7}
    code, out, error = run("retry", "timer:5_5:gone")
    assert (code, out) == (1, "")
    assert "timer:5_5:gone failed again: no handler takes timers named 'gone'" in error
    assert read(store, "dead:timer:5_5:gone") is not None
