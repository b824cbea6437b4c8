"""Work after the answer: when it begins, what becomes of its errors, and how a stop ends it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import ErrorEvent, Message, Update
from aiohttp import web

from toolkit import BotContext, MemorySessionStorage, StorageUnavailable, Tasks, create_bot
from toolkit.app import BotApp
from toolkit.delivery.failures import INTERRUPTED, SORRY
from toolkit.harness.storage import PersistentStorage
from toolkit.storage.base import UNCHANGED, Lease

from .bots import TOKEN, Session
from .serving import Posting, Serving

Polling = Callable[..., Serving]
Webhook = Callable[..., Awaitable[Posting]]


def working(work: Callable[..., Any], storage: Any = None, **options: Any) -> BotApp[Session]:
    """A bot that counts, and has each message worked on: `work(app, key, message)`.

    At "bad" the handler fails, at "odd" its first try does; "hang" lets it wait for `app["go"]`.
    """
    go = asyncio.Event()
    store = PersistentStorage(storage or MemorySessionStorage())
    app = create_bot(TOKEN, initial=Session, storage=store, go=go, tried=[], **options)

    @app.message()
    async def begin(
        message: Message,
        session: Session,
        context: BotContext[Session],
        tasks: Tasks,
        tried: list[str],
    ) -> None:
        session.count += 1
        tasks.start(work(app, context.key, message), name="counting")
        tried.append(str(message.text))
        if message.text == "bad" or tried == ["odd"]:
            raise ValueError("a mistake")
        if message.text == "hang":
            await go.wait()

    return app


async def count_on(app: BotApp[Session], key: str, message: Message) -> None:
    """Add ten to what the handler has counted, and tell."""
    async with app.sessions.checkout_all(key) as (context,):
        context.session.count += 10
        count = context.session.count
    await message.answer(f"{count} in a task")


async def stall(app: BotApp[Session], key: str, message: Message) -> None:
    """Say so, and go on for ever."""
    await message.answer("begun")
    await asyncio.Event().wait()


async def fail(app: BotApp[Session], key: str, message: Message) -> None:
    """Fail."""
    raise RuntimeError("boom")


async def count_of(serving: Serving) -> int:
    record = await serving.app.session_storage.read("5_5")
    assert record is not None
    count: int = record["session"]["count"]
    return count


async def test_it_begins_after_the_commit_and_has_the_session(polling: Polling) -> None:
    serving = polling(working(count_on))
    serving.telegram.send_text(5, "hang")
    await serving.until(lambda: serving.app["tried"])
    await asyncio.sleep(0.01)
    assert serving.texts == []
    serving.app["go"].set()
    await serving.until_answered("11 in a task")
    assert await count_of(serving) == 11


async def test_what_a_failed_try_has_started_never_begins(polling: Polling) -> None:
    serving = polling(working(count_on))
    for text in ("odd", "bad", "fine"):
        serving.telegram.send_text(5, text)
    await serving.until_answered("22 in a task")
    assert serving.app["tried"] == ["odd", "odd", "bad", "bad", "bad", "fine"]
    assert serving.texts == ["11 in a task", SORRY, "22 in a task"]


@pytest.mark.filterwarnings("error")
async def test_what_never_begins_leaves_no_task_and_no_warning(talk_to: Any) -> None:
    talk = talk_to(working(count_on))
    before = asyncio.all_tasks()
    with pytest.raises(ValueError, match="a mistake"):
        await talk.say("bad")
    await asyncio.sleep(0.01)
    gc.collect()
    assert asyncio.all_tasks() == before
    assert talk.texts == [SORRY]


@pytest.mark.filterwarnings("error")
async def test_one_that_its_handler_cancels_never_begins_and_is_no_failure(
    talk_to: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_bot(TOKEN, initial=Session)
    ran = list[str]()

    async def work() -> None:
        ran.append("ran")

    @app.message()
    async def think_again(message: Message, tasks: Tasks) -> None:
        tasks.start(work()).cancel()
        await asyncio.sleep(0.01)
        tasks.start(work()).cancel()

    await talk_to(app).say("hello")
    await asyncio.sleep(0.01)
    gc.collect()
    assert (ran, app.tasks.running, caplog.records) == ([], set(), [])


async def test_it_does_not_begin_before_the_store_has_the_commit(
    polling: Polling, no_backoff: None
) -> None:
    class Failing(MemorySessionStorage):
        failures = 2

        async def checkin(self, lease: Lease, value: Any, **options: Any) -> None:
            if value is not UNCHANGED and self.failures:
                self.failures -= 1
                raise StorageUnavailable("test", "away")
            await super().checkin(lease, value, **options)

    serving = polling(working(count_on, Failing()))
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("11 in a task")
    assert serving.app["tried"] == ["hello"] * 3
    assert serving.texts.count("11 in a task") == 1


async def test_one_that_an_error_handler_starts_begins_in_place_of_the_handlers(
    polling: Polling,
) -> None:
    app = working(fail)

    @app.errors()
    async def go_on(event: ErrorEvent, tasks: Tasks, bot: Any) -> None:
        tasks.start(bot.send_message(5, "sorry"))

    serving = polling(app)
    serving.telegram.send_text(5, "bad")
    await serving.until_answered("sorry")
    assert serving.texts == ["sorry"]


async def test_an_error_is_logged_once_and_told_to_the_user(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    serving = polling(working(fail))
    serving.telegram.send_text(5, "hello")
    await serving.until_answered(SORRY)
    await serving.stop()
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.message == "the task counting of update 1 of 5_5 failed"
    assert "RuntimeError: boom" in caplog.text
    assert await count_of(serving) == 1


async def test_on_error_is_given_the_error_of_a_task(polling: Polling) -> None:
    seen = list[ErrorEvent]()

    async def note(event: ErrorEvent, bot: Any) -> None:
        seen.append(event)
        await bot.send_message(5, "noted")

    serving = polling(working(fail, on_error=note))
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("noted")
    assert [(event.update.update_id, str(event.exception)) for event in seen] == [(1, "boom")]


async def test_an_outage_is_not_said_to_pass_as_a_task_does_not_go_on(polling: Polling) -> None:
    async def look(app: BotApp[Session], key: str, message: Message) -> None:
        raise StorageUnavailable("test", "away")

    serving = polling(working(look))
    serving.telegram.send_text(5, "hello")
    await serving.until_answered(INTERRUPTED)


async def test_a_user_who_has_blocked_the_bot_meanwhile_is_no_failure(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    async def answer(app: BotApp[Session], key: str, message: Message) -> None:
        serving.telegram.block(5)
        try:
            await message.answer("too late")
        except TelegramForbiddenError:
            done.set()
            raise

    serving = polling(working(answer))
    serving.telegram.send_text(5, "hello")
    await done.wait()
    await serving.stop()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_one_that_awaits_what_was_cancelled_has_failed(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait(app: BotApp[Session], key: str, message: Message) -> None:
        other = asyncio.create_task(asyncio.Event().wait())
        other.cancel()
        await other

    serving = polling(working(wait))
    serving.telegram.send_text(5, "hello")
    await serving.until_answered(INTERRUPTED)
    assert "did not end: what it waited for had been cancelled" in caplog.text


async def test_a_stop_waits_for_it(polling: Polling) -> None:
    async def linger(app: BotApp[Session], key: str, message: Message) -> None:
        await serving.stopping.wait()
        await asyncio.sleep(0.05)
        await count_on(app, key, message)

    serving = polling(working(linger))
    serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()
    await serving.stop()
    assert serving.texts == ["11 in a task"]
    assert await count_of(serving) == 11


async def test_a_stop_waits_for_one_whose_handler_it_waits_for(polling: Polling) -> None:
    serving = polling(working(count_on))
    serving.telegram.send_text(5, "hang")
    await serving.until(lambda: serving.app["tried"])
    serving.stopping.set()
    await asyncio.sleep(0.01)
    serving.app["go"].set()
    await serving.stop()
    assert serving.texts == ["11 in a task"]


async def test_behind_a_webhook_a_stop_waits_for_it_too(webhook: Webhook) -> None:
    async def linger(app: BotApp[Session], key: str, message: Message) -> None:
        await serving.stopping.wait()
        await count_on(app, key, message)

    serving = await webhook(working(linger))
    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200
    await serving.stop()
    assert serving.texts == ["11 in a task"]


async def test_what_a_stop_cuts_off_is_logged_by_name_and_told_to_the_user(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    app = working(stall)
    serving = polling(app, stop_within=3.05)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("begun")
    await serving.stop()
    assert serving.texts == ["begun", INTERRUPTED]
    told = "the task counting of update 1 of 5_5 did not end: a stop of the bot cut it off"
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == [told]
    assert app.tasks.running == set()


async def test_it_has_the_time_of_handlers_and_no_more(polling: Polling) -> None:
    ended = list[int]()

    async def work(app: BotApp[Session], key: str, message: Message) -> None:
        try:
            await stall(app, key, message)
        finally:
            ended.append(len(serving.methods("getUpdates")))

    serving = polling(working(work), stop_within=3.05)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("begun")
    await serving.stop()
    # What handlers have done by then is confirmed after their time is over.
    assert ended == [len(serving.methods("getUpdates")) - 1]


async def test_what_never_began_is_dropped_with_the_update_that_a_stop_cuts_off(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    serving = polling(working(count_on), stop_within=3.05)
    serving.telegram.send_text(5, "hang")
    await serving.until(lambda: serving.app["tried"])
    await serving.stop()
    assert serving.texts == []
    assert "counting" not in caplog.text


async def test_after_the_stop_none_begins(polling: Polling) -> None:
    app, ran = working(count_on), list[str]()

    async def work() -> None:
        ran.append("ran")

    @app.shutdown()
    async def end() -> None:
        with pytest.raises(RuntimeError, match="has stopped"):
            app.tasks.start(work())
        ran.append("refused")

    serving = polling(app)
    await serving.until_polling()
    await serving.stop()
    assert ran == ["refused"]

    async with app.running():
        await app.tasks.start(work())
    assert ran == ["refused", "ran", "refused"]


async def test_outside_updates_it_begins_at_once(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    app, seen = working(fail), list[int]()

    async def note(key: str) -> None:
        async with app.sessions.checkout_all(key) as (context,):
            seen.append(context.session.count)
            context.session.count += 10

    async def break_down() -> None:
        raise RuntimeError("boom")

    @app.startup()
    async def begin() -> None:
        app.tasks.start(note("6_6"))

    @app.routes.get("/paid")
    async def paid(request: web.Request) -> web.Response:
        async with app.sessions.checkout("5_5") as context:
            task = app.tasks.start(note("5_5"))
            await asyncio.sleep(0.01)
            context.session.count = 1
            assert not task.done()
        with pytest.raises(RuntimeError, match="boom"):
            await app.tasks.start(break_down())
        return web.Response()

    serving = await webhook(app)
    async with aiohttp.ClientSession() as http, http.get(f"{serving.base}/paid") as response:
        assert response.status == 200
    await serving.stop()
    assert seen == [0, 1]
    assert await count_of(serving) == 11
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.message.startswith("the task test_outside_updates")
    assert record.message.endswith("break_down failed")


async def test_one_that_is_started_by_another_begins_at_once_and_fails_as_its_updates(
    polling: Polling,
) -> None:
    async def pass_on(app: BotApp[Session], key: str, message: Message) -> None:
        await app.tasks.start(fail(app, key, message))

    serving = polling(working(pass_on))
    serving.telegram.send_text(5, "hello")
    await serving.until(lambda: serving.texts == [SORRY, SORRY])


async def test_the_task_of_an_update_that_a_handler_makes_does_not_write_through_that_handler(
    talk_to: Any,
) -> None:
    app = create_bot(TOKEN, initial=Session)
    seen = list[int]()

    async def note() -> None:
        async with app.sessions.checkout_all("5_5") as (context,):
            seen.append(context.session.count)

    @app.message()
    async def count(message: Message, session: Session, tasks: Tasks) -> None:
        session.count += 1
        if message.text != "other":
            raw = {**talk.telegram.send_text(6, "other"), "update_id": 0}
            await app.feed_update(app.bot, Update.model_validate(raw, context={"bot": app.bot}))
            await asyncio.sleep(0.01)
            assert seen == []
            session.count += 1
            return
        tasks.start(note())

    talk = talk_to(app)
    await talk.say("hello")
    await asyncio.gather(*app.tasks.running)
    assert seen == [2]


@pytest.mark.parametrize("odd", [count_on, "work"], ids=["a function", "a text"])
def test_what_is_no_coroutine_is_refused_in_words(odd: Any) -> None:
    app = create_bot(TOKEN, initial=Session)
    with pytest.raises(TypeError, match=r"tasks\.start\(work\(chat_id\)\), not"):
        app.tasks.start(odd)


def test_without_an_event_loop_it_says_what_it_needs() -> None:
    app = create_bot(TOKEN, initial=Session)
    with pytest.raises(RuntimeError, match="a handler that is `async def`"):
        app.tasks.start(asyncio.sleep(0))


def test_a_bot_that_gives_its_handlers_tasks_of_its_own_keeps_them() -> None:
    mine = ["wash up"]
    assert create_bot(TOKEN, initial=Session, tasks=mine)["tasks"] is mine
