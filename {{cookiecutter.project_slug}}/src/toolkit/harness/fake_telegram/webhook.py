"""Delivery of updates to a webhook, https://core.telegram.org/bots/api#setwebhook.

Updates of one chat go one after another, those of different chats at the same time, at most
`max_connections` of them. What is not answered with 2xx is sent again, after a growing delay.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import aiohttp

from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure
from toolkit.harness.fake_telegram.telegram import FakeTelegram
from toolkit.harness.fake_telegram.update_queue import Webhook
from toolkit.harness.types import Json
from toolkit.waiting import Backoff, KeyedLock, retrying

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


class _Undelivered(Exception):
    """A delivery failed; the text is for getWebhookInfo."""


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
        self._backoff = Backoff((_Undelivered,), first=retry_delay, longest=max_retry_delay)
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def run(self) -> None:
        """Follow the webhook of the bot until cancelled."""
        updates = self._telegram.updates
        while True:
            webhook = updates.webhook
            if webhook is None:
                await updates.wait_for_webhook()
                continue
            async with aiohttp.ClientSession(timeout=self._timeout) as http:
                await self._deliver_to(webhook, http)

    async def _deliver_to(self, webhook: Webhook, http: aiohttp.ClientSession) -> None:
        """Deliver until the bot has another webhook, or none."""
        updates, chats = self._telegram.updates, KeyedLock()
        connections = asyncio.Semaphore(webhook.max_connections)
        tasks: set[asyncio.Task[None]] = set()

        async def attempt(update: Json) -> None:
            async with connections:
                await self._attempt(http, webhook, update)

        async def deliver(update: Json) -> None:
            async with chats.hold(_chat_of(update)):
                await retrying(lambda: attempt(update), self._backoff)
            updates.discard(update["update_id"])
            self._telegram.notify("delivered", None, update)

        def begin(update: Json) -> None:
            task = asyncio.create_task(deliver(update))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        updates.subscribe(begin)
        try:
            while updates.webhook is webhook:
                await updates.wait_for_webhook()
        finally:
            updates.subscribe(None)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _attempt(self, http: aiohttp.ClientSession, webhook: Webhook, update: Json) -> None:
        """Deliver once. Raises _Undelivered."""
        headers = {SECRET_HEADER: webhook.secret_token} if webhook.secret_token else {}
        try:
            async with http.post(webhook.url, json=update, headers=headers) as response:
                body = await response.read()
                problem = None
                if not 200 <= response.status < 300:
                    status = f"{response.status} {response.reason}"
                    problem = f"Wrong response from the webhook: {status}"
        except TimeoutError:
            problem = "Read timeout expired"
        except aiohttp.ClientConnectorError:
            problem = "Connection refused"
        except aiohttp.ClientError as error:
            problem = f"Connection failed: {error}"
        if problem is not None:
            webhook.last_error_date = self._telegram.now()
            webhook.last_error_message = problem
            self._telegram.notify("webhook_error", None, problem)
            raise _Undelivered(problem)
        await self._call_from_answer(body)

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


def _chat_of(update: Json) -> str:
    """Return the id that orders an update: of its chat, else of its user."""
    content: Json = next((v for k, v in update.items() if k != "update_id"), {})
    chat = content.get("chat") or content.get("message", {}).get("chat")
    user = content.get("from") or content.get("user") or {}
    return str((chat or user).get("id", 0))
