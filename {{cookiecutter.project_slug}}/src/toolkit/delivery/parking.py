"""Slow updates are written down in the store, so that Telegram may be told they have arrived.

Until then such an update holds the offset, and Telegram hands out no more than 99 updates beyond
it. What is parked when the process ends is taken up again by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiogram.types import Update
from aiogram.utils.backoff import Backoff

from toolkit.delivery.attempts import BACKOFF, TRIES, as_json, pause, set_aside
from toolkit.storage.base import StorageError
from toolkit.storage.memory import MemorySessionStorage

if TYPE_CHECKING:
    from toolkit.app import BotApp

logger = logging.getLogger(__name__)

PARK_AFTER = 2.0
"""Seconds in work after which an update is parked."""

PARKED_AT_MOST = 1000
"""Updates parked at once. Beyond that the bot is overloaded, and should rather fetch less."""

PREFIX = "parked:"


class Parked:
    """The parked updates of a bot, each in a record ``parked:{update_id}`` of its store."""

    def __init__(self, app: BotApp[Any]) -> None:
        self._app = app
        self._storage = app.session_storage
        self._bounded = app.sessions.checkouts.bounded
        self._writes: dict[int, asyncio.Task[None] | None] = {}
        self._recovered = False
        self.survives = not isinstance(self._storage, MemorySessionStorage)
        """Whether the next process will find them."""

    def __contains__(self, update_id: int) -> bool:
        return update_id in self._writes

    def __len__(self) -> int:
        return len(self._writes)

    @property
    def oldest(self) -> int | None:
        """The lowest id that may come again from the store; 0 while that is not known."""
        return min(self._writes, default=None) if self._recovered else 0

    def park(self, update: Update, then: Callable[[int], None]) -> None:
        """Begin to write ``update`` down; ``then`` is called with its id when that has worked."""
        write = self._writes.get(update.update_id)
        if write is None or write.done():
            self._writes[update.update_id] = asyncio.create_task(self._write(update, then))

    async def _write(self, update: Update, then: Callable[[int], None]) -> None:
        record = {"update": as_json(update)}
        try:
            await self._bounded(self._storage.write(f"{PREFIX}{update.update_id}", record))
        except StorageError as error:
            logger.warning("update %d was not parked: %s", update.update_id, error)
        else:
            then(update.update_id)

    async def written(self, limit: float) -> None:
        """Wait ``limit`` seconds for what is being written."""
        writes = [write for write in self._writes.values() if write is not None]
        if writes:
            await asyncio.wait(writes, timeout=limit)

    async def forget(self, update_id: int, stop: asyncio.Event) -> None:
        """Remove the record of a settled update, as soon as the store answers."""
        write = self._writes[update_id]
        if write is not None:
            await asyncio.wait((write,))
        backoff = Backoff(BACKOFF)
        while True:
            try:
                await self._bounded(self._storage.delete(f"{PREFIX}{update_id}"))
            except StorageError as error:
                logger.warning("parked update %d was not removed: %s", update_id, error)
                if await pause(stop, next(backoff)):
                    return
            else:
                del self._writes[update_id]
                return

    async def recover(self, put: Callable[[Update], None], stop: asyncio.Event) -> None:
        """Hand what the last process had parked to ``put``, oldest first.

        An update with which the process has died three times is set aside instead.
        """
        backoff = Backoff(BACKOFF)
        while True:
            try:
                updates = await self._take_up()
                break
            except StorageError as error:
                logger.warning("parked updates were not read: %s", error)
                if await pause(stop, next(backoff)):
                    return
        for update in updates:
            self._writes.setdefault(update.update_id, None)
        self._recovered = True
        for update in updates:
            logger.info("update %d was left unfinished and is taken up again", update.update_id)
            put(update)

    async def _take_up(self) -> list[Update]:
        found = []
        # Not bounded: it may take long to go through many keys, and nobody waits for it.
        for key in [key async for key in self._storage.read_all_keys(PREFIX)]:
            record = await self._bounded(self._storage.read(key))
            if record is None:
                continue
            update = Update.model_validate(record["update"], context={"bot": self._app.bot})
            taken = record.get("taken", 0)
            if taken < TRIES:
                await self._bounded(self._storage.write(key, {**record, "taken": taken + 1}))
                found.append(update)
            else:
                died = RuntimeError(f"the process has died {taken} times at this update")
                await set_aside(self._app, update.update_id, record["update"], died)
                await self._bounded(self._storage.delete(key))
        return sorted(found, key=lambda update: update.update_id)
