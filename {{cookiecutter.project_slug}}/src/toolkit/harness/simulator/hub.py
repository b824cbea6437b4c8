"""The pages that look on: each gets the world when it comes, and every change from then on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import Any

from toolkit.harness.simulator import session_view, wire
from toolkit.harness.simulator.recorder import Turn
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.types import Json

TOKEN = re.compile(r"\b\d{5,}:[\w-]{30,}")
"""Looks like a bot token. The simulator needs none, but a bot may log what it finds."""


class Pages:
    """Sends one simulation to any number of pages."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str]] = set()
        self._turns: dict[int, Turn] = {}
        self._chats: set[int] = set()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.simulation: Simulation

    @contextlib.contextmanager
    def joined(self) -> Any:
        """A queue of all that a new page is to be sent, for as long as it is there."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        queue.put_nowait(self.text(wire.world(self.simulation)))
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def changed(self, kind: str, data: Any) -> None:
        """What a `Simulation` calls. Turns change often, and in any thread: they are sent later."""
        match kind:
            case "turn":
                self._turns[data.number] = data
            case "event":
                for change in wire.changes(data):
                    self._send(change)
                if data.chat_id is not None:
                    self._chats.add(data.chat_id)
            case "status":
                self._send({"type": "status", **wire.status(self.simulation)})
                self._chats.update(self.simulation.telegram.chats)
            case "people":
                self._send({"type": "people", **wire.people(self.simulation)})
            case "world":
                self._send(wire.world(self.simulation))
        self._loop.call_soon_threadsafe(self._wake.set)

    async def send_later(self) -> None:
        """Send turns and chats as they change, and sessions as turns end; for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            turns, self._turns = self._turns, {}
            chats, self._chats = self._chats, set()
            world = self.simulation.telegram
            for chat_id in chats & world.chats.keys():
                chat = wire.chat_json(world, world.chats[chat_id])
                self._send({"type": "chat", "chat": chat})
            for turn in turns.values():
                self._send({"type": "turn", "turn": wire.turn_json(turn)})
                if turn.done and turn.key is not None and self.simulation.app is not None:
                    session = await session_view.show(self.simulation, turn.key)
                    self._send({"type": "session", "session": session})

    def _send(self, change: Json) -> None:
        text = self.text(change)
        for queue in self._queues:
            queue.put_nowait(text)

    def text(self, change: Json) -> str:
        text = json.dumps(change, ensure_ascii=False, default=repr)
        return TOKEN.sub("<token>", text).replace(self.simulation.telegram.token, "<token>")
