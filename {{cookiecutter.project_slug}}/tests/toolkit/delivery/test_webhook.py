"""What a webhook answers when, and what it does with repetitions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import MemorySessionStorage, create_bot
from toolkit.app import BotApp
from toolkit.delivery import webhook as module
from toolkit.harness import FakeTelegram

from .bots import TOKEN, Away, Session, counting
from .serving import Posting

Webhook = Callable[..., Awaitable[Posting]]


async def counted(serving: Posting, user_id: int = 5) -> Any:
    record = await serving.app.session_storage.read(f"{user_id}_{user_id}")
    return record and record["session"]["count"]


async def test_200_means_that_the_session_is_committed(webhook: Webhook) -> None:
    serving = await webhook(counting())
    posted = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()
    assert not posted.done()
    assert await counted(serving) is None

    serving.app["go"].set()

    assert await posted == 200
    assert await counted(serving) == 1


async def test_an_update_that_comes_again_is_applied_once(webhook: Webhook) -> None:
    serving = await webhook(counting())
    update = serving.telegram.send_text(5, "hello")
    question = serving.telegram.send_text(5, "help")

    for _ in range(3):
        assert await serving.post(update) == 200
        assert await serving.post(question) == 200

    assert await counted(serving) == 1
    assert serving.texts == ["1 from 5", "I count"]


async def test_an_update_that_comes_while_it_is_in_work_is_applied_once(webhook: Webhook) -> None:
    serving = await webhook(counting())
    update = serving.telegram.send_text(5, "hang")
    first = asyncio.create_task(serving.post(update))
    await serving.app["begun"].wait()
    others = [asyncio.create_task(serving.post(update)) for _ in range(5)]
    serving.app["go"].set()

    assert set(await asyncio.gather(first, *others)) == {200}
    assert await counted(serving) == 1


async def test_two_replicas_apply_a_repeated_update_once(webhook: Webhook) -> None:
    storage = MemorySessionStorage()
    first, second = await webhook(counting(storage)), await webhook(counting(storage))
    update = first.telegram.send_text(5, "hang")
    first.app["go"].set()
    second.app["go"].set()

    answers = await asyncio.gather(first.post(update), second.post(update))

    assert set(answers) == {200}
    assert await counted(first) == 1


async def test_an_outage_is_answered_with_503_and_told_once(webhook: Webhook) -> None:
    storage = Away()
    serving = await webhook(counting(storage))
    update = serving.telegram.send_text(5, "hello")
    storage.away = True
    assert [await serving.post(update) for _ in range(3)] == [503, 503, 503]
    assert len(serving.texts) == 1

    storage.away = False

    assert await serving.post(update) == 200
    assert await counted(serving) == 1


async def test_a_failing_update_is_set_aside_even_if_the_store_goes_away_meanwhile(
    webhook: Webhook,
) -> None:
    storage = Away()
    app: BotApp[Session] = create_bot(TOKEN, initial=Session, storage=storage)
    tries = []

    @app.message()
    async def fail(message: Message) -> None:
        tries.append(message.text)
        await message.answer("sent")
        storage.away = True
        raise RuntimeError("boom")

    serving = await webhook(app)
    update = serving.telegram.send_text(5, "hello")
    assert await serving.post(update) == 503
    storage.away = False

    assert await serving.post(update) == 200
    assert tries == ["hello"]
    letter = await storage.read("dead:1")
    assert letter is not None
    assert "RuntimeError: boom" in letter["error"]


@pytest.mark.parametrize(
    ("body", "name"),
    [(b'{"update_id": 7, "message": {"text": 7}}', "dead:7"), (b"no json", "dead:7bb4d0a5")],
)
async def test_what_cannot_be_read_is_set_aside_and_confirmed(
    webhook: Webhook, body: bytes, name: str
) -> None:
    serving = await webhook(counting())

    assert await serving.post(body) == 200
    [key] = [key async for key in serving.app.session_storage.read_all_keys("dead:")]
    assert key.startswith("dead:")
    letter = await serving.app.session_storage.read(key)
    assert letter["update"] == body.decode()


async def test_what_a_stop_cuts_off_is_answered_with_503(webhook: Webhook) -> None:
    serving = await webhook(counting(), stop_within=3.01)
    posted = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()
    behind = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hello")))

    await serving.stop()

    assert set(await asyncio.gather(posted, behind)) == {503}


async def test_handlers_are_given_less_time_than_telegram_waits(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.app.HANDLER_LIMIT", 0.01)
    serving = await webhook(counting(handler_timeout=3600.0))

    assert await serving.post(serving.telegram.send_text(5, "hang")) == 200
    assert await counted(serving) is None


async def test_an_update_that_stands_in_line_for_too_long_is_asked_for_again(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN", 0.01)
    serving = await webhook(counting())
    update = serving.telegram.send_text(5, "hang")
    assert await serving.post(update) == 503

    monkeypatch.setattr(module, "ANSWER_WITHIN", 55.0)
    serving.app["go"].set()

    assert await serving.post(update) == 200
    assert await counted(serving) == 1


async def test_a_message_that_comes_again_is_told_nothing_new(webhook: Webhook) -> None:
    storage = Away()
    serving = await webhook(counting(storage))
    storage.away = True
    old = serving.telegram.send_text(5, "hello")
    old["message"]["date"] -= 60

    assert await serving.post(old) == 503
    assert await serving.post(serving.telegram.send_text(6, "hello")) == 503

    assert [call.payload["chat_id"] for call in serving.methods("sendMessage")] == [6]


async def test_updates_in_the_inbox_are_taken_up(webhook: Webhook) -> None:
    storage = MemorySessionStorage()
    app = counting(storage)
    update = {
        "update_id": 3,
        "message": {
            "message_id": 1,
            "date": 1,
            "chat": {"id": 5, "type": "private", "first_name": "A"},
            "from": {"id": 5, "is_bot": False, "first_name": "A"},
            "text": "left behind",
        },
    }
    await storage.write("parked:3", {"update": update})

    telegram = FakeTelegram(token=app.bot.token)
    hello = telegram.send_text(5, "hello")
    serving = await webhook(app, telegram)
    await serving.post(hello)

    assert await counted(serving) == 2
