"""Two bots on one store: what a person does in one of them does not show in the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import MemorySessionStorage, SessionStorage, create_bot
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.storage import PersistentStorage

from .bots import Session
from .serving import Serving

Polling = Callable[..., Serving]

STORES: dict[str, Callable[[], Any]] = {
    "in memory": MemorySessionStorage,
    "on a server": lambda: PersistentStorage(MemorySessionStorage()),
}


def counting(bot_id: int, storage: Any) -> Any:
    """A bot that counts messages, in the session and beside it; "hang" hangs, "fail" fails."""
    app = create_bot(f"{bot_id}:fake", initial=Session, storage=storage)

    @app.message()
    async def count(message: Message, session: Session, storage: SessionStorage) -> None:
        if message.text == "hang":
            await asyncio.Event().wait()
        if message.text == "fail":
            raise ValueError(message.text)
        session.count += 1
        is_first = await storage.add("slot:first", {})
        await message.answer(f"{session.count}{' and the first' if is_first else ''}")

    return app


def telegram_of(app: Any) -> FakeTelegram:
    """Return a Telegram that counts the updates of each bot from the same number on."""
    return FakeTelegram(token=app.bot.token, first_update_id=500)


@pytest.mark.parametrize("kind", STORES)
async def test_bots_that_share_a_store_know_nothing_of_each_other(
    polling: Polling, kind: str
) -> None:
    storage = STORES[kind]()
    bots = [counting(bot_id, storage) for bot_id in (1001, 1002, 1003)]
    for app in bots:
        serving = polling(app, telegram_of(app))
        for text in ("hello", "fail", "hello"):
            serving.telegram.send_text(5, text)
        await serving.until_answered("2")
        await serving.until_confirmed()
        assert serving.texts[0] == "1 and the first"
    for app in bots:
        found = {key async for key in app.session_storage.read_all_keys()}
        assert {"5_5", "dead:501", "slot:first"} <= found
        assert (await app.session_storage.read("5_5"))["session"] == {"count": 2}


@pytest.mark.usefixtures("stores_soon")
@pytest.mark.parametrize("bot_id", [1001, 1002])
async def test_what_a_bot_has_left_unfinished_is_not_taken_up_by_another(
    polling: Polling, bot_id: int
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    # The one whose plain keys they are, and another.
    await counting(1001, storage).session_storage.has("5_5")
    left = counting(bot_id, storage)
    serving = polling(left, telegram_of(left))
    serving.telegram.send_text(5, "hang")
    await serving.until_confirmed()
    await serving.crash()

    other = counting(2003 - bot_id, storage)
    await other.sessions.checkouts.storage.has("5_5")
    stranger = polling(other, telegram_of(other))
    stranger.telegram.send_text(5, "hello")
    await stranger.until_answered("1 and the first")
    await stranger.stop()

    keys = [key async for key in counting(bot_id, storage).session_storage.read_all_keys("parked:")]
    assert keys == ["parked:500"]
