"""How a webhook stays set, and what is said when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from toolkit import CannotServe
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.errors import ApiError
from toolkit.harness.fake_telegram.faults import Fault

from .bots import TOKEN, counting
from .serving import PATIENCE, Posting

Webhook = Callable[..., Awaitable[Posting]]


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch, no_backoff: None) -> None:
    monkeypatch.setattr("toolkit.delivery.registration.LOOK_EVERY", 0.01)


def used_up(fault: Fault) -> bool:
    return fault.times == 0


async def _end_of(serving: Posting) -> None:
    task, serving.task = serving.task, None
    assert task is not None
    await asyncio.wait_for(task, PATIENCE)


async def test_a_webhook_that_was_removed_is_set_again(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    serving = await webhook(counting())
    before = serving.telegram.updates.webhook

    await serving.telegram.call("deleteWebhook", {})
    await serving.until(lambda: serving.telegram.updates.webhook)

    after = serving.telegram.updates.webhook
    assert after is not before
    assert (after.url, after.secret_token) == (before.url, before.secret_token)
    assert "has removed the webhook" in caplog.text
    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200


async def test_another_webhook_is_left_and_told(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    serving = await webhook(counting())
    url = serving.telegram.updates.webhook.url
    serving.telegram.clock = lambda: time.time() + 2.0  # a webhook can be set once a second
    await serving.telegram.call("setWebhook", {"url": "https://other.example.com/secret"})

    await serving.until(lambda: "nothing to this process any more" in caplog.text)

    status, health = await serving.get("/healthz")
    assert (status, health["webhook"]) == (200, "https://other.example.com")
    assert (await serving.get("/readyz"))[0] == 503
    assert "secret" not in caplog.text
    assert serving.telegram.updates.webhook.url == "https://other.example.com/secret"

    serving.telegram.clock = lambda: time.time() + 4.0
    await serving.telegram.call("setWebhook", {"url": url})
    await serving.until(lambda: "to this webhook again" in caplog.text)
    assert (await serving.get("/readyz"))[0] == 200


async def test_a_telegram_that_fails_for_a_while_changes_nothing(webhook: Webhook) -> None:
    serving = await webhook(counting())
    for code in (400, 403, 418, 420):
        fault = serving.telegram.faults.add(
            Fault("getWebhookInfo", error=ApiError(code, "Error"), times=3)
        )
        await serving.until(partial(used_up, fault))

    assert (await serving.get("/healthz"))[1]["webhook"] == "set"


async def test_a_token_that_is_revoked_ends_it_with_a_sentence(webhook: Webhook) -> None:
    serving = await webhook(counting())
    serving.telegram.faults.add(
        Fault("getWebhookInfo", error=ApiError(401, "Unauthorized"), times=None)
    )
    with pytest.raises(CannotServe, match="does not know this token"):
        await _end_of(serving)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ApiError(400, "Bad Request: bad webhook: Webhook can be set up only on ports"), "refuses"),
        (ApiError(401, "Unauthorized"), "does not know this token"),
        (ApiError(404, "Not Found"), "does not know this token"),
    ],
)
async def test_a_webhook_that_telegram_refuses_ends_it_with_a_sentence(
    error: ApiError, sentence: str
) -> None:
    telegram = FakeTelegram(token=TOKEN)
    telegram.faults.add(Fault("setWebhook", error=error, times=None))
    app = counting()
    telegram.attach(app.bot)
    with pytest.raises(CannotServe, match=sentence):
        await app.start_webhook(
            url="https://bot.example.com/hook",
            host="127.0.0.1",
            port=0,
            handle_signals=False,
        )


async def test_what_telegram_answers_once_by_mistake_is_asked_again(webhook: Webhook) -> None:
    telegram = FakeTelegram(token=TOKEN)
    for code in (403, 418, 420, 500):
        telegram.faults.add(Fault("setWebhook", error=ApiError(code, "Error"), times=2))

    serving = await webhook(counting(), telegram)

    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200
