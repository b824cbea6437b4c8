"""Long polling: what is confirmed when, and who waits for whom."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import CannotServe, create_bot
from toolkit.app import BotApp

from .bots import TOKEN, Session, counting
from .serving import PATIENCE, Serving

Polling = Callable[..., Serving]


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


@pytest.mark.usefixtures("stores_soon")
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
    letter = await serving.app.session_storage.read("dead:1")
    assert letter is not None
    assert "HandlerTimedOut" in letter["error"]


@pytest.mark.usefixtures("no_backoff")
async def test_a_second_instance_is_told_in_words_and_waits(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    from toolkit.harness.fake_telegram.errors import conflict
    from toolkit.harness.fake_telegram.faults import Fault

    serving = polling(counting())
    text = "terminated by other getUpdates request"
    serving.telegram.faults.add(Fault("getUpdates", error=conflict(text), times=2))
    serving.telegram.send_text(5, "hello")

    await serving.until_answered("1 from 5")

    words = "another process is polling with this token"
    assert len([r for r in caplog.records if words in r.message]) == 2


@pytest.mark.usefixtures("no_backoff")
async def test_a_webhook_that_stands_in_the_way_is_removed_when_that_is_asked_for(
    polling: Polling, caplog: pytest.LogCaptureFixture
) -> None:
    from toolkit.harness.fake_telegram import FakeTelegram

    telegram = FakeTelegram(token=TOKEN)
    await telegram.call("setWebhook", {"url": "https://old.example.com"})
    serving = polling(counting(), telegram, take_over=True)
    telegram.send_text(5, "hello")

    await serving.until_answered("1 from 5")

    assert "the webhook at https://old.example.com is removed" in caplog.text


@pytest.mark.parametrize("take_over", [False, True])
async def test_polling_refuses_while_a_webhook_is_set_and_leaves_it(
    polling: Polling, take_over: bool
) -> None:
    from toolkit.harness.fake_telegram import FakeTelegram

    telegram = FakeTelegram(token=TOKEN)
    serving = polling(counting(), telegram, take_over=take_over)
    if take_over:
        # Once, at the start: what is set again later is meant.
        await telegram.call("setWebhook", {"url": "https://old.example.com"})
        await serving.until(lambda: serving.methods("deleteWebhook"))
        telegram.clock = lambda: time.time() + 2.0  # a webhook can be set once a second
    await telegram.call("setWebhook", {"url": "https://bot.example.com/secret"})
    task, serving.task = serving.task, None

    assert task is not None
    with pytest.raises(CannotServe, match=r"delivers .* to https://bot\.example\.com, .*take-over"):
        await asyncio.wait_for(task, PATIENCE)

    assert telegram.updates.webhook is not None
    assert telegram.updates.webhook.url == "https://bot.example.com/secret"


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


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, ["message"]),
        ({"allowed_updates": ["poll"]}, ["poll"]),
        ({"allowed_updates": None}, None),
    ],
)
async def test_polling_asks_for_the_updates_that_it_is_told_to(
    polling: Polling, given: Any, asked: Any
) -> None:
    serving = polling(counting(), **given)
    await serving.until_polling()
    await serving.stop()

    assert serving.methods("getUpdates")[0].payload.get("allowed_updates") == asked


async def test_what_polling_is_given_by_name_is_passed_to_handlers_and_hooks(
    polling: Polling,
) -> None:
    app: BotApp[Session] = create_bot(TOKEN, initial=Session)
    seen = []
    app.startup.register(lambda greeting: seen.append(greeting))

    @app.message()
    async def greet(message: Message, greeting: str) -> None:
        await message.answer(greeting)

    serving = polling(app, greeting="Good morning")
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("Good morning")

    assert seen == ["Good morning"]


async def test_what_polling_cannot_do_as_aiogram_does_is_refused() -> None:
    with pytest.raises(TypeError, match="tasks_concurrency_limit is no option here"):
        await counting().start_polling(tasks_concurrency_limit=1)
