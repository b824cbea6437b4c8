"""What is in progress at a stop or a crash is finished, by this process or by the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from toolkit import MemorySessionStorage
from toolkit.harness.storage import PersistentStorage

from .bots import counting
from .serving import Serving

Polling = Callable[..., Serving]


@pytest.mark.usefixtures("stores_soon")
async def test_an_update_in_the_inbox_leaves_nothing_behind(polling: Polling) -> None:
    removed = asyncio.Event()

    class Watched(MemorySessionStorage):
        async def delete(self, key: str) -> None:
            await super().delete(key)
            removed.set()

    serving = polling(counting(Watched()))
    serving.telegram.send_text(5, "hang")
    await serving.until_confirmed()
    serving.app["go"].set()
    await removed.wait()

    storage = serving.app.session_storage
    assert [key async for key in storage.read_all_keys()] == ["5_5"]


async def test_a_stop_lets_handlers_finish_and_confirms_what_they_did(polling: Polling) -> None:
    serving = polling(counting())
    serving.telegram.send_text(5, "hang")
    await serving.until(lambda: len(serving.methods("getUpdates")) > 1)

    serving.stopping.set()
    await asyncio.sleep(0)
    serving.app["go"].set()
    await serving.stop()

    assert serving.texts == ["1 from 5"]
    assert not len(serving.telegram.updates)


async def test_after_a_stop_nothing_is_handled_twice(polling: Polling) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage))
    for user_id in range(1000, 1050):
        serving.telegram.send_text(user_id, "hello")
    await serving.until(lambda: serving.texts)
    await serving.stop()

    again = polling(counting(storage), serving.telegram)
    await again.until_confirmed()
    await again.stop()

    assert sorted(again.texts) == sorted(f"1 from {user_id}" for user_id in range(1000, 1050))


async def test_what_a_stop_cuts_off_is_taken_up_by_the_next_process(polling: Polling) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage), stop_within=3.01)
    serving.telegram.send_text(5, "hang")
    serving.telegram.send_text(5, "behind it")
    await serving.until(lambda: len(serving.methods("getUpdates")) > 1)
    await serving.stop()
    assert serving.texts == []

    app = counting(storage)
    app["go"].set()
    again = polling(app, serving.telegram)
    await again.until_answered("2 from 5")


@pytest.mark.usefixtures("stores_soon")
async def test_what_was_in_the_inbox_at_a_crash_is_taken_up_by_the_next_process(
    polling: Polling,
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage), stop_within=3.01)
    serving.telegram.send_text(5, "hang")
    await serving.until_confirmed()
    await serving.crash()
    assert await storage.has("parked:1")

    app = counting(storage)
    app["go"].set()
    again = polling(app, serving.telegram)
    await again.until_answered("1 from 5")


@pytest.mark.usefixtures("stores_soon")
async def test_an_update_with_which_the_process_dies_again_and_again_is_set_aside(
    polling: Polling,
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage), stop_within=3.01)
    serving.telegram.send_text(5, "hang")
    await serving.until_confirmed()
    for _ in range(3):
        await serving.crash()
        serving = polling(counting(storage), serving.telegram, stop_within=3.01)
        await serving.until_polling()
    await serving.crash()
    serving = polling(counting(storage), serving.telegram)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("1 from 5")

    letter = await storage.read("dead:1")
    assert letter is not None
    assert "the process has died 3 times" in letter["error"]
    assert not await storage.has("parked:1")
