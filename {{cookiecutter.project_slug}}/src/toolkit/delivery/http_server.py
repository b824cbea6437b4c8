"""An HTTP server that a crowd of connections, or slow ones, cannot block.

aiohttp bounds neither the number of connections nor the time in which a request has to arrive.
Here both are bounded: the oldest connection that has sent no request makes room for a new one, and
where all are at work the new one is answered with 503.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from time import monotonic
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from toolkit.waiting import SharedTimer

logger = logging.getLogger(__name__)

CONNECTIONS_AT_MOST = 1000
"""Connections at once; fewer where the process may open fewer files."""

BACKLOG = 1024
"""Connections that may wait to be accepted. Who finds no place tries again after seconds."""

HEAD_WITHIN, BODY_WITHIN = 10.0, 10.0
"""Seconds in which the head of a request must have arrived, and then its body."""

KEPT_ALIVE = 75.0
"""Seconds that a connection may be silent between two requests; proxies keep theirs for 60."""

SPARED = 1.0
"""Seconds in which a connection without a request does not have to make room."""

LINGER = 1.0
"""Seconds in which the rest of a refused request is read, so that its sender sees the answer."""

OVERLOADED = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class Rarely(logging.Filter):
    """Lets one record of a kind pass in `seconds`; the next one says how many were held back.

    Anybody can send nonsense, and must not fill the log with it.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is written."""
        kind = str(record.msg)
        since, held_back = self._seen.get(kind, (-self._seconds, 0))
        now = monotonic()
        if now - since < self._seconds:
            self._seen[kind] = (since, held_back + 1)
            return False
        self._seen[kind] = (now, 0)
        if held_back:
            record.msg = f"{kind} (and {held_back} more before)"
        return True


strangers = logging.getLogger(f"{__name__}.strangers")
"""For what strangers can cause."""
strangers.addFilter(Rarely())


class HttpServer:
    """Serves an aiohttp application on one port, within limits."""

    def __init__(self, app: web.Application) -> None:
        app.middlewares.append(_noting(self))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=strangers,
            shutdown_timeout=1.0,
            keepalive_timeout=KEPT_ALIVE,
            lingering_time=LINGER,
            auto_decompress=False,
        )
        # The store and the calls to Telegram need files as well: without them nothing works.
        files = _files() - 64
        self._limit = min(CONNECTIONS_AT_MOST, max(16, files * 2 // 3))
        self._refused_at_most = self._limit // 4 + 16
        # asyncio accepts that many in one go, and again, before the first of them can be refused.
        spare = files - self._limit - self._refused_at_most
        self._accepted_at_once = max(4, min(BACKLOG, spare // 4))
        self._open: dict[asyncio.Transport | None, _Connection] = {}
        self._idle: dict[_Connection, float] = {}
        """Those without a request in work, each with the time since when; the oldest first."""
        self._refused = 0
        self.late = SharedTimer(HEAD_WITHIN, _Connection.end)
        """Those of which the head of a request is awaited."""
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Begin to listen."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            lambda: _Connection(self), host, port, backlog=self._accepted_at_once
        )
        for listening in self._listening.sockets:
            with socket.fromfd(listening.fileno(), listening.family, listening.type) as same:
                same.listen(BACKLOG)

    async def close(self) -> None:
        """Stop listening, and end the connections once their answers are sent."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def admit(self, connection: _Connection, transport: asyncio.Transport) -> bool:
        """Take in a new connection, if there is room or can be made."""
        if len(self._open) >= self._limit and not self._make_room():
            strangers.warning("%d connections are at work: a new one is refused", self._limit)
            self._refused += 1
            if self._refused > self._refused_at_most:
                transport.abort()
            return False
        self._open[transport] = connection
        self._idle[connection] = monotonic()
        self.late.add(connection)
        return True

    def _make_room(self) -> bool:
        oldest = next(iter(self._idle), None)
        if oldest is None or monotonic() - self._idle[oldest] < SPARED:
            return False
        oldest.end()
        self.forget(oldest)
        return True

    def forget(self, connection: _Connection) -> None:
        """Free the place of a connection that has ended."""
        self.late.remove(connection)
        self._idle.pop(connection, None)
        if not connection.admitted:
            self._refused -= 1
        else:
            self._open.pop(connection.transport, None)

    def begin_head(self, connection: _Connection) -> None:
        """Start the time in which the head of a request must arrive, where none is in work."""
        if connection in self._idle and connection not in self.late:
            self.late.add(connection)

    def protocol(self) -> web.RequestHandler:
        """Return aiohttp's side of a connection."""
        return cast(web.Server, self._runner.server)()

    def begin_work(self, transport: asyncio.Transport | None) -> None:
        """Note that the head of a request has arrived."""
        if connection := self._open.get(transport):
            self.late.remove(connection)
            self._idle.pop(connection, None)

    def end_work(self, transport: asyncio.Transport | None) -> None:
        """Note that the connection has no request any more."""
        if connection := self._open.get(transport):
            self._idle[connection] = monotonic()


def _noting(server: HttpServer) -> Middleware:
    """Return the middleware that notes from when to when a request is in work."""

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport = request.transport
        server.begin_work(transport)
        try:
            return await handler(request)
        finally:
            server.end_work(transport)

    return note


class _Connection(asyncio.Protocol):
    """One connection: what arrives goes to aiohttp, unless there is no room."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._inner: web.RequestHandler | None = None
        self.transport: asyncio.Transport | None = None
        self.admitted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.admitted = self._server.admit(self, self.transport)
        if self.admitted:
            self._inner = self._server.protocol()
            self._inner.connection_made(transport)
        else:
            asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._server.begin_head(self)
            self._inner.data_received(data)
        elif self.transport is not None and not self.transport.is_closing():
            # Not before: what lies unread when a connection is closed takes the answer with it.
            self.transport.write(OVERLOADED)
            self.transport.close()

    def eof_received(self) -> None:
        # aiohttp has nothing to do then: the transport closes itself.
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def end(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.abort()


async def read_body(request: web.Request) -> bytes:
    """Return the body. Raise an HTTP refusal when it is compressed, too long, or takes too long."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    try:
        async with asyncio.timeout(BODY_WITHIN):
            return await request.read()
    except TimeoutError:
        refusal: web.HTTPException = web.HTTPRequestTimeout()
    except (ConnectionError, web.RequestPayloadError):
        refusal = web.HTTPBadRequest()
    refusal.force_close()
    raise refusal


def _files() -> int:
    """Return how many files this process may have open."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return sys.maxsize
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files
