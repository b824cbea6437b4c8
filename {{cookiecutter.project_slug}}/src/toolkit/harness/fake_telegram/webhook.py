"""Delivers updates to a webhook, https://core.telegram.org/bots/api#setwebhook.

Updates of one chat go one after another, those of different chats at the same time, at most
`max_connections` of them. What is not answered with 2xx is sent again, later and later.
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
                lanes = _Lanes(self, webhook, http)
                async with asyncio.TaskGroup() as workers:
                    tasks = [workers.create_task(lanes.work()) for _ in range(lanes.workers)]
                    updates.subscribe(lanes.add)
                    try:
                        while updates.webhook is webhook:
                            await updates.wait_for_webhook()
                    finally:
                        updates.subscribe(None)
                        for task in tasks:
                            task.cancel()

    async def attempt(
        self, http: aiohttp.ClientSession, webhook: Webhook, update: Json
    ) -> str | None:
        """Deliver once; returns what went wrong."""
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
        await self._call_of_answer(body)
        return None

    async def _call_of_answer(self, body: bytes) -> None:
        """A method named in the answer is done; its result, or its refusal, goes nowhere.

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

    def delay(self, attempts: int) -> float:
        """How long to wait after this many failures, in seconds."""
        return min(self._retry_delay * 2.0 ** min(attempts - 1, 32), self._max_retry_delay)

    def failed(self, webhook: Webhook, problem: str) -> None:
        """Remember a failure for getWebhookInfo."""
        webhook.last_error_date = self._telegram.now()
        webhook.last_error_message = problem
        self._telegram.notify("webhook_error", None, problem)

    def delivered(self, update: Json) -> None:
        """The bot has it."""
        self._telegram.updates.discard(update["update_id"])
        self._telegram.notify("delivered", None, update)


class _Lanes:
    """Updates in order within a lane; a lane is in `ready` once, or in work, or waits to retry."""

    def __init__(
        self, delivery: WebhookDelivery, webhook: Webhook, http: aiohttp.ClientSession
    ) -> None:
        self._delivery = delivery
        self._webhook = webhook
        self._http = http
        self._lanes: dict[int, deque[Json]] = {}
        self._ready: asyncio.Queue[int] = asyncio.Queue()
        self.workers = webhook.max_connections

    def add(self, update: Json) -> None:
        """Put an update at the end of its lane."""
        key = lane_of(update)
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = deque([update])
            self._ready.put_nowait(key)
        else:
            lane.append(update)

    async def work(self) -> None:
        """Deliver the first update of one ready lane after another."""
        failures: dict[int, int] = {}
        while True:
            key = await self._ready.get()
            lane = self._lanes[key]
            problem = await self._delivery.attempt(self._http, self._webhook, lane[0])
            if problem is not None:
                update_id = lane[0]["update_id"]
                failures[update_id] = attempts = failures.get(update_id, 0) + 1
                self._delivery.failed(self._webhook, problem)
                later = self._delivery.delay(attempts)
                asyncio.get_running_loop().call_later(later, self._ready.put_nowait, key)
                continue
            self._delivery.delivered(lane.popleft())
            if lane:
                self._ready.put_nowait(key)
            else:
                del self._lanes[key]


def lane_of(update: Json) -> int:
    """What orders an update: its chat, else its user."""
    content: Json = next((v for k, v in update.items() if k != "update_id"), {})
    chat = content.get("chat") or content.get("message", {}).get("chat")
    person = content.get("from") or content.get("user") or {}
    return int((chat or person).get("id", 0))
