"""Long polling: what is confirmed when, who waits for whom, and what becomes of failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import ErrorEvent, Message

from toolkit import MemorySessionStorage, StorageUnavailable, create_bot
from toolkit.app import BotApp
from toolkit.delivery import parking
from toolkit.delivery import polling as module

from .serving import TOKEN, Serving, Session

Polling = Callable[..., Serving]


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GLANCE", 0.01)
    monkeypatch.setattr(module, "PARK_AFTER", 3600.0)


@pytest.fixture
def _parks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PARK_AFTER", 0.03)


def counting(storage: Any = None, **options: Any) -> BotApp[Session]:
    """A bot that counts each user's messages and answers with the number.

    It stands still at a message "hang", until ``app["go"]`` is set.
    """
    app = create_bot(TOKEN, initial=Session, storage=storage, go=asyncio.Event(), **options)

    @app.message()
    async def count(message: Message, session: Session, go: asyncio.Event) -> None:
        session.count += 1
        if message.text == "hang":
            await go.wait()
        await message.answer(f"{session.count} from {message.chat.id}")

    return app


async def test_an_update_is_confirmed_only_after_its_session_is_committed(
    polling: Polling,
) -> None:
    serving = polling(counting())
    serving.telegram.send_text(5, "hang")
    await serving.until(lambda: len(serving.methods("getUpdates")) > 5)
    assert len(serving.telegram.updates) == 1
    assert await serving.app.session_storage.read("5_5") is None

    serving.app["go"].set()
    await serving.until_confirmed()

    record = await serving.app.session_storage.read("5_5")
    assert record["session"]["count"] == 1


async def test_updates_of_one_user_are_handled_in_order(polling: Polling) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    seen = []

    @app.message()
    async def note(message: Message, session: Session) -> None:
        await asyncio.sleep(0)
        seen.append(message.text)
        session.count += 1

    serving = polling(app)
    texts = [str(number) for number in range(250)]
    for text in texts:
        serving.telegram.send_text(5, text)
    await serving.until_confirmed()

    assert seen == texts


@pytest.mark.usefixtures("_parks_soon")
async def test_a_hung_handler_holds_up_only_its_own_user(polling: Polling) -> None:
    serving = polling(counting())
    serving.telegram.send_text(5, "hang")
    for user_id in range(1000, 1300):
        serving.telegram.send_text(user_id, "hello")

    await serving.until_answered("1 from 1299")
    await serving.until_confirmed()

    assert len(serving.texts) == 300
    assert await serving.app.session_storage.read("5_5") is None
    assert await serving.app.session_storage.has("parked:1")
    serving.app["go"].set()
    await serving.until_answered("1 from 5")
    await serving.stop()


@pytest.mark.usefixtures("_parks_soon")
async def test_a_parked_update_leaves_nothing_behind(polling: Polling) -> None:
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


async def test_a_handler_that_never_ends_is_cancelled_and_counts_as_handled(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    serving = polling(counting(handler_timeout=0.05))
    serving.telegram.send_text(5, "hang")
    serving.telegram.send_text(5, "hello")

    await serving.until_answered("1 from 5")
    await serving.until_confirmed()

    assert "the handler of 5_5 took longer than 0.05 s" in caplog.text
    assert len(serving.texts) == 2
    assert not await serving.app.session_storage.has("dead:1")


async def test_an_update_that_always_fails_is_set_aside_after_three_tries(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    tries = []

    @app.message()
    async def fail(message: Message) -> None:
        tries.append(message.text)
        raise RuntimeError("boom")

    serving = polling(app)
    content = {"text": "http://a.b", "link_preview_options": {"url": "http://a.b"}}
    update = serving.telegram.send(5, content)
    await serving.until_confirmed()

    assert tries == ["http://a.b"] * 3
    letter = await app.session_storage.read("dead:1")
    assert letter is not None
    assert letter["update"] == update
    assert letter["key"] == "5_5"
    assert "RuntimeError: boom" in letter["error"]
    assert len(serving.texts) == 1
    assert [r.message for r in caplog.records if r.exc_info] == ["update 1 of 5_5 failed"]


async def test_a_handler_that_failed_now_and_then_succeeds(polling: Polling) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    tries = []

    @app.message()
    async def fail_at_first(message: Message, session: Session) -> None:
        session.count += 1
        tries.append(session.count)
        if len(tries) == 1:
            raise RuntimeError("boom")

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()

    assert tries == [1, 1]
    assert serving.texts == []


@pytest.mark.parametrize("lost", [False, True])
async def test_a_handler_that_may_have_sent_a_message_is_not_run_again(
    polling: Polling, lost: bool
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    tries = []

    @app.message()
    async def send_and_fail(message: Message) -> None:
        tries.append(message.text)
        await message.answer("sent")
        raise RuntimeError("boom")

    serving = polling(app)
    if lost:
        serving.telegram.faults.network_error("sendMessage", applied=True)
    serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()

    assert tries == ["hello"]
    assert serving.texts.count("sent") == 1
    assert await app.session_storage.has("dead:1")


class Away(MemorySessionStorage):
    """A store that cannot be reached until ``back`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.back = asyncio.Event()

    def _check(self, key: str) -> None:
        if not self.back.is_set():
            raise StorageUnavailable("test", "away")
        super()._check(key)


@pytest.fixture
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiogram.utils.backoff import BackoffConfig

    from toolkit.delivery import attempts

    quick = BackoffConfig(min_delay=0.001, max_delay=0.002, factor=1.5, jitter=0.0)
    for where in (attempts, parking, module):
        monkeypatch.setattr(where, "BACKOFF", quick)


@pytest.mark.usefixtures("_no_backoff")
async def test_while_the_store_is_away_the_user_reads_one_sentence_and_nothing_is_lost(
    polling: Polling,
) -> None:
    storage = Away()
    serving = polling(counting(storage))
    serving.telegram.send_text(5, "hello")
    serving.telegram.send_text(5, "hello?")

    await serving.until(lambda: any("notes" in text for text in serving.texts))
    await serving.until(lambda: len(serving.methods("getUpdates")) > 10)
    storage.back.set()
    await serving.until_answered("2 from 5")
    await serving.until_confirmed()

    assert serving.texts[1:] == ["1 from 5", "2 from 5"]


@pytest.mark.usefixtures("_no_backoff")
async def test_an_error_handler_cannot_make_an_outage_count_as_handled(polling: Polling) -> None:
    storage = Away()
    app = counting(storage)

    @app.error()
    async def swallow(event: ErrorEvent) -> bool:
        return True

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until(lambda: len(serving.methods("getUpdates")) > 10)
    storage.back.set()

    await serving.until_answered("1 from 5")


@pytest.mark.usefixtures("_no_backoff")
async def test_a_second_instance_is_told_in_words_and_waits(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    from toolkit.fake_telegram.errors import conflict
    from toolkit.fake_telegram.faults import Fault

    serving = polling(counting())
    text = "terminated by other getUpdates request"
    serving.telegram.faults.add(Fault("getUpdates", error=conflict(text), times=2))
    serving.telegram.send_text(5, "hello")

    await serving.until_answered("1 from 5")

    words = "another process is polling with this token"
    assert len([r for r in caplog.records if words in r.message]) == 2


@pytest.mark.usefixtures("_no_backoff")
async def test_a_webhook_that_stands_in_the_way_is_removed(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    from toolkit.fake_telegram import FakeTelegram

    telegram = FakeTelegram(token=TOKEN)
    await telegram.call("setWebhook", {"url": "https://old.example.com"})
    serving = polling(counting(), telegram)
    telegram.send_text(5, "hello")

    await serving.until_answered("1 from 5")

    assert "this bot had a webhook" in caplog.text


async def test_an_update_that_cannot_be_read_is_set_aside_and_the_others_are_served(
    polling: Polling,
) -> None:
    serving = polling(counting())
    serving.telegram.updates.put_raw({"message": {"text": 7}})
    serving.telegram.send_text(5, "hello")
    serving.telegram.updates.put_raw({"message": {"text": 8}})

    await serving.until_answered("1 from 5")
    await serving.until_confirmed()

    for update_id in (1, 3):
        letter = await serving.app.session_storage.read(f"dead:{update_id}")
        assert letter["update"]["update_id"] == update_id


async def test_an_update_of_an_unknown_kind_is_set_aside(polling: Polling) -> None:
    serving = polling(counting())
    serving.telegram.updates.put_raw({"telepathy": {"thought": "hm"}})
    await serving.until_confirmed()

    letter = await serving.app.session_storage.read("dead:1")
    assert letter["update"]["telepathy"] == {"thought": "hm"}


async def test_ids_that_start_again_lower_are_followed(polling: Polling) -> None:
    serving = polling(counting())
    serving.telegram.updates.put_raw({**serving.telegram.send_text(5, "high"), "update_id": 900})
    await serving.until_confirmed()
    serving.telegram.updates.put_raw({**serving.telegram.send_text(5, "low"), "update_id": 300})
    await serving.until_answered("4 from 5")


async def test_a_call_that_a_handler_returns_is_made(polling: Polling) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)

    @app.message()
    async def answer(message: Message) -> Any:
        return message.answer("returned")

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("returned")


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
    storage = Lasting()
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
    storage = Lasting()
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


@pytest.mark.usefixtures("_parks_soon")
async def test_what_was_parked_at_a_crash_is_taken_up_by_the_next_process(
    polling: Polling,
) -> None:
    storage = Lasting()
    serving = polling(counting(storage), stop_within=3.01)
    serving.telegram.send_text(5, "hang")
    await serving.until_confirmed()
    await serving.crash()
    assert await storage.has("parked:1")

    app = counting(storage)
    app["go"].set()
    again = polling(app, serving.telegram)
    await again.until_answered("1 from 5")


@pytest.mark.usefixtures("_parks_soon")
async def test_an_update_with_which_the_process_dies_again_and_again_is_set_aside(
    polling: Polling,
) -> None:
    storage = Lasting()
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


class Lasting(MemorySessionStorage):
    """A store that outlives the bot, as a file does."""

    async def close(self) -> None:
        """Stay open for the next bot."""
