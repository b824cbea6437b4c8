"""Talk to a bot in the browser: `python -m bot web`.

The server is for this machine alone, and takes nothing from other sites
(`toolkit.harness.fake_telegram.guard`). What a bot writes cannot run: the page takes scripts and
styles from its own files only.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import mimetypes
import os
import re
import sys
import webbrowser
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler

from toolkit.harness.fake_telegram.guard import guard
from toolkit.harness.simulator.hub import Hub
from toolkit.harness.simulator.page_api import REFUSALS, PageApi, read_request
from toolkit.harness.simulator.reloading import BotSource
from toolkit.harness.simulator.saving import FOLDER
from toolkit.harness.simulator.sharing import Sent
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import LogLines
from toolkit.harness.types import Json

STATIC = Path(__file__).with_name("static")
PORT = 8010
WATCH_EVERY = 0.4
"""Seconds between two looks at the bot's files."""

MAX_FILE = 20 * 2**20
SHOWN = re.compile("image/(png|jpeg|gif|webp)|(audio|video)/.*")
"""The types of files that a page may show; any other is downloaded."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "media-src 'self' blob:; frame-src https:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def serve(
    target: str = "bot.app:make_bot",
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    browse: bool = False,
) -> None:
    """Serve the simulator of the bot that `target` (`module:function`) makes, until Ctrl-C.

    The function is called with `storage`. Port 0 takes any free one. `browse` opens the page in
    the browser of this machine, where there is one.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger().addHandler(LogLines())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(BotSource(target), host, port, browse))


async def _serve(source: BotSource, host: str, port: int, browse: bool) -> None:
    async with running_site(source, host=host, port=port) as address:
        print(f"Talk to the bot at {address} (Ctrl-C ends)", flush=True)  # noqa: T201
        if host not in ("127.0.0.1", "localhost", "::1"):
            print("Everyone who can reach this machine can use it, too.", flush=True)  # noqa: T201
        if browse and has_browser():
            await asyncio.to_thread(webbrowser.open, address)
        await asyncio.Event().wait()


def has_browser() -> bool:
    """Tell whether this machine can show a page."""
    if sys.platform in ("darwin", "win32"):
        return True
    # Without a screen `webbrowser` would take one for terminals, such as lynx.
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


@contextlib.asynccontextmanager
async def running_site(
    source: BotSource, *, host: str = "127.0.0.1", port: int = 0, folder: Path = FOLDER
) -> AsyncIterator[str]:
    """Serve a simulator, and give its address. Specs are kept in `folder`.

    The page is there at once, and shows how the bot comes up.
    """
    hub = Hub()
    simulation = hub.simulation = Simulation(source.load, hub.changed)
    site = Site(hub, PageApi(simulation, folder), host)
    runner = web.AppRunner(site.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    tasks: list[asyncio.Task[None]] = []
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SystemExit(
                f"{host}:{port} cannot be used ({error.strerror}); try --port 0"
            ) from None
        bound = runner.addresses[0]
        tasks = [
            asyncio.create_task(hub.send_later()),
            asyncio.create_task(_keep_newest(simulation, source)),
        ]
        yield f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()
        await simulation.stop()


async def _keep_newest(simulation: Simulation, source: BotSource) -> None:
    await simulation.start()
    while True:
        await asyncio.sleep(WATCH_EVERY)
        if source.has_changed():
            await simulation.start("The code changed")


@web.middleware
async def _add_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
    return response


class Site:
    """The answers of the server."""

    def __init__(self, hub: Hub, api: PageApi, host: str) -> None:
        self._hub = hub
        self._api = api
        self._tasks: set[asyncio.Task[None]] = set()
        middlewares = [guard(host), _add_headers]
        self.app = web.Application(middlewares=middlewares, client_max_size=MAX_FILE)
        self.app.add_routes(
            [
                web.get("/", self._index),
                web.get("/static/{name}", self._static),
                web.get("/files/{id}", self._file),
                web.post("/files", self._upload),
                web.get("/live", self._live),
            ]
        )

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _static(self, request: web.Request) -> web.StreamResponse:
        path = STATIC / Path(request.match_info["name"]).name
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        stored = self._hub.simulation.telegram.files.get(request.match_info["id"])
        if stored is None or stored.content is None:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(stored.path)[0]
        headers = {"Content-Security-Policy": "sandbox; default-src 'none'"}
        if not SHOWN.fullmatch(kind or ""):
            kind = "application/octet-stream"
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=stored.content, content_type=kind, headers=headers)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        try:
            form = await request.post()
            place = {name: text for name, text in form.items() if isinstance(text, str)}
            await self._api.attach(place, _files_of(form))
        except REFUSALS as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({})

    async def _answer(self, request: Json, queue: asyncio.Queue[str]) -> None:
        queue.put_nowait(self._hub.text(await self._api.answer(request)))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=20.0, max_msg_size=2**20)
        await socket.prepare(request)
        with self._hub.joined() as queue:
            writer = asyncio.create_task(_write(socket, queue))
            try:
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        # A request that waits for the bot does not hold up those after it.
                        work = asyncio.create_task(self._answer(read_request(message.data), queue))
                        self._tasks.add(work)
                        work.add_done_callback(self._tasks.discard)
            finally:
                writer.cancel()
        return socket


def _files_of(form: Any) -> list[Sent]:
    """Return the files of a form; each may come with what the page knows of it, as JSON."""
    known = [read_request(str(text)) for text in form.getall("about", [])]
    files = [each for each in form.getall("file", []) if isinstance(each, web.FileField)]
    if not files:
        raise ValueError("there is no file in the request")
    return [
        Sent(each.filename, each.file.read(), about)
        for each, about in zip(files, [*known, *({} for _ in files)], strict=False)
    ]


async def _write(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await socket.send_str(await queue.get())
