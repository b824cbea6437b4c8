"""Delivery of updates to a webhook, https://core.telegram.org/bots/api#setwebhook.

Updates of one chat go one after another, those of different chats at the same time, at most
`max_connections` of them. What is not answered with 2xx is sent again, after a growing delay.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import Any

import aiohttp

from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure
from toolkit.harness.fake_telegram.telegram import FakeTelegram
from toolkit.harness.fake_telegram.update_queue import Webhook
from toolkit.harness.types import Json

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


class WebhookDelivery:
    """Runs beside the server, and delivers while a webhook is set."""

    def __init__(
        self,
        telegram: FakeTelegram,
        *,
        retry_delay: float = 1.0,
        max_retry_delay: float = 60.0,
        timeout: float = 60.0,
    ) -> None:
        self._telegram = telegram
        self._retry_delay = retry_delay
        self._max_retry_delay = max_retry_delay
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def run(self) -> None:
        """Follow the webhook of the bot until cancelled."""
        updates = self._telegram.updates
        while True:
            webhook = updates.webhook
            if webhook is None:
                await updates.wait_for_webhook()
                continue
            connector = aiohttp.TCPConnector(limit=webhook.max_connections)
            async with aiohttp.ClientSession(connector=connector, timeout=self._timeout) as http:
                queues = _ChatQueues()
                async with asyncio.TaskGroup() as group:
                    workers = [
                        group.create_task(self._work(queues, webhook, http))
                        for _ in range(webhook.max_connections)
                    ]
                    updates.subscribe(queues.add)
                    try:
                        while updates.webhook is webhook:
                            await updates.wait_for_webhook()
                    finally:
                        updates.subscribe(None)
                        for worker in workers:
                            worker.cancel()

    async def _work(
        self, queues: _ChatQueues, webhook: Webhook, http: aiohttp.ClientSession
    ) -> None:
        """Deliver the first update of each ready chat, and the same again after a failure."""
        loop = asyncio.get_running_loop()
        while True:
            key, update, attempts = await queues.get()
            problem = await self._attempt(http, webhook, update)
            if problem is None:
                queues.done(key)
                self._telegram.updates.discard(update["update_id"])
                self._telegram.notify("delivered", None, update)
            else:
                webhook.last_error_date = self._telegram.now()
                webhook.last_error_message = problem
                self._telegram.notify("webhook_error", None, problem)
                delay = self._retry_delay * 2.0 ** min(attempts, 32)
                loop.call_later(min(delay, self._max_retry_delay), queues.retry, key)

    async def _attempt(
        self, http: aiohttp.ClientSession, webhook: Webhook, update: Json
    ) -> str | None:
        """Deliver once; return what went wrong."""
        headers = {SECRET_HEADER: webhook.secret_token} if webhook.secret_token else {}
        try:
            async with http.post(webhook.url, json=update, headers=headers) as response:
                body = await response.read()
                if not 200 <= response.status < 300:
                    status = f"{response.status} {response.reason}"
                    return f"Wrong response from the webhook: {status}"
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientConnectorError:
            return "Connection refused"
        except aiohttp.ClientError as error:
            return f"Connection failed: {error}"
        await self._call_from_answer(body)
        return None

    async def _call_from_answer(self, body: bytes) -> None:
        """Call the method that an answer names; its result or refusal goes nowhere.

        https://core.telegram.org/bots/api#making-requests-when-getting-updates
        """
        try:
            answer: Any = json.loads(body) if body else None
        except ValueError:
            return
        if isinstance(answer, dict) and isinstance(answer.get("method"), str):
            params = {key: value for key, value in answer.items() if key != "method"}
            with suppress(ApiError, NetworkFailure):
                await self._telegram.call(answer["method"], params)


class _ChatQueues:
    """A queue per chat; a chat is ready, or being delivered to, or waits to be tried again."""

    def __init__(self) -> None:
        self._queues: dict[int, deque[Json]] = {}
        self._attempts: dict[int, int] = {}
        self._ready: asyncio.Queue[int] = asyncio.Queue()

    def add(self, update: Json) -> None:
        """Put an update at the end of the queue of its chat."""
        key = _chat_of(update)
        if key not in self._queues:
            self._queues[key] = deque()
            self._ready.put_nowait(key)
        self._queues[key].append(update)

    async def get(self) -> tuple[int, Json, int]:
        """Wait for a ready chat; return it, its first update, and how often that has failed."""
        key = await self._ready.get()
        return key, self._queues[key][0], self._attempts.get(key, 0)

    def retry(self, key: int) -> None:
        """Make a chat ready again, its first update having failed."""
        self._attempts[key] = self._attempts.get(key, 0) + 1
        self._ready.put_nowait(key)

    def done(self, key: int) -> None:
        """Remove the first update of a chat: it was delivered."""
        self._attempts.pop(key, None)
        self._queues[key].popleft()
        if self._queues[key]:
            self._ready.put_nowait(key)
        else:
            del self._queues[key]


def _chat_of(update: Json) -> int:
    """Return the id that orders an update: of its chat, else of its user."""
    content: Json = next((v for k, v in update.items() if k != "update_id"), {})
    chat = content.get("chat") or content.get("message", {}).get("chat")
    user = content.get("from") or content.get("user") or {}
    return int((chat or user).get("id", 0))
