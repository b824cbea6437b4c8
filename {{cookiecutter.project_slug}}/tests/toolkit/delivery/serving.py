"""A bot that polls, or serves a webhook, beside a fake Telegram in the same process."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

from toolkit.errors import StorageUnavailable
from toolkit.storage.record import LeaseTable

WRITES = ("write", "delete", "add", "checkout", "checkin")

PATIENCE = 20.0
"""Seconds until a test that waits for something is given up."""


class Serving:
    """A bot at work: `telegram` is its users' side, `stop` ends it in order."""

    def __init__(self, app: Any, telegram: Any) -> None:
        self.app = app
        self.telegram = telegram
        self.stopping = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.polls = 0
        self._confirm = telegram.updates.confirm
        telegram.updates.confirm = self._notice_confirmation

    def _notice_confirmation(self, before: int) -> None:
        # The call itself is only noticed when its long poll ends.
        self._confirm(before)
        self.polls += 1
        self.telegram.notify("confirmed", None, before)

    def start(self, work: Any) -> None:
        """Begin with `work`, `start_polling` or `start_webhook`."""
        self.task = asyncio.create_task(work)

    async def stop(self) -> None:
        """Stop it in order; raises what it has failed with."""
        self.stopping.set()
        if self.task is not None:
            task, self.task = self.task, None
            await task

    async def crash(self) -> None:
        """End it as a kill would, as far as one can within a process: nothing more is done."""
        assert self.task is not None
        bot, storage = self.app.bot, self.app.session_storage
        before = bot.session
        bot.session = None
        alive = {verb: getattr(storage, verb) for verb in WRITES}
        vars(storage).update(dict.fromkeys(WRITES, _is_dead))
        self.task.cancel()
        await asyncio.wait((self.task,))
        self.task = None
        bot.session = before
        vars(storage).update(alive)
        # A real process takes its leases along, or they expire.
        storage.inner._leases = LeaseTable()

    async def until(self, what: Callable[[], Any]) -> None:
        """Wait until `what()` holds; it is looked at whenever the fake Telegram changes."""
        changed = asyncio.Event()
        unobserve = self.telegram.observe(lambda event: changed.set())
        try:
            async with asyncio.timeout(PATIENCE):
                while not what():
                    changed.clear()
                    await changed.wait()
        finally:
            unobserve()

    async def until_polling(self) -> None:
        """Wait until the bot asks for updates."""
        await self.until(lambda: self.polls)

    async def until_confirmed(self) -> None:
        """Wait until Telegram holds no update any more."""
        await self.until(lambda: not len(self.telegram.updates))

    async def until_answered(self, text: str) -> None:
        """Wait until the bot has sent `text`."""
        await self.until(lambda: text in self.texts)

    @property
    def texts(self) -> list[str]:
        """The texts that the bot has sent, oldest first."""
        return [call.payload["text"] for call in self.telegram.calls if "text" in call.payload]

    def methods(self, name: str) -> list[Any]:
        """The calls of one method."""
        return [call for call in self.telegram.calls if call.method == name]


async def _is_dead(*arguments: Any, **options: Any) -> Any:
    raise StorageUnavailable("test", "the process is dead")


class Posting(Serving):
    """A bot behind a webhook, and Telegram's part of it."""

    def __init__(self, app: Any, telegram: Any, port: int) -> None:
        super().__init__(app, telegram)
        self.port = port
        self.base = f"http://127.0.0.1:{port}"
        self.url = f"{self.base}/webhook"

    async def post(self, update: Any, secret: str | None = None) -> int:
        """Deliver `update`, JSON or raw bytes; returns the status of the answer."""
        body = update if isinstance(update, bytes) else json.dumps(update).encode()
        if secret is None:
            secret = self.telegram.updates.webhook.secret_token
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.url, data=body, headers=headers) as response,
        ):
            return response.status

    async def send(self, *parts: bytes) -> bytes:
        """Send bytes as they are over a connection of their own; return all that is answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        finally:
            writer.close()

    def request(self, update: Any, *headers: str, target: str = "/webhook") -> bytes:
        """Return the bytes of a delivery of ``update``, JSON or raw bytes."""
        body = update if isinstance(update, bytes) else json.dumps(update).encode()
        lines = (
            f"POST {target} HTTP/1.1",
            "Host: bot.example.com",
            f"X-Telegram-Bot-Api-Secret-Token: {self.telegram.updates.webhook.secret_token}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *headers,
        )
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def get(self, path: str) -> tuple[int, Any]:
        """Look at `/healthz` or `/readyz`."""
        async with aiohttp.ClientSession() as http, http.get(self.base + path) as response:
            return response.status, await response.json()


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
