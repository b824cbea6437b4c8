"""The webhook: who may call it, what it answers when, and what it does with repetitions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import F
from aiogram.types import CallbackQuery, Message

from toolkit import MemorySessionStorage, StorageUnavailable, create_bot
from toolkit.app import BotApp
from toolkit.delivery import webhook as module

from .serving import TOKEN, Posting, Session, free_port

Webhook = Callable[..., Awaitable[Posting]]


class Away(MemorySessionStorage):
    """A store that can be taken away."""

    away = False

    def _check(self, key: str) -> None:
        if self.away:
            raise StorageUnavailable("test", "away")
        super()._check(key)


def counting(storage: Any = None, **options: Any) -> BotApp[Session]:
    """A bot that counts; it stands still at a message "hang" until ``app["go"]`` is set."""
    app = create_bot(
        TOKEN,
        initial=Session,
        storage=storage,
        go=asyncio.Event(),
        begun=asyncio.Event(),
        **options,
    )

    @app.message(F.text == "help")
    async def explain(message: Message) -> None:
        await message.answer("I count")

    @app.message()
    async def count(
        message: Message, session: Session, go: asyncio.Event, begun: asyncio.Event
    ) -> None:
        session.count += 1
        if message.text == "hang":
            begun.set()
            await go.wait()
        await message.answer(f"{session.count} from {message.chat.id}")

    return app


async def counted(serving: Posting, user_id: int = 5) -> Any:
    record = await serving.app.session_storage.read(f"{user_id}_{user_id}")
    return record and record["session"]["count"]


async def test_the_webhook_is_set_with_what_the_handlers_need(webhook: Webhook) -> None:
    app = counting()

    @app.callback_query()
    async def tap(query: CallbackQuery) -> None: ...

    serving = await webhook(app, max_connections=7)

    [call] = serving.methods("setWebhook")
    assert call.payload["url"] == serving.url
    assert sorted(call.payload["allowed_updates"]) == ["callback_query", "message"]
    assert call.payload["max_connections"] == 7
    assert call.payload["secret_token"] == module.secret_for(TOKEN)
    assert TOKEN not in call.payload["secret_token"]


async def test_200_means_that_the_session_is_committed(webhook: Webhook) -> None:
    serving = await webhook(counting())
    posted = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()
    assert not posted.done()
    assert await counted(serving) is None

    serving.app["go"].set()

    assert await posted == 200
    assert await counted(serving) == 1


@pytest.mark.parametrize("secret", ["", "wrong", "ä", module.secret_for(TOKEN) + "x"])
async def test_without_the_secret_nothing_gets_in(webhook: Webhook, secret: str) -> None:
    serving = await webhook(counting())

    assert await serving.post(serving.telegram.send_text(5, "hello"), secret) == 403
    assert await counted(serving) is None


async def test_a_secret_of_ones_own_is_used(webhook: Webhook) -> None:
    serving = await webhook(counting(), secret="open-sesame_1")

    assert await serving.post(serving.telegram.send_text(5, "hello"), "open-sesame_1") == 200


async def test_a_body_that_is_too_long_is_refused(webhook: Webhook) -> None:
    serving = await webhook(counting())

    assert await serving.post(b"x" * (module.LARGEST_BODY + 1)) == 413


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


async def test_health_tells_whether_the_store_answers_and_when_an_update_came(
    webhook: Webhook,
) -> None:
    storage = Away()
    serving = await webhook(counting(storage))
    assert await serving.get("/healthz") == (200, {"store": "ok", "last_update_age": None})

    await serving.post(serving.telegram.send_text(5, "hello"))
    _, health = await serving.get("/healthz")
    assert health["last_update_age"] >= 0

    storage.away = True
    status, health = await serving.get("/healthz")
    assert status == 503
    assert health["store"] == "unreachable"


async def test_while_draining_it_is_not_ready_and_takes_nothing_new(webhook: Webhook) -> None:
    serving = await webhook(counting())
    assert (await serving.get("/readyz"))[0] == 200
    posted = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()

    serving.stopping.set()
    await asyncio.sleep(0)
    assert await serving.get("/readyz") == (503, {"ready": False, "in_work": 1})
    assert await serving.post(serving.telegram.send_text(6, "hello")) == 503
    serving.app["go"].set()

    assert await posted == 200
    await serving.stop()
    assert not serving.texts.count("1 from 6")


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
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    serving = await webhook(counting())
    update = serving.telegram.send_text(5, "hang")
    assert await serving.post(update) == 503

    monkeypatch.setattr(module, "PATIENCE", 55.0)
    serving.app["go"].set()

    assert await serving.post(update) == 200
    assert await counted(serving) == 1


async def test_parked_updates_are_taken_up(webhook: Webhook) -> None:
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

    serving = await webhook(app)
    await serving.post(serving.telegram.send_text(5, "hello"))

    assert await counted(serving) == 2


async def test_a_bot_that_cannot_reach_telegram_at_first_sets_its_webhook_later(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from aiogram.utils.backoff import BackoffConfig

    from toolkit.fake_telegram import FakeTelegram

    monkeypatch.setattr(module, "BACKOFF", BackoffConfig(0.001, 0.002, 1.5, 0.0))
    telegram = FakeTelegram(token=TOKEN)
    telegram.faults.network_error("setWebhook", times=10)

    serving = await webhook(counting(), telegram)

    assert "setWebhook" in caplog.text
    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200


async def test_another_process_with_another_webhook_is_named(webhook: Webhook) -> None:
    from toolkit.fake_telegram import FakeTelegram

    class Contended(FakeTelegram):
        async def call(self, method: str, *args: Any, **options: Any) -> Any:
            result = await super().call(method, *args, **options)
            if method == "setWebhook":
                self.updates.webhook.url = "https://other.example.com"  # type: ignore[union-attr]
            return result

    serving = await webhook(counting(), Contended(token=TOKEN))
    task, serving.task = serving.task, None

    assert task is not None
    with pytest.raises(RuntimeError, match=r"delivers to https://other\.example\.com"):
        await task


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"url": "bot.example.com"}, "looks like https://"),
        ({"url": "https://bot.example.com/healthz"}, "/healthz is taken"),
        ({"url": "https://bot.example.com", "secret": "mit Umlaut ä"}, "1 to 256 of"),
        ({"url": "https://bot.example.com", "stop_within": 2.0}, "more than 3 seconds"),
    ],
)
async def test_options_that_cannot_work_are_refused(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        await counting().start_webhook(port=free_port(), **options)
