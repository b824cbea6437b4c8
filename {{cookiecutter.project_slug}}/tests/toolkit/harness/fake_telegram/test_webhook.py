"""Updates are delivered to a webhook, in order, until it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from toolkit.harness.fake_telegram import ApiError, Event, FakeTelegram
from toolkit.harness.fake_telegram.server import serve
from toolkit.harness.types import Json


class Hook:
    """A webhook that answers as the test wants, and remembers what came."""

    def __init__(self) -> None:
        self.url = ""
        self.statuses: list[int] = []
        self.answer: Json | None = None
        self.texts: list[str] = []
        self.headers: list[str | None] = []
        self.events: list[Event] = []
        self.changed = asyncio.Event()

    async def handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        status = self.statuses.pop(0) if self.statuses else 200
        self.headers.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token"))
        if status == 200:
            self.texts.append(update["message"]["text"])
        return web.json_response(self.answer, status=status)

    def notice(self, event: Event) -> None:
        if event.kind in ("delivered", "webhook_error", "call"):
            self.events.append(event)
            self.changed.set()

    async def seen(self, kind: str, count: int = 1) -> None:
        """Return when this has happened so often."""
        async with asyncio.timeout(10):
            while sum(event.kind == kind for event in self.events) < count:
                self.changed.clear()
                await self.changed.wait()

    async def got(self, count: int) -> list[str]:
        """What came, when so much of it was delivered."""
        await self.seen("delivered", count)
        return self.texts


@pytest.fixture
async def hook(telegram: FakeTelegram) -> AsyncIterator[Hook]:
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.handle)
    async with TestServer(app) as server, serve(telegram, retry_delay=0.01):
        hook.url = str(server.make_url("/hook"))
        telegram.observe(hook.notice)
        yield hook


async def test_what_waits_and_what_comes_is_delivered_with_the_secret(
    telegram: FakeTelegram, hook: Hook
) -> None:
    telegram.send_text(1, "before")
    await telegram.call("setWebhook", {"url": hook.url, "secret_token": "s3cret"})
    telegram.send_text(1, "after")
    assert await hook.got(2) == ["before", "after"]
    assert hook.headers == ["s3cret"] * 2


async def test_a_webhook_without_a_secret_gets_no_header(
    telegram: FakeTelegram, hook: Hook
) -> None:
    await telegram.call("setWebhook", {"url": hook.url})
    telegram.send_text(1, "hi")
    await hook.got(1)
    assert hook.headers == [None]


async def test_a_refused_update_is_sent_again_and_those_behind_it_wait(
    telegram: FakeTelegram, hook: Hook
) -> None:
    hook.statuses = [500, 404, 503]
    await telegram.call("setWebhook", {"url": hook.url})
    for text in "abc":
        telegram.send_text(1, text)
    assert await hook.got(3) == ["a", "b", "c"]
    info = await telegram.call("getWebhookInfo", {})
    problem = "Wrong response from the webhook: 503 Service Unavailable"
    assert (info["last_error_message"], info["last_error_date"]) == (problem, 1_700_000_000)


async def test_one_chat_does_not_wait_for_another(telegram: FakeTelegram, hook: Hook) -> None:
    hook.statuses = [500]
    await telegram.call("setWebhook", {"url": hook.url, "max_connections": 1})
    telegram.send_text(1, "refused at first")
    telegram.send_text(2, "taken at once")
    assert sorted(await hook.got(2)) == ["refused at first", "taken at once"]


async def test_a_webhook_that_is_not_there_is_an_error_and_nothing_is_lost(
    telegram: FakeTelegram, hook: Hook
) -> None:
    await telegram.call("setWebhook", {"url": "http://127.0.0.1:9/"})
    telegram.send_text(1, "hi")
    await hook.seen("webhook_error")
    info = await telegram.call("getWebhookInfo", {})
    assert (info["last_error_message"], info["pending_update_count"]) == ("Connection refused", 1)
    with pytest.raises(ApiError, match="retry after 1"):  # a webhook a second
        await telegram.call("setWebhook", {"url": hook.url})
    telegram.clock = lambda: 1_700_000_002.0
    await telegram.call("setWebhook", {"url": hook.url})
    assert await hook.got(1) == ["hi"]


async def test_after_deletion_updates_wait_for_polling(telegram: FakeTelegram, hook: Hook) -> None:
    await telegram.call("setWebhook", {"url": hook.url})
    telegram.send_text(1, "one")
    await hook.got(1)
    await telegram.call("deleteWebhook", {})
    telegram.send_text(1, "two")
    updates = await telegram.call("getUpdates", {})
    assert [update["message"]["text"] for update in updates] == ["two"]


async def test_the_answer_of_a_webhook_may_be_a_call(telegram: FakeTelegram, hook: Hook) -> None:
    hook.answer = {"method": "sendMessage", "chat_id": 1, "text": "from the answer"}
    await telegram.call("setWebhook", {"url": hook.url})
    telegram.send_text(1, "hi")
    await hook.got(1)
    assert telegram.messages(1)[-1]["text"] == "from the answer"


async def test_many_chats_are_served_in_order_within_each(
    telegram: FakeTelegram, hook: Hook
) -> None:
    hook.statuses = [500] * 20
    await telegram.call("setWebhook", {"url": hook.url, "max_connections": 8})
    for number in range(20):
        for user_id in range(1, 11):
            telegram.send_text(user_id, f"{user_id}:{number}")
    texts = await hook.got(200)
    for user_id in range(1, 11):
        own = [text for text in texts if text.startswith(f"{user_id}:")]
        assert own == [f"{user_id}:{number}" for number in range(20)]
    assert len(telegram.updates) == 0
