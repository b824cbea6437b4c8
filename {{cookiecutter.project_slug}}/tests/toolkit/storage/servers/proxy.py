"""Stands between a client and a server, counts what goes to and fro, and makes trouble."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Literal, Self

STALLED_FOR = 1.5
"""Seconds after which a connection that stands still ends."""


@dataclass(slots=True)
class Blow:
    """What happens to a connection after so many bytes to the server, or back with `answers`."""

    kind: Literal["stall", "cut", "reset"]
    after: int
    answers: bool


class Proxy:
    """A TCP proxy to a port of this machine. A round trip is a question and the answer to it.

    While `speaks` is cleared nothing passes; while `loses_answers` is set, an answer ends its
    connection instead of arriving. A `blow` is dealt once, in the middle of either.
    """

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.round_trips = 0
        self.speaks = asyncio.Event()
        self.speaks.set()
        self.loses_answers = False
        self.blow: Blow | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection, on both sides."""
        for writer in self._writers:
            writer.transport.abort()

    async def _deal(self, blow: Blow, data: bytes, writer: asyncio.StreamWriter) -> None:
        self.blow = None
        writer.write(data[: blow.after])
        await writer.drain()
        if blow.kind == "stall":
            await asyncio.sleep(STALLED_FOR)
        if blow.kind == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        asked: list[bool] = []
        for pumping in (self._pump(reader, back, asked), self._pump(there, writer, asked, True)):
            task = asyncio.ensure_future(pumping)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        asked: list[bool],
        answers: bool = False,
    ) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if not answers:
                    asked.append(True)
                elif asked:
                    self.round_trips += 1
                    asked.clear()
                await self.speaks.wait()
                if answers and self.loses_answers:
                    writer.transport.abort()
                    break
                if self.blow is not None and self.blow.answers == answers:
                    if self.blow.after < len(data):
                        await self._deal(self.blow, data, writer)
                        break
                    self.blow.after -= len(data)
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()
