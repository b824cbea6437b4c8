"""Slow updates are written down in the store, so that Telegram may be told they have arrived.

Until then such an update holds the offset, and Telegram hands out no more than 99 updates beyond
it. What is in the inbox when the process ends is taken up again by the next one (the transactional
inbox pattern). Each record is leased, so that no two processes work on one.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiogram.types import Update
from pydantic import ValidationError

from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import as_json
from toolkit.errors import SessionBusy, SessionConflict, SessionUndecodable, StorageError
from toolkit.sessions.checkout import CheckedOut
from toolkit.storage.base import Value
from toolkit.waiting import Backoff, retrying, sleep_unless

logger = logging.getLogger(__name__)

STORE_AFTER = 2.0
"""Seconds in work after which an update is written down."""

WAITING_PER_SESSION = 10
"""Updates that may wait behind one of their session; the others are written down at once."""

STORED_AT_MOST = 10_000
"""Updates in the inbox at once. Beyond that the bot is overloaded, and should rather fetch less."""

LOOK_AGAIN = 10.0
"""Seconds until a record that another process holds is looked at again. Its lease takes 30."""

ALONE_FOR = 0.5
"""Seconds that a suspect of a crash has to itself."""

SUSPECT_AFTER, ALONE_AT_MOST, DEATHS_AT_MOST = 2, 3, 10
"""Deaths of the process with an update in work: after so many it is tried alone, and after so many
alone, or so many in all over more than `CRASHING_FOR`, it is set aside."""

CRASHING_FOR = timedelta(minutes=10)

PREFIX = "parked:"
"""How their keys begin, since before they were called an inbox."""

BACKOFF = Backoff((StorageError,))


@dataclass(slots=True)
class Entry:
    """An update in the inbox; `held` is its leased record, once that is written."""

    update: Update
    record: Value
    held: CheckedOut | None = None
    writing: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the record is changed: a lease has one use, and the next one takes a moment."""


