"""getUpdates and setWebhook, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram


async def poll(telegram: FakeTelegram, **params: Any) -> list[int]:
    updates = await telegram.call("getUpdates", params)
    return [update["update_id"] for update in updates]


async def waiting(telegram: FakeTelegram, **params: Any) -> asyncio.Task[list[int]]:
    """A poll that has begun to wait."""
    task = asyncio.create_task(poll(telegram, timeout=50, **params))
    await asyncio.sleep(0)
    return task


async def test_an_update_comes_again_until_it_is_confirmed(telegram: FakeTelegram) -> None:
    for text in "abc":
        telegram.send_text(1, text)
    assert await poll(telegram) == [1, 2, 3]
    assert await poll(telegram, offset=2) == [2, 3]
    assert await poll(telegram, limit=1) == [2]
    assert await poll(telegram, offset=4) == []
    assert len(telegram.updates) == 0


async def test_a_negative_offset_keeps_the_last_ones_only(telegram: FakeTelegram) -> None:
    for text in "abcd":
        telegram.send_text(1, text)
    assert await poll(telegram, offset=-2) == [3, 4]
    assert await poll(telegram) == [3, 4]


async def test_a_long_poll_is_woken_by_an_update(telegram: FakeTelegram) -> None:
    task = await waiting(telegram)
    assert not task.done()
    telegram.send_text(1, "hi")
    assert await task == [1]


async def test_a_newer_poll_ends_the_one_that_waits(telegram: FakeTelegram) -> None:
    task = await waiting(telegram)
    assert await poll(telegram) == []
    with pytest.raises(ApiError, match="terminated by other getUpdates request") as ended:
        await task
    assert ended.value.code == 409


async def test_a_webhook_and_polling_exclude_each_other(telegram: FakeTelegram) -> None:
    task = await waiting(telegram)
    await telegram.call("setWebhook", {"url": "https://example.com/hook"})
    with pytest.raises(ApiError, match="terminated by setWebhook request"):
        await task
    with pytest.raises(ApiError, match="can't use getUpdates method while webhook is active"):
        await poll(telegram)
    await telegram.call("deleteWebhook", {})
    assert await poll(telegram) == []


async def test_only_the_kinds_that_were_asked_for_are_queued(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "a")
    telegram.react(1, 1, "👍")
    assert await poll(telegram, allowed_updates='["message_reaction"]') == [1]
    telegram.react(1, 1, "🔥")
    telegram.send_text(1, "b")
    assert await poll(telegram, offset=2) == [3]
    assert await poll(telegram, offset=4, allowed_updates="[]") == []
    telegram.send_text(1, "c")
    assert await poll(telegram) == [5]


async def test_webhook_info_tells_what_was_set(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "a")
    webhook = {"url": "https://example.com/hook", "max_connections": 5, "secret_token": "s"}
    await telegram.call("setWebhook", {**webhook, "allowed_updates": ["message"]})
    assert await telegram.call("getWebhookInfo", {}) == {
        "url": "https://example.com/hook",
        "has_custom_certificate": False,
        "pending_update_count": 1,
        "max_connections": 5,
        "ip_address": "<unknown>",
        "allowed_updates": ["message"],
    }
    await telegram.call("deleteWebhook", {"drop_pending_updates": True})
    info = await telegram.call("getWebhookInfo", {})
    assert (info["url"], info["pending_update_count"]) == ("", 0)


async def test_an_update_can_be_delivered_again(telegram: FakeTelegram) -> None:
    update = telegram.send_text(1, "a")
    await poll(telegram, offset=2)
    telegram.send_text(1, "b")
    telegram.updates.repeat(update)
    assert await poll(telegram, offset=0) == [1, 2]
    assert await poll(telegram, offset=2) == [2]


async def test_many_updates_are_taken_in_order(telegram: FakeTelegram) -> None:
    for number in range(2000):
        telegram.send_text(number % 7 + 1, "x")
    seen: list[int] = []
    while batch := await poll(telegram, offset=seen[-1] + 1 if seen else 0):
        seen += batch
    assert seen == list(range(1, 2001))
