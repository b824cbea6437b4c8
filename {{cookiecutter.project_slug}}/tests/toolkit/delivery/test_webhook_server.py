"""How a webhook is set, who may call it, and what it tells about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram.types import CallbackQuery

from toolkit.delivery import webhook as module

from .bots import TOKEN, Away, counting
from .serving import Posting, free_port

Webhook = Callable[..., Awaitable[Posting]]


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


async def test_the_webhook_is_set_with_what_it_is_told_to(webhook: Webhook) -> None:
    serving = await webhook(counting(), allowed_updates=["poll"], greeting="hello")

    assert serving.methods("setWebhook")[0].payload["allowed_updates"] == ["poll"]
    assert serving.app["greeting"] == "hello"


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


async def test_health_tells_whether_the_store_answers_and_when_an_update_came(
    webhook: Webhook,
) -> None:
    storage = Away()
    serving = await webhook(counting(storage))
    assert await serving.get("/healthz") == (
        200,
        {"store": "ok", "last_update_age": None, "webhook": "set"},
    )

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


@pytest.mark.usefixtures("no_backoff")
async def test_a_bot_that_cannot_reach_telegram_at_first_sets_its_webhook_later(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    from toolkit.harness.fake_telegram import FakeTelegram

    telegram = FakeTelegram(token=TOKEN)
    telegram.faults.network_error("setWebhook", times=10)

    serving = await webhook(counting(), telegram)

    assert "setWebhook" in caplog.text
    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200


async def test_another_process_with_another_webhook_is_named(webhook: Webhook) -> None:
    from toolkit.harness.fake_telegram import FakeTelegram

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
        ({"url": "https://bot.example.com/%68ealthz"}, "/healthz is taken"),
        ({"url": "https://bot.example.com/my hook"}, "neither spaces nor control"),
        ({"url": "https://bot.example.com/hook\n"}, "neither spaces nor control"),
        ({"url": "https://bot.example.com/hook#here"}, "no part after #"),
        ({"url": "https://bot.example.com:none/hook"}, "is no webhook URL"),
        ({"url": "ftp://bot.example.com/hook"}, "looks like https://"),
        ({"url": "https://bot.example.com", "secret": "mit Umlaut ä"}, "1 to 256 of"),
        ({"url": "https://bot.example.com", "stop_within": 2.0}, "more than 3 seconds"),
    ],
)
async def test_options_that_cannot_work_are_refused(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        await counting().start_webhook(port=free_port(), **options)
