"""What is in progress at a stop or a crash is finished, by this process or by the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import MemorySessionStorage, SessionConflict, StorageUnavailable, create_bot
from toolkit.delivery.failures import INTERRUPTED
from toolkit.delivery.inbox import ALONE_AT_MOST, SUSPECT_AFTER
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.storage import PersistentStorage
from toolkit.sessions.checkout import BACKGROUND_CALLS
from toolkit.storage.base import UNCHANGED, Lease

from .bots import TOKEN, Session, counting
from .serving import Serving

Polling = Callable[..., Serving]


@pytest.mark.usefixtures("stores_soon")
async def test_an_update_in_the_inbox_leaves_nothing_behind(polling: Polling) -> None:
    removed = asyncio.Event()

    class Watched(MemorySessionStorage):
        async def checkin(self, lease: Lease, value: Any, **options: Any) -> None:
            await super().checkin(lease, value, **options)
            if lease.key.startswith("parked:") and value is None:
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


async def test_what_a_stop_cuts_off_after_it_had_sent_something_is_set_aside(
    polling: Polling,
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    app = create_bot(TOKEN, initial=Session, storage=storage)

    @app.message()
    async def take_long(message: Message) -> None:
        await message.answer("One moment …")
        await asyncio.Event().wait()

    serving = polling(app, stop_within=3.01)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("One moment …")
    await serving.stop()

    letter = await storage.read("dead:1")
    assert "a stop cut the handler off after sendMessage" in letter["error"]
    assert serving.texts == ["One moment …", INTERRUPTED]
    assert not len(serving.telegram.updates)
    assert [key async for key in storage.read_all_keys("parked:")] == []


@pytest.mark.usefixtures("stores_soon")
async def test_orderly_stops_count_for_nothing(polling: Polling) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    telegram = None
    for _ in range(6):
        serving = polling(counting(storage), telegram, stop_within=3.01)
        telegram = serving.telegram
        if not serving.polls:
            await serving.until_polling()
        if not await storage.has("parked:1"):
            telegram.send_text(5, "hang")
        await serving.app["begun"].wait()
        await serving.stop()

    record = await storage.read("parked:1")
    assert record["begun"] is False
    assert not record.get("deaths")
    app = counting(storage)
    app["go"].set()
    again = polling(app, telegram)
    await again.until_answered("1 from 5")


@pytest.mark.usefixtures("stores_soon")
async def test_what_waits_in_line_at_a_crash_is_no_suspect(polling: Polling) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage), stop_within=3.01)
    serving.telegram.send_text(5, "hang")
    serving.telegram.send_text(5, "behind it")
    await serving.until_confirmed()
    await serving.crash()

    assert (await storage.read("parked:1"))["begun"] is True
    assert (await storage.read("parked:2"))["begun"] is False


async def test_a_broken_record_of_the_inbox_is_quarantined_and_the_others_taken_up(
    polling: Polling,
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    app = counting(storage)
    telegram = FakeTelegram(token=TOKEN)
    good = telegram.send_text(5, "hello")
    telegram.updates.take()
    for number, record in enumerate(({}, {"update": {"message": 1}}, {"update": None}), 7):
        await storage.write(f"parked:{number}", record)
    await storage.write("parked:1", {"update": good})

    serving = polling(app, telegram)
    await serving.until_answered("1 from 5")
    await serving.stop()

    left = sorted([key async for key in storage.read_all_keys() if key != "5_5"])
    assert left == [f"quarantine:parked:{number}" for number in (7, 8, 9)]


async def test_a_record_of_the_inbox_that_another_process_holds_is_left_to_it(
    polling: Polling,
) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    telegram = FakeTelegram(token=TOKEN)
    await storage.write("parked:1", {"update": telegram.send_text(5, "theirs")})
    telegram.updates.take()
    await storage.checkout("parked:1", holder="another process", lease_for=60)

    serving = polling(counting(storage), telegram)
    telegram.send_text(5, "ours")
    await serving.until_answered("1 from 5")
    await serving.until_confirmed()
    await serving.stop()

    assert serving.texts == ["1 from 5"]
    assert "deaths" not in await storage.read("parked:1")


@pytest.mark.usefixtures("stores_soon", "no_backoff")
@pytest.mark.parametrize("failure", ["conflict", "away", "unanswered"])
@pytest.mark.parametrize("number", range(1, 14))
async def test_no_failure_of_the_store_leaves_an_update_in_the_inbox(
    polling: Polling, number: int, failure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.delivery.inbox.LOOK_AGAIN", 0.01)
    monkeypatch.setattr("toolkit.delivery.inbox.ALONE_FOR", 0.05)
    storage = FailsOnce(MemorySessionStorage())
    telegram = FakeTelegram(token=TOKEN)
    for update_id, deaths in ((1, 0), (2, 2), (3, 2)):
        update = telegram.send_text(update_id, "hang")
        await storage.write(f"parked:{update_id}", {"update": update, "deaths": deaths})
    telegram.updates.take()
    storage.failure, storage.calls_left = failure, number

    serving = polling(counting(storage), telegram)
    await serving.app["begun"].wait()
    await asyncio.sleep(0.1)
    serving.app["go"].set()
    # A store raises no event.
    while [key async for key in storage.inner.read_all_keys("parked:")]:  # noqa: ASYNC110
        await asyncio.sleep(0.001)

    assert sorted(serving.texts) == ["1 from 1", "1 from 2", "1 from 3"]


@pytest.mark.usefixtures("stores_soon", "no_backoff")
async def test_what_is_settled_is_not_written_down_again(polling: Polling) -> None:
    tried, deleted = asyncio.Event(), asyncio.Event()

    class Late(MemorySessionStorage):
        writes = deletes = 0

        async def write(self, key: str, value: Any, **options: Any) -> None:
            if key.startswith("parked:"):
                self.writes += 1
                if self.writes == 1:
                    tried.set()
                    raise StorageUnavailable("test", "away")
                await deleted.wait()
            await super().write(key, value, **options)

        async def delete(self, key: str) -> None:
            if key.startswith("parked:"):
                self.deletes += 1
                if self.deletes == 1:
                    await asyncio.sleep(0.1)
                    raise StorageUnavailable("test", "away")
            await super().delete(key)
            if key.startswith("parked:"):
                deleted.set()

    serving = polling(counting(storage := Late()))
    serving.telegram.send_text(5, "hang")
    await tried.wait()
    serving.app["go"].set()
    await serving.until_confirmed()
    await asyncio.sleep(0.1)

    assert [key async for key in storage.read_all_keys()] == ["5_5"]


class FailsOnce(PersistentStorage):
    """A store of which one call about the inbox fails: after `calls_left - 1` others."""

    failure = ""
    calls_left = 0

    async def _call(self, verb: str, *arguments: Any, **options: Any) -> Any:
        key = arguments[0].key if isinstance(arguments[0], Lease) else arguments[0]
        last = False
        if key.startswith("parked:"):
            self.calls_left -= 1
            last = self.calls_left == 0
        if last and self.failure == "away":
            raise StorageUnavailable("test", "away")
        if last and self.failure == "conflict" and verb == "checkin":
            # What a server does that was killed and had not yet written the lease to its disk.
            await self.inner.checkin(arguments[0], UNCHANGED)
            raise SessionConflict(key)
        answer = await super()._call(verb, *arguments, **options)
        if last and self.failure == "unanswered":
            raise StorageUnavailable("test", "the answer was lost")
        return answer


@pytest.mark.usefixtures("stores_soon")
async def test_one_busy_session_does_not_fill_the_window(polling: Polling) -> None:
    storage = PersistentStorage(MemorySessionStorage())
    serving = polling(counting(storage))
    telegram = serving.telegram
    telegram.send_text(5, "hang")
    for _ in range(500):
        telegram.send_text(5, "more")
    telegram.send_text(6, "hello")

    await serving.until_answered("1 from 6")

    assert "1 from 5" not in serving.texts
    serving.app["go"].set()
    await serving.until_answered("501 from 5")
    await serving.until_confirmed()


@pytest.mark.usefixtures("stores_soon")
async def test_a_slow_store_is_not_asked_to_write_the_whole_inbox_at_once(
    polling: Polling,
) -> None:
    class Slow(MemorySessionStorage):
        at_once = most = 0

        async def write(self, key: str, value: Any, **options: Any) -> None:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0.001)
            await super().write(key, value, **options)
            self.at_once -= 1

    serving = polling(counting(storage := Slow()))
    for user in range(1, 51):
        serving.telegram.send_text(user, "hang")
    await serving.until_confirmed()

    assert 1 < storage.most <= BACKGROUND_CALLS
    serving.app["go"].set()
    await serving.until_answered("1 from 50")


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
    for _ in range(SUSPECT_AFTER + ALONE_AT_MOST - 1):
        await serving.crash()
        serving = polling(counting(storage), serving.telegram, stop_within=3.01)
        await serving.app["begun"].wait()
    await serving.crash()
    serving = polling(counting(storage), serving.telegram)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("1 from 5")

    letter = await storage.read("dead:1")
    assert letter is not None
    assert "the process has died 3 times at this update alone" in letter["error"]
    assert not await storage.has("parked:1")