class Inbox:
    """The slow updates of a bot, each in a record of its store.

    A record says whether its handler had begun, and counts the processes that died then: `deaths`
    in all, `alone` those of which nothing else can be the cause. An orderly stop resets both.
    """

    def __init__(self, app: ServedApp) -> None:
        self._app = app
        self._checkouts = app.sessions.checkouts
        self._storage = app.sessions.storage
        self.entries: dict[int, Entry] = {}
        self.looked = asyncio.Event()
        """Set as soon as what earlier processes have left was looked for."""
        self.recovered = False
        """Whether every record is in work here, or was settled."""
        self._lost = False
        self.survives = not getattr(self._storage, "forgets", False)
        """Whether the next process will find them."""

    def store(
        self, update: Update, then: Callable[[int], None], *, begun: bool, hold: bool = True
    ) -> None:
        """Begin to write the update down; `then` is called with its id when that has worked.

        The record is leased to this process, unless it will not `hold` it any longer.
        """
        entry = self.entries.get(update.update_id)
        if entry is None:
            record = {"update": as_json(update), "begun": begun}
            entry = self.entries[update.update_id] = Entry(update, record)
        if entry.held is None and (entry.writing is None or entry.writing.done()):
            entry.writing = asyncio.create_task(self._write(entry, then, hold))

    async def _write(self, entry: Entry, then: Callable[[int], None], hold: bool) -> None:
        update_id = entry.update.update_id
        key = f"{PREFIX}{update_id}"
        async with entry.lock, self._checkouts.in_background(key):
            if self.entries.get(update_id) is not entry:
                return  # settled meanwhile, and forgotten
            try:
                await self._checkouts.bounded(self._storage.write(key, entry.record))
                if hold:
                    entry.held = await self._checkouts.take(key, "the inbox", patience=0)
            except StorageError as error:
                logger.warning("update %d was not written down: %s", update_id, error)
            else:
                then(update_id)

    async def written(self, limit: float) -> None:
        """Wait `limit` seconds for what is being written."""
        writes = [entry.writing for entry in self.entries.values() if entry.writing is not None]
        if writes:
            await asyncio.wait(writes, timeout=limit)

    async def begin(self, update_id: int) -> bool:
        """Note that the handler of a stored update begins; `False` where another process has it."""
        entry = self.entries[update_id]
        return entry.record["begun"] or await self._change(entry, begun=True)

    async def forget(self, update_id: int, stop: asyncio.Event) -> None:
        """Remove the record of a settled update, as soon as the store answers."""
        entry = self.entries.get(update_id)
        if entry is None:
            return
        if entry.writing is not None:
            await asyncio.wait((entry.writing,))
        key = f"{PREFIX}{update_id}"

        async def delete() -> None:
            held, entry.held = entry.held, None
            if held is not None:
                await self._checkouts.put(held, None, None)
            else:
                await self._checkouts.bounded(self._storage.delete(key))

        async with entry.lock:
            try:
                await retrying(delete, BACKOFF, partial(sleep_unless, stop))
            except StorageError as error:
                logger.warning("update %d was not removed from the inbox: %s", update_id, error)
            else:
                self.entries.pop(update_id, None)

    async def release(self) -> None:
        """Leave what is unfinished to the next process: this one ends in order."""
        work = [self._leave(entry) for entry in self.entries.values() if entry.held is not None]
        await asyncio.gather(*work)

    async def _leave(self, entry: Entry) -> None:
        held, entry.held = entry.held, None
        if held is None:
            return
        kept = {"update": entry.record["update"], "begun": False}
        try:
            await self._checkouts.put(held, kept, None)
        except StorageError as error:
            logger.warning("%s was not released: %s", held.key, error)

    async def _change(self, entry: Entry, **fields: Any) -> bool:
        """Write fields of a leased record; tell whether it is still leased to this process."""
        async with entry.lock:
            held, entry.held = entry.held, None
            entry.record |= fields
            if held is None:
                return True
            try:
                await self._checkouts.put(held, entry.record, None)
                entry.held = await self._checkouts.take(held.key, "the inbox", patience=0)
            except (SessionBusy, SessionConflict) as error:
                # Another process has it, or the server has lost the lease in a crash of its own.
                logger.info("%s is looked at again later: %s", held.key, error)
                self.entries.pop(entry.update.update_id, None)
                self._lost, self.recovered = True, False
                return False
            except StorageError as error:
                logger.warning("%s was not changed: %s", held.key, error)
            return True

    async def recover(
        self,
        put: Callable[[Update], None],
        set_aside: Callable[[Update, Exception], Awaitable[None]],
        stop: asyncio.Event,
    ) -> None:
        """Hand what earlier processes have left to `put`, oldest first, and suspects one by one.

        Goes on until `stop`: records of a process that is still there, or has just died, and those
        whose lease was lost, are looked at again later.
        """

        def pause(error: Exception, attempt: int) -> float | None:
            logger.warning("the inbox was not read: %s", error)
            return BACKOFF(error, attempt)

        sleep = partial(sleep_unless, stop)
        while True:
            if not self.recovered:
                found: list[Entry] = []
                self._lost = False
                try:
                    busy = await retrying(partial(self._take_up, found), pause, sleep)
                except StorageError:
                    return
                self.recovered = not busy and not self._lost
                found.sort(key=lambda entry: entry.update.update_id)
                await self._sort_out(found, put, set_aside, stop)
                self.looked.set()
            if await sleep(LOOK_AGAIN):
                return

    async def _sort_out(
        self,
        found: list[Entry],
        put: Callable[[Update], None],
        set_aside: Callable[[Update, Exception], Awaitable[None]],
        stop: asyncio.Event,
    ) -> None:
        suspects = []
        for entry in found:
            update_id = entry.update.update_id
            if error := _verdict(entry.record):
                await set_aside(entry.update, error)
                await self.forget(update_id, stop)
            elif entry.record["deaths"] >= SUSPECT_AFTER:
                suspects.append(entry)
            else:
                logger.info("update %d was left unfinished and is taken up again", update_id)
                put(entry.update)
        random.shuffle(suspects)
        for entry in suspects:
            await self._try_alone(entry, put, partial(sleep_unless, stop))

    async def _try_alone(
        self,
        entry: Entry,
        put: Callable[[Update], None],
        sleep: Callable[[float], Awaitable[bool]],
    ) -> None:
        update_id, alone = entry.update.update_id, entry.record.get("alone", 0)
        logger.warning("update %d was in work at %d crashes", update_id, entry.record["deaths"])
        if await self._change(entry, begun=True, alone=alone + 1):
            put(entry.update)
            for _ in range(10):
                if update_id not in self.entries or await sleep(ALONE_FOR / 10):
                    return
            await self._change(entry, alone=alone)

    async def _take_up(self, found: list[Entry]) -> bool:
        """Lease the records that are free now, and tell whether others are not.

        They are appended to `found`, some of them even when the store fails at another.
        """
        busy = False
        own = {f"{PREFIX}{update_id}" for update_id in self.entries}
        # Not bounded: it may take long to go through many keys, and nothing waits for it.
        keys = {key async for key in self._storage.read_all_keys(PREFIX)}
        for key in keys - own:
            try:
                held = await self._checkouts.take(key, "the inbox", patience=0)
            except SessionBusy:
                busy = True
                continue
            if held.value is None:
                await self._checkouts.abandon(held)
            elif (entry := await self._entry(held)) is not None:
                self.entries[entry.update.update_id] = entry
                found.append(entry)
        return busy

    async def _entry(self, held: CheckedOut) -> Entry | None:
        """Read a record, and count the death of the process that had begun with it."""
        record = held.value or {}
        try:
            update = Update.model_validate(record["update"], context={"bot": self._app.bot})
            deaths = int(record["deaths"] if "deaths" in record else record.get("taken", 0))
            since = datetime.fromisoformat(record.get("since", datetime.now(UTC).isoformat()))
            alone = int(record.get("alone", 0))
        except (ValidationError, KeyError, TypeError, ValueError) as error:
            problem = SessionUndecodable(held.key, f"no update in it: {error!r}"[:300], record)
            await self._checkouts.quarantine(held, problem)
            await self._checkouts.put(held, None, None)
            return None
        if record.get("begun", True):
            deaths += 1
        counted = {"deaths": deaths, "since": since.isoformat(), "alone": alone, "begun": False}
        entry = Entry(update, {"update": record["update"], **counted}, held)
        return entry if await self._change(entry) else None


def _verdict(record: Value) -> Exception | None:
    """Return why an update is not tried again: the process has surely died of it."""
    if record["alone"] >= ALONE_AT_MOST:
        return RuntimeError(f"the process has died {record['alone']} times at this update alone")
    crashing = datetime.now(UTC) - datetime.fromisoformat(record["since"])
    if record["deaths"] >= DEATHS_AT_MOST and crashing > CRASHING_FOR:
        return RuntimeError(f"the process has died {record['deaths']} times at this update")
    return None
