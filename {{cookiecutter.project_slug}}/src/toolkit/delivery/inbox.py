"""Store slow updates, so that they can be confirmed to Telegram (the transactional inbox pattern).

An unconfirmed update holds the offset, and Telegram delivers no more than 99 updates beyond it.
What is in the inbox when the process ends is handled by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from aiogram.types import Update

from toolkit.delivery.attempts import TRIES
from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import as_json, set_aside
from toolkit.errors import StorageError
from toolkit.storage.memory import MemorySessionStorage
from toolkit.waiting import Backoff, retrying, sleep_unless

logger = logging.getLogger(__name__)

STORE_AFTER = 2.0
"""Seconds in a handler after which an update is stored."""

STORED_AT_MOST = 1000
"""Updates in the inbox at once. Beyond that the bot is overloaded, and should rather fetch less."""

PREFIX = "parked:"
"""The prefix of their keys; existing stores have it, so it must stay."""

BACKOFF = Backoff((StorageError,))


class Inbox:
    """The slow updates of a bot, each in a record of its store."""

    def __init__(self, app: ServedApp) -> None:
        self._app = app
        self._storage = app.sessions.storage
        self._bounded = app.sessions.checkouts.bounded
        self.writes: dict[int, asyncio.Task[None] | None] = {}
        """By update id, the task that stores it; `None` if an earlier process has left it."""
        self.recovered = False
        """Whether it is known what an earlier process has left."""
        self.survives = not isinstance(self._storage, MemorySessionStorage)
        """Whether the next process will find them."""

    def store(self, update: Update, then: Callable[[int], None]) -> None:
        """Begin to store the update; `then` is called with its id once it is stored."""
        write = self.writes.get(update.update_id)
        if write is None or write.done():
            self.writes[update.update_id] = asyncio.create_task(self._write(update, then))

    async def _write(self, update: Update, then: Callable[[int], None]) -> None:
        record = {"update": as_json(update)}
        try:
            await self._bounded(self._storage.write(f"{PREFIX}{update.update_id}", record))
        except StorageError as error:
            logger.warning("update %d was not written down: %s", update.update_id, error)
        else:
            then(update.update_id)

    async def written(self, limit: float) -> None:
        """Wait `limit` seconds for what is being written."""
        writes = [write for write in self.writes.values() if write is not None]
        if writes:
            await asyncio.wait(writes, timeout=limit)

    async def forget(self, update_id: int, stop: asyncio.Event) -> None:
        """Remove the record of a settled update, as soon as the store answers."""
        write = self.writes[update_id]
        if write is not None:
            await asyncio.wait((write,))

        async def delete() -> None:
            await self._bounded(self._storage.delete(f"{PREFIX}{update_id}"))

        try:
            await retrying(delete, BACKOFF, partial(sleep_unless, stop))
        except StorageError as error:
            logger.warning("update %d was not removed from the inbox: %s", update_id, error)
        else:
            del self.writes[update_id]

    async def recover(self, put: Callable[[Update], None], stop: asyncio.Event) -> None:
        """Hand what the last process has left to `put`, oldest first.

        An update with which the process has died three times is set aside instead.
        """

        def pause(error: Exception, attempt: int) -> float | None:
            logger.warning("the inbox was not read: %s", error)
            return BACKOFF(error, attempt)

        try:
            updates = await retrying(self._take_up, pause, partial(sleep_unless, stop))
        except StorageError:
            return
        for update in updates:
            self.writes.setdefault(update.update_id, None)
        self.recovered = True
        for update in updates:
            logger.info("update %d was left unfinished and is taken up again", update.update_id)
            put(update)

    async def _take_up(self) -> list[Update]:
        found = []
        # Not bounded: it may take long to go through many keys, and nothing waits for it.
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
