"""A webhook that answers 200 only after the update's session is committed.

Telegram waits 60 seconds for the answer, sends the updates of one chat one after another, and
repeats an update that was not answered with 2xx until it is a day old; it heeds `Retry-After`
(Bot API, "setWebhook"; WebhookActor.cpp of the Bot API server).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import re
from collections import OrderedDict
from functools import partial
from urllib.parse import urlsplit

from aiogram.exceptions import TelegramNetworkError, TelegramServerError
from aiogram.types import Update
from aiohttp import web
from pydantic import ValidationError

from toolkit.delivery.attempts import Attempts, UpdateTasks
from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import set_aside
from toolkit.delivery.inbox import Inbox
from toolkit.errors import TRANSIENT, StorageError
from toolkit.waiting import Backoff, retrying, sleep_unless

logger = logging.getLogger(__name__)

HANDLER_LIMIT = 50.0
"""Longest time, in seconds, that a handler may take behind a webhook: Telegram waits 60."""

ANSWER_WITHIN = 55.0
"""Seconds until an update that still waits is answered with 503; Telegram repeats it."""

LARGEST_BODY = 1_000_000
"""Longest request, in bytes. The updates of Telegram stay far below."""

SETTLED_KEPT = 10_000
"""Ids of settled updates kept in memory. The records know the others."""

OUTAGE_PAUSE, DRAIN_PAUSE = "5", "1"
"""Seconds after which Telegram shall try again."""

HEADER = "X-Telegram-Bot-Api-Secret-Token"

BACKOFF = Backoff((TelegramNetworkError, TelegramServerError))


def secret_for(token: str) -> str:
    """Derive the secret on which all processes with this bot token agree."""
    return hmac.new(token.encode(), b"webhook secret", hashlib.sha256).hexdigest()


class WebhookServer:
    """Serves one webhook, `/healthz` and `/readyz` until it is told to stop.

    `secret` must come with every request; `drain` is how many seconds handlers may still take
    after the stop. Raises `ValueError` when the URL or the secret cannot work.
    """

    def __init__(
        self,
        app: ServedApp,
        *,
        url: str,
        secret: str | None = None,
        host: str = "0.0.0.0",  # noqa: S104 - a reverse proxy reaches it from outside
        port: int = 8080,
        max_connections: int = 40,
        drain: float = 6.0,
    ) -> None:
        self.app = app
        self.url = url
        self.secret = secret if secret is not None else secret_for(app.bot.token)
        self.host = host
        self.port = port
        self.max_connections = max_connections
        self.drain = drain
        self.path = _path_of(url)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", self.secret):
            raise ValueError("a webhook secret is 1 to 256 of A-Z, a-z, 0-9, _ and -")
        self._attempts = Attempts(app, repeated=True)
        self._tasks = UpdateTasks(self._work, self._give_up)
        self._inbox = Inbox(app)
        self._answers: dict[int, asyncio.Future[bool]] = {}
        self._settled: OrderedDict[int, None] = OrderedDict()
        self._stopping = asyncio.Event()
        self._last_update: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then let updates in progress finish and be answered."""
        runner = web.AppRunner(self._routes(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        recovery = asyncio.create_task(
            self._inbox.recover(self._put, self._set_aside, self._stopping)
        )
        try:
            await web.TCPSite(runner, self.host, self.port).start()
            await self._register(stop)
            await stop.wait()
        finally:
            self._stopping.set()
            await self._tasks.drain(self.drain)
            recovery.cancel()
            await self._inbox.release()
            for update_id in list(self._answers):
                self._answer(update_id, settled=False)
            await runner.cleanup()

    async def _register(self, stop: asyncio.Event) -> None:
        """Tell Telegram where to deliver, as soon as it can be reached."""

        def pause(error: Exception, attempt: int) -> float | None:
            seconds = BACKOFF(error, attempt)
            if seconds is not None:
                logger.warning("setWebhook: %s; again in %.1f s", error, seconds)
            return seconds

        with contextlib.suppress(*BACKOFF.on):
            await retrying(self._set_webhook, pause, partial(sleep_unless, stop))

    async def _set_webhook(self) -> None:
        bot = self.app.bot
        await bot.set_webhook(
            self.url,
            secret_token=self.secret,
            max_connections=self.max_connections,
            allowed_updates=self.app.resolve_used_update_types(),
        )
        info = await bot.get_webhook_info()
        if info.url != self.url:
            raise RuntimeError(
                f"Telegram delivers to {info.url or 'no webhook'}, not to {self.url}: another "
                "process with this token has just changed it. Stop that one, or this one"
            )
        logger.info("serving %s, %d updates are waiting", self.url, info.pending_update_count)
        if info.last_error_message:
            logger.warning("Telegram's last failed delivery: %s", info.last_error_message)

    def _routes(self) -> web.Application:
        server = web.Application(client_max_size=LARGEST_BODY)
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_post(self.path, self._receive)
        return server

    async def _receive(self, request: web.Request) -> web.Response:
        given = request.headers.get(HEADER, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self.secret.encode()):
            logger.warning("a request with a wrong secret from %s was refused", request.remote)
            return web.Response(status=403)
        if self._stopping.is_set():
            return _later(DRAIN_PAUSE)
        body = await request.read()
        self._last_update = asyncio.get_running_loop().time()
        try:
            update = Update.model_validate_json(body, context={"bot": self.app.bot})
        except ValidationError as error:
            return await self._refuse(body, error)
        if update.update_id in self._settled:
            return web.Response()
        answer = self._take(update)
        await asyncio.wait((answer,), timeout=ANSWER_WITHIN)
        if not answer.done():
            return _later(DRAIN_PAUSE)
        return web.Response() if answer.result() else _later(OUTAGE_PAUSE)

    async def _refuse(self, body: bytes, error: ValidationError) -> web.Response:
        """Set aside what cannot be read; Telegram would send it again and again otherwise."""
        text = body.decode(errors="backslashreplace")
        try:
            name = json.loads(text)["update_id"]
        except (ValueError, TypeError, KeyError):
            name = hashlib.sha256(body).hexdigest()[:16]
        try:
            await set_aside(self.app, name, text, error)
        except TRANSIENT:
            return _later(OUTAGE_PAUSE)
        return web.Response()

    def _take(self, update: Update) -> asyncio.Future[bool]:
        """Begin with `update`, or wait for it if it is already in progress."""
        answer = self._answers.get(update.update_id)
        if answer is None:
            answer = self._answers[update.update_id] = asyncio.get_running_loop().create_future()
            self._put(update)
        return answer

    def _put(self, update: Update) -> None:
        self._tasks.put(self.app.session_key(update), update)

    async def _work(self, update: Update) -> None:
        update_id = update.update_id
        settled = False
        try:
            if update_id not in self._inbox.entries:
                await self._attempts.settle(update)
                settled = True
            elif await self._inbox.begin(update_id):
                settled = await self._attempts.until_settled(update, self._stopping)
                if settled:
                    await self._inbox.forget(update_id, self._stopping)
        except TRANSIENT:
            logger.info("update %d will be sent again by Telegram", update_id)
        finally:
            self._answer(update_id, settled)

    async def _set_aside(self, update: Update, error: Exception) -> None:
        await self._attempts.until_set_aside(update, error, self._stopping)

    async def _give_up(self, update: Update) -> None:
        settled = await self._attempts.give_up(update, self._stopping)
        self._answer(update.update_id, settled)

    def _answer(self, update_id: int, settled: bool) -> None:
        if settled:
            self._settled[update_id] = None
            if len(self._settled) > SETTLED_KEPT:
                self._settled.popitem(last=False)
        answer = self._answers.pop(update_id, None)
        if answer is not None:
            answer.set_result(settled)

    async def _healthz(self, _: web.Request) -> web.Response:
        """200 while the store answers, else 503; and how many seconds ago the last update came."""
        age = None
        if self._last_update is not None:
            age = round(asyncio.get_running_loop().time() - self._last_update, 1)
        try:
            async with asyncio.timeout(2.0):
                await self.app.sessions.storage.has("healthz")
        except (StorageError, TimeoutError) as error:
            logger.error("/healthz: the store does not answer: %r", error)
            return web.json_response({"store": "unreachable", "last_update_age": age}, status=503)
        return web.json_response({"store": "ok", "last_update_age": age})

    async def _readyz(self, _: web.Request) -> web.Response:
        """200, and 503 while draining, so that no proxy sends anything more."""
        if self._stopping.is_set():
            return web.json_response({"ready": False, "in_work": len(self._tasks)}, status=503)
        return web.json_response({"ready": True})


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"a webhook URL looks like https://bot.example.com/webhook, not {url!r}")
    if parts.path in ("/healthz", "/readyz"):
        raise ValueError(f"{parts.path} is taken: it tells whether the bot is well")
    return parts.path or "/"


def _later(pause: str) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": pause})
