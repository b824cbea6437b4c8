"""The HTTP server: the same fake for any client, https://core.telegram.org/bots/api#making-requests."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from toolkit.harness.fake_telegram.control import add_control
from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure
from toolkit.harness.fake_telegram.files import MAX_UPLOAD
from toolkit.harness.fake_telegram.guard import guard
from toolkit.harness.fake_telegram.request import Upload
from toolkit.harness.fake_telegram.telegram import FakeTelegram
from toolkit.harness.fake_telegram.webhook import WebhookDelivery
from toolkit.harness.types import Json

_JSON = json.JSONDecoder(strict=False)
_NEXT = re.compile(r'\s*,\s*(?=")')
_COLON = re.compile(r"\s*:\s*")
TOKEN = re.compile(r"\d{1,19}:[A-Za-z0-9_-]+")


class BotApi:
    """Answers `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

    def __init__(self, telegram: FakeTelegram, *, any_token: bool = False) -> None:
        self.telegram = telegram
        self._adopts = any_token
        self._doing: set[asyncio.Task[Any]] = set()

    def _check(self, token: str) -> None:
        if not TOKEN.fullmatch(token):
            raise ApiError(404, "Not Found")
        if self._adopts and token != self.telegram.token:
            self.telegram.adopt(token)
        self._adopts = False
        if token != self.telegram.token:
            raise ApiError(401, "Unauthorized")

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Do a method and answer as the server does; a broken connection is really broken."""
        try:
            self._check(request.match_info["token"])
            params, files = await read_parameters(request)
            method = request.match_info["method"] or str(params.get("method", ""))
            result = await self._do(method, params, files)
        except NetworkFailure:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=502)
        return web.json_response({"ok": True, "result": result})

    async def _do(self, method: str, params: Json, files: dict[str, Upload]) -> Any:
        """Cancel a poll with its connection; do all else even if the client has gone."""
        call = self.telegram.call(method, params, files)
        # Only a poll and a call that meets a fault wait for anything, and so can be cancelled.
        if method.lower() == "getupdates" or not self.telegram.faults.rules:
            return await call
        doing = asyncio.create_task(call)
        self._doing.add(doing)
        doing.add_done_callback(self._done)
        return await asyncio.shield(doing)

    def _done(self, doing: asyncio.Task[Any]) -> None:
        self._doing.discard(doing)
        if not doing.cancelled():
            doing.exception()  # retrieved, lest asyncio log a refusal whose client has gone

    async def download(self, request: web.Request) -> web.Response:
        """Answer with the content of a file that getFile named."""
        self._check(request.match_info["token"])
        file = self.telegram.files.at(request.match_info["path"])
        if file is None or file.content is None:
            raise ApiError(404, "Not Found")
        return web.Response(body=file.content, content_type="application/octet-stream")


async def read_parameters(request: web.Request) -> tuple[Json, dict[str, Upload]]:
    """Return the parameters of a request, from its query and its body, and the files in it.

    Of parameters with the same name the first one counts, and the query comes before the body. A
    GET may have a body as well: pyTelegramBotAPI sends one.
    """
    params: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if not request.can_read_body:
        return params, files
    if request.content_type == "application/json":
        params = _json_parameters(await request.read()) | params
    elif request.content_type == "application/x-www-form-urlencoded":
        body = (await request.read()).decode("utf-8", "surrogateescape")
        pairs = parse_qsl(body, keep_blank_values=True, errors="surrogateescape")
        params = dict(reversed(pairs)) | params
    elif request.content_type == "multipart/form-data":
        await _read_parts(request, params, files)
    return params, files


def _json_parameters(body: bytes) -> Json:
    """Return the parameters in a JSON body; of a broken one those that come before the mistake."""
    text = body.decode("utf-8", "surrogateescape").lstrip()
    params: Json = {}
    if not text.startswith("{"):
        return params
    text, place = f",{text[1:]}", 0
    with suppress(ValueError, RecursionError):
        while step := _NEXT.match(text, place):
            name, place = _JSON.raw_decode(text, step.end())
            if colon := _COLON.match(text, place):
                value, place = _JSON.raw_decode(text, colon.end())
                params.setdefault(name, "null" if value is None else value)
    return params


async def _read_parts(request: web.Request, params: Json, files: dict[str, Upload]) -> None:
    try:
        parts = await request.multipart()
    except ValueError as error:
        raise ApiError(400, f"Bad Request: can't parse multipart request: {error}") from None
    async for part in parts:
        if not isinstance(part, BodyPartReader) or not part.name:
            continue
        content = bytes(await part.read(decode=True))
        if part.filename is None:
            params.setdefault(part.name, content.decode("utf-8", "replace"))
        else:
            files[part.name] = Upload(part.filename, content)
            params.setdefault(part.name, f"attach://{part.name}")


async def _not_found(_: web.Request) -> web.Response:
    raise ApiError(404, "Not Found")


@web.middleware
async def _refusals(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer with the refusal that a handler raises."""
    try:
        response: web.StreamResponse = await handler(request)
    except ApiError as error:
        wait = (error.parameters or {}).get("retry_after")
        headers = None if wait is None else {"Retry-After": str(wait)}
        return web.json_response(error.as_json(), status=error.code, headers=headers)
    return response


def make_app(
    telegram: FakeTelegram, host: str, *, any_token: bool = False, **delivery: Any
) -> web.Application:
    """Return the aiohttp application for `host`; `delivery` are options of WebhookDelivery."""
    api = BotApi(telegram, any_token=any_token)
    app = web.Application(client_max_size=MAX_UPLOAD + 2**20, middlewares=[guard(host), _refusals])
    app.router.add_route("*", "/bot{token}/{method:[^/]*}", api.call)
    app.router.add_get("/file/bot{token}/{path:.+}", api.download)
    add_control(app, telegram)
    app.router.add_route("*", "/{anything:.*}", _not_found)

    async def deliver(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(WebhookDelivery(telegram, **delivery).run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.cleanup_ctx.append(deliver)
    return app


@asynccontextmanager
async def serve(
    telegram: FakeTelegram, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> AsyncIterator[str]:
    """Serve until the block ends; yield the base address; port 0 takes a free one."""
    runner = web.AppRunner(
        make_app(telegram, host, **options),
        access_log=None,
        shutdown_timeout=0.1,
        handle_signals=False,
        handler_cancellation=True,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        bound = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{bound}"
    finally:
        await runner.cleanup()
