"""A webhook that answers 200 only after the update's session is committed.

Telegram waits 60 seconds for the answer, sends the updates of one chat one after another, and
repeats an update that was not answered with 2xx until it is a day old; it heeds `Retry-After`
(Bot API, "setWebhook"; WebhookActor.cpp of the Bot API server).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
from collections import OrderedDict
from functools import partial

from aiogram.types import Update
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from toolkit.delivery.attempts import Attempts, UpdateTasks
from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import set_aside
from toolkit.delivery.http_server import HttpServer, read_body, strangers
from toolkit.delivery.inbox import Inbox
from toolkit.delivery.registration import Registration
from toolkit.delivery.shutdown import drain
from toolkit.delivery.webhook_url import TAKEN, check_webhook_url, webhook_path
from toolkit.errors import TRANSIENT, StorageError

logger = logging.getLogger(__name__)

HANDLER_LIMIT = 50.0
"""Longest time, in seconds, that a handler may take behind a webhook: Telegram waits 60."""

ANSWER_WITHIN = 55.0
"""Seconds until an update that still waits is answered with 503; Telegram repeats it."""

LARGEST_BODY = 1_000_000
"""Longest request, in bytes. The updates of Telegram stay far below."""

SETTLED_KEPT = 10_000
"""Ids of settled updates kept in memory. The records know the others."""

WAITING_AT_MOST = 200
"""Updates in work at once. Telegram itself has no more than 100 under way."""

OUTAGE_PAUSE, DRAIN_PAUSE, OVERLOAD_PAUSE = "5", "1", "1"
"""Seconds after which Telegram shall try again."""

HEADER = "X-Telegram-Bot-Api-Secret-Token"


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
        self.url = check_webhook_url(url)
        self.secret = secret if secret is not None else secret_for(app.bot.token)
        self.host = host
        self.port = port
        self.drain = drain
        self.path = webhook_path(self.url)
        for route in app.routes:
            if getattr(route, "path", None) in (self.path, *TAKEN):
                raise ValueError(f"{route} cannot be served: that path is the webhook's own")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", self.secret):
            raise ValueError("a webhook secret is 1 to 256 of A-Z, a-z, 0-9, _ and -")
        self._registration = Registration(app, self.url, self.secret, max_connections)
        self._attempts = Attempts(app, repeated=True)
        self.tasks = UpdateTasks(self._work, self._give_up)
        self._inbox = Inbox(app)
        self._answers: dict[int, asyncio.Future[bool]] = {}
        self._settled: OrderedDict[int, None] = OrderedDict()
        self._stopping = asyncio.Event()
        self._last_update: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then let updates in progress finish and be answered."""
        server = HttpServer(self._routes())
        recovery = asyncio.create_task(
            self._inbox.recover(self._put, self._set_aside, self._stopping)
        )
        keeping = asyncio.create_task(self._serve(server, stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((keeping, stopped), return_when=asyncio.FIRST_COMPLETED)
            if keeping.done():
                keeping.result()
        finally:
            self._stopping.set()
            stopped.cancel()
            keeping.cancel()
            await drain(self.drain, self.tasks, *self.app.works)
            recovery.cancel()
            await self._inbox.release()
            for update_id in list(self._answers):
                self._answer(update_id, settled=False)
            await server.close()

    async def _serve(self, server: HttpServer, stop: asyncio.Event) -> None:
        """Listen, and only then tell Telegram."""
        await server.start(self.host, self.port)
        await self._registration.keep(stop)

    def _routes(self) -> web.Application:
        server = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._read_first])
        server.router.add_get("/healthz", self._healthz)
        server.router.add_get("/readyz", self._readyz)
        server.router.add_routes(self.app.routes)
        # aiohttp would read braces in a path of its own as a pattern.
        server.router.add_post("/{path:.*}", self._receive)
        return server

    @web.middleware
    async def _read_first(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let no slow sender hold a handler of the app; the webhook reads when it wants to."""
        if request.match_info.handler != self._receive:
            await read_body(request)
        return await handler(request)

    async def _receive(self, request: web.Request) -> web.Response:
        if request.path != self.path:
            return web.Response(status=404)
        given = request.headers.get(HEADER, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(given, self.secret.encode()):
            strangers.warning("a request with a wrong secret from %s was refused", request.remote)
            return web.Response(status=403)
        if self._stopping.is_set():
            return _later(DRAIN_PAUSE)
        if len(self._answers) >= WAITING_AT_MOST:
            strangers.warning("%d updates are in work: Telegram shall wait", WAITING_AT_MOST)
            return _later(OVERLOAD_PAUSE)
        body = await read_body(request)
        self._last_update = asyncio.get_running_loop().time()
        try:
            update = Update.model_validate_json(body, context={"bot": self.app.bot})
        except ValidationError as error:
            return await self._refuse(body, error)
        in_work = update.update_id in self._answers
        if update.update_id in self._settled or (not in_work and self.app.drops(update)):
            return web.Response()
        answer = self._take(update)
        await asyncio.wait((answer,), timeout=ANSWER_WITHIN)
        if not answer.done():
            return _later(DRAIN_PAUSE)
        return web.Response() if answer.result() else _later(OUTAGE_PAUSE)

    async def _refuse(self, body: bytes, error: ValidationError) -> web.Response:
        """Set aside what cannot be read; Telegram would send it again and again otherwise."""
        text = body.decode(errors="backslashreplace")
        name: int | str
        try:
            name = int(json.loads(text)["update_id"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
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
        if self.app.albums.wanted and self.app.albums.arrived(update):
            # Telegram sends the next message of a chat only after this one is answered.
            self._inbox.store(update, partial(self._answer, settled=True), begun=False)
        self.tasks.put(self.app.session_key(update, in_line=True), update)

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
        """200 while the store answers, else 503.

        Tells also how many seconds ago the last update came, and whether Telegram delivers here.
        """
        age = None
        if self._last_update is not None:
            age = round(asyncio.get_running_loop().time() - self._last_update, 1)
        try:
            async with asyncio.timeout(2.0):
                await self.app.sessions.storage.has("healthz")
        except (StorageError, TimeoutError) as error:
            logger.error("/healthz: the store does not answer: %r", error)
            store, status = "unreachable", 503
        else:
            store, status = "ok", 200
        told = {"store": store, "last_update_age": age, "webhook": self._registration.state}
        return web.json_response(told, status=status)

    async def _readyz(self, _: web.Request) -> web.Response:
        """200; 503 while draining, so that no proxy sends more, and with another webhook."""
        if self._stopping.is_set() or self._registration.elsewhere:
            return web.json_response({"ready": False, "in_work": len(self.tasks)}, status=503)
        return web.json_response({"ready": True})


def _later(pause: str) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": pause})
