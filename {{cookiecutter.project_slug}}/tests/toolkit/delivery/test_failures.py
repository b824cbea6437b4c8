"""What becomes of an update whose handler, or whose store, fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from aiogram import Bot, F
from aiogram.types import ErrorEvent, Message, Update

from toolkit import create_bot
from toolkit.app import BotApp
from toolkit.delivery.failures import BUSY, HALFWAY, INTERRUPTED, SORRY, STORE_DOWN

from .bots import TOKEN, Away, Session, counting
from .serving import Serving

Polling = Callable[..., Serving]


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


@pytest.mark.parametrize("chat_id", [5, -100])
async def test_a_403_of_another_chat_is_a_failure_like_others(
    polling: Polling, chat_id: int
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)

    @app.message(F.text)
    async def tell_the_owner(message: Message, session: Session, bot: Bot) -> None:
        session.count += 1
        await bot.send_message(9, "somebody has booked")

    serving = polling(app)
    serving.telegram.send_text(9, "/start")
    await serving.until_confirmed()
    serving.telegram.block(9)
    serving.telegram.send_text(5, "book", chat_id)
    await serving.until_confirmed()

    letters = [key async for key in app.session_storage.read_all_keys("dead:")]
    assert len(letters) == 1
    letter = await app.session_storage.read(letters[0])
    assert letter is not None
    assert letter["key"] == f"{chat_id}_5"
    assert "bot was blocked by the user" in letter["error"]
    assert serving.texts[-1] == SORRY


async def test_a_403_of_the_chat_itself_ends_its_update(polling: Polling) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    tries = []

    @app.message(F.text)
    async def answer(message: Message) -> None:
        tries.append(message.text)
        serving.telegram.block(5)
        await message.answer("hello")

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()

    assert tries == ["hello"]
    assert not [key async for key in app.session_storage.read_all_keys("dead:")]


async def test_a_handler_that_awaits_what_was_cancelled_leaves_a_dead_letter(
    polling: Polling,
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)

    @app.message()
    async def wait_for_nothing(message: Message) -> None:
        task = asyncio.create_task(asyncio.sleep(60))
        task.cancel()
        await task

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until_confirmed()

    letter = await app.session_storage.read("dead:1")
    assert letter is not None
    assert "CancelledError" in letter["error"]
    assert serving.texts == [INTERRUPTED]


@pytest.mark.parametrize(("sent", "told"), [(0, SORRY), (3, HALFWAY)])
async def test_the_apology_says_that_part_may_be_done_where_it_may(
    polling: Polling, sent: int, told: str
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)

    @app.message()
    async def broadcast(message: Message) -> None:
        for number in range(sent):
            await message.answer(str(number))
        raise RuntimeError("boom")

    serving = polling(app)
    serving.telegram.send_text(5, "go")
    await serving.until_confirmed()

    assert serving.texts == [*map(str, range(sent)), told]


async def test_the_apology_of_a_handler_that_took_too_long_says_that_part_may_be_done(
    polling: Polling,
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session, handler_timeout=0.1)

    @app.message()
    async def hang(message: Message) -> None:
        await asyncio.Event().wait()

    serving = polling(app)
    serving.telegram.send_text(5, "go")
    await serving.until_confirmed()

    assert serving.texts == [HALFWAY]
    assert await app.session_storage.has("dead:1")


@pytest.mark.parametrize("text", [SORRY, HALFWAY, STORE_DOWN, INTERRUPTED, BUSY])
def test_no_apology_claims_what_nobody_can_know(text: str) -> None:
    assert "nothing was" not in text


@pytest.mark.usefixtures("no_backoff")
async def test_while_the_store_is_away_the_user_reads_one_sentence_and_nothing_is_lost(
    polling: Polling,
) -> None:
    storage = Away()
    storage.away = True
    serving = polling(counting(storage))
    serving.telegram.send_text(5, "hello")
    serving.telegram.send_text(5, "hello?")

    await serving.until(lambda: any("notes" in text for text in serving.texts))
    await serving.until(lambda: len(serving.methods("getUpdates")) > 10)
    storage.away = False
    await serving.until_answered("2 from 5")
    await serving.until_confirmed()

    assert serving.texts[1:] == ["1 from 5", "2 from 5"]


@pytest.mark.usefixtures("no_backoff")
async def test_while_the_store_is_away_a_group_that_does_not_mean_the_bot_is_left_alone(
    polling: Polling,
) -> None:
    storage = Away()
    storage.away = True
    serving = polling(counting(storage))
    for user_id in range(1, 6):
        serving.telegram.send_text(user_id, "chatter", -100)
    serving.telegram.send_text(6, "/count", -100)

    await serving.until(lambda: serving.texts)
    await serving.until(lambda: len(serving.methods("getUpdates")) > 10)

    assert serving.texts == [STORE_DOWN]
    storage.away = False
    await serving.until_confirmed()


@pytest.mark.usefixtures("no_backoff")
async def test_an_error_handler_cannot_make_an_outage_count_as_handled(polling: Polling) -> None:
    storage = Away()
    storage.away = True
    app = counting(storage)

    @app.error()
    async def swallow(event: ErrorEvent) -> bool:
        return True

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until(lambda: len(serving.methods("getUpdates")) > 10)
    storage.away = False

    await serving.until_answered("1 from 5")


async def test_an_update_is_not_set_aside_for_one_that_its_handler_made(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session, handler_timeout=0.3)
    app._limits.deadlines._again.seconds = 0.01
    end = asyncio.Event()
    tasks: list[asyncio.Task[object]] = []

    @app.message()
    async def make_another(message: Message, event_update: Update) -> None:
        if message.text != "stay":
            own = message.model_copy(update={"text": "stay"})
            update = event_update.model_copy(update={"message": own, "update_id": 0})
            tasks.append(asyncio.create_task(app.feed_update(app.bot, update)))
            return
        while not end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await end.wait()

    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    try:
        await serving.until_confirmed()
        async with asyncio.timeout(20):
            while "left behind" not in caplog.text:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)

        assert not await app.session_storage.has("dead:1")
    finally:
        end.set()
    await asyncio.wait(tasks)
