"""Exclusive checkout: one holder per key, in arrival order, never for ever.

Two updates of one user that ran at once would both read the old session, and the later write would
erase the earlier one. So a session is checked out before it is worked on, and put back afterwards.
Inside this process a lock per key does that; between processes the lease of a store that has one
(`SharedSessionStorage`).

Over 300 lines: who may have a record, and what becomes of one that has it, is one subject.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import secrets
import socket
from collections.abc import Awaitable, Coroutine
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from toolkit import clock
from toolkit.errors import (
    SessionBusy,
    SessionConflict,
    SessionDeadlock,
    SessionReentered,
    SessionUndecodable,
    StorageError,
    StorageUnavailable,
)
from toolkit.sessions.quarantine import quarantine_keys, quarantined
from toolkit.storage.base import (
    UNCHANGED,
    Lease,
    SessionStorage,
    SharedSessionStorage,
    Unchanged,
    Value,
)
from toolkit.waiting import Deadlines, KeyedLock, SharedTimer, retrying

logger = logging.getLogger(__name__)

T = TypeVar("T")

BACKGROUND_CALLS = 16
"""Calls at a time that no update waits for. A slow store answers these in time; of hundreds at once
it answers none, and all are made again, for ever."""


@dataclass(slots=True, eq=False)
class CheckedOut:
    """A record that `task` has checked out, or only `peeked` at; `value` is `None` without one."""

    key: str
    value: Value | None
    lease: Lease | None = None
    open: bool = True
    peeked: bool = False
    task: asyncio.Task[Any] | None = None
    context: Any = None  # what a layer above makes of it


_holding: ContextVar[tuple[CheckedOut, ...]] = ContextVar("held_sessions", default=())


def held_here(key: str) -> CheckedOut | None:
    """Return what the running handler, or the one that has started this task, holds under `key`."""
    for held in _holding.get():
        if held.open and held.key == key:
            return held
    return None


def keep_in_mind(held: CheckedOut) -> None:
    """Let `held_here` find it, from this task and from those that it starts."""
    task = held.task = asyncio.current_task()
    if others := _holding.get():
        # Work on one session must not get at another through a task that has started it.
        others = tuple(other for other in others if other.open and other.task is task)
    _holding.set((*others, held))


def hold_nothing() -> None:
    """Let `held_here` find nothing of what the one that has started this task holds."""
    _holding.set(())


def _held_by_this_task() -> list[str]:
    task = asyncio.current_task()
    holding = (held for held in _holding.get() if held.open and not held.peeked)
    return [held.key for held in holding if held.task is task]


class Checkouts:
    """Hands out the records of `storage`, each to one holder at a time.

    `patience` bounds the wait for one holder, `lease_for` is how long the store keeps a record for
    a process that has died, `store_timeout` bounds each call to the store; all in seconds.
    """

    def __init__(
        self,
        storage: SessionStorage,
        *,
        patience: float = 70.0,
        lease_for: float = 30.0,
        store_timeout: float = 10.0,
    ) -> None:
        self.storage = storage
        self.patience = patience
        self.lock = KeyedLock()
        self._shared = storage if isinstance(storage, SharedSessionStorage) else None
        self._name = type(getattr(storage, "store", storage)).__name__
        # Not inherited: a subclass may wait.
        self._never_waits = vars(type(storage)).get("never_waits", False)
        # No lease outlives the process here, so it needs no expiry and no renewal.
        self.lease_for = math.inf if self._never_waits else lease_for
        self._deadlines = Deadlines(store_timeout)
        self._renewals = SharedTimer[CheckedOut](lease_for / 3, self._begin_renewal)
        self._renewing: set[asyncio.Task[None]] = set()
        self._background = KeyedLock()
        self._wanted: dict[str, str] = {}
        """What the holder of a key waits for, where it does."""
        # One holder for all leases of this process, so that a lost release blocks nothing here. The
        # random part is for containers, which often have equal pids.
        self._here = f"process {os.getpid()} on {socket.gethostname()} ({secrets.token_hex(4)})"

    async def take(self, key: str, holder: str, patience: float | None = None) -> CheckedOut:
        """Check `key` out. `holder` says who, for the error that others get while they wait.

        Raises `SessionBusy` after `patience` seconds behind one holder, by default those of all;
        `SessionDeadlock` at once when that one waits for what the caller holds; `SessionReentered`
        when the caller itself holds `key`, and what the store raises.
        """
        patience = self.patience if patience is None else patience
        if not self.lock.try_acquire(key, holder):
            mine = held_here(key)
            if mine and not mine.peeked and mine.task is asyncio.current_task():
                raise SessionReentered(
                    f"{key} is already checked out by this handler. Use the session it was given, "
                    "or come back after it has ended"
                )
            await self._wait(key, holder, patience)
        try:
            try:
                held = await self._read(key, patience)
            except SessionUndecodable as error:
                await self._move_aside(key, error)
                await self.bounded(self.storage.delete(key))
                held = await self._read(key, patience)
        except BaseException:
            self.lock.release(key)
            raise
        keep_in_mind(held)
        return held

    async def _wait(self, key: str, holder: str, patience: float) -> None:
        mine = _held_by_this_task()
        wanted: str | None = key
        while mine and wanted is not None:
            if wanted in mine:
                name = self.lock.holder(wanted)
                raise SessionDeadlock(key, self.lock.holder(key), wanted, name)
            wanted = self._wanted.get(wanted)
        self._wanted |= dict.fromkeys(mine, key)
        try:
            await self.lock.acquire(key, holder, patience)
        finally:
            for other in mine:
                del self._wanted[other]

    async def peek(self, key: str) -> CheckedOut:
        """Read the record of `key` while others may have it; `catch_up` checks it out."""
        keep_in_mind(
            held := CheckedOut(key, await self.bounded(self.storage.read(key)), peeked=True)
        )
        return held

    async def catch_up(self, held: CheckedOut, holder: str) -> CheckedOut:
        """Check out what was only read. Raises `SessionConflict` if it was changed meanwhile."""
        now = await self.take(held.key, holder)
        if now.value != held.value:
            await self.abandon(now)
            raise SessionConflict(held.key)
        return now

    async def quarantine(self, held: CheckedOut, error: SessionUndecodable) -> None:
        """Move the record of `held` to `quarantine:{key}`, and go on holding an absent one."""
        await self._move_aside(held.key, error)
        if held.lease is None or self._shared is None:
            await self.bounded(self.storage.delete(held.key))
        else:
            await self.bounded(self._shared.checkin(held.lease, None))
            held.lease = await self._lease(self._shared, held.key, self.patience)
        held.value = None

    def put(
        self, held: CheckedOut, value: Value | Unchanged | None, expires_in: float | None
    ) -> Awaitable[None]:
        """Commit `value` (`None` deletes, `UNCHANGED` writes nothing) and let the next one in.

        A commit that has begun completes, even when the caller is cancelled. Raises
        `SessionConflict` when the lease was lost meanwhile; nothing is overwritten then.
        """
        commit = self._commit(held, value, expires_in)
        return commit if self._never_waits else _completely(commit)

    async def abandon(self, held: CheckedOut) -> None:
        """Let the next one in and write nothing. A second call does nothing."""
        if not held.open or held.peeked:
            held.open = False
            return
        try:
            await self.put(held, UNCHANGED, None)
        except StorageError as error:
            logger.warning("the lease of %s was not released and will expire: %s", held.key, error)

    async def _commit(
        self, held: CheckedOut, value: Value | Unchanged | None, expires_in: float | None
    ) -> None:
        held.open = False
        self._renewals.remove(held)
        try:
            if held.lease is not None and self._shared is not None:
                try:
                    await self.bounded(
                        self._shared.checkin(held.lease, value, expires_in=expires_in)
                    )
                except SessionConflict:
                    raise
                except Exception:
                    if value is not UNCHANGED:
                        await self._release(self._shared, held.lease)
                    raise
            elif value is None:
                await self.bounded(self.storage.delete(held.key))
            elif not isinstance(value, Unchanged):
                await self.bounded(self.storage.write(held.key, value, expires_in=expires_in))
        finally:
            self.lock.release(held.key)

    async def _release(self, storage: SharedSessionStorage, lease: Lease) -> None:
        """End a lease whose write failed, or the key would stay taken."""
        try:
            await self.bounded(storage.checkin(lease, UNCHANGED))
        except Exception as error:  # noqa: BLE001 - the failure of the write is the one to raise
            logger.warning("the lease of %s will have to expire: %s", lease.key, error)

    async def _read(self, key: str, patience: float) -> CheckedOut:
        if self._shared is None:
            return CheckedOut(key, await self.bounded(self.storage.read(key)))
        lease = await self._lease(self._shared, key, patience)
        held = CheckedOut(key, lease.value, lease)
        if not self._never_waits:
            self._renewals.add(held)
        return held

    async def _move_aside(self, key: str, error: SessionUndecodable) -> None:
        record = quarantined(error)
        for place in quarantine_keys(key):
            if await self.bounded(self.storage.add(place, record)):
                logger.error("%s; its record was moved to %s, the user starts fresh", error, place)
                return
            there = await self.bounded(self.storage.read(place))
            if there is not None and there.get("raw") == record["raw"]:
                # Moved before, but the store failed before the original was removed.
                return

    async def _lease(self, storage: SharedSessionStorage, key: str, patience: float) -> Lease:
        def attempt() -> Awaitable[Lease]:
            call = storage.checkout(key, holder=self._here, lease_for=self.lease_for)
            return self.bounded(call)

        try:
            return await attempt()
        except SessionBusy:
            # Whoever holds it may wait for what is held here, in another process, where no cycle
            # is seen. One of the two gives way.
            share = random.uniform(0.1, 0.3) if _held_by_this_task() else 1.0  # noqa: S311
            deadline = clock.monotonic() + patience * share

        def pause(error: Exception, number: int) -> float | None:
            # Full jitter, so that processes waiting for one key do not ask in step.
            seconds = random.uniform(0, min(0.01 * 2.0 ** min(number, 10), 1.0))  # noqa: S311
            late = clock.monotonic() + seconds > deadline
            return None if late or not isinstance(error, SessionBusy) else seconds

        return await retrying(attempt, pause)

    def bounded(self, call: Awaitable[T]) -> Awaitable[T]:
        """Let a call to the store raise `StorageUnavailable` when it takes too long."""
        return call if self._never_waits else self._bounded(call)

    async def _bounded(self, call: Awaitable[T]) -> T:
        try:
            with self._deadlines.bound() as limit:
                return await call
        except StorageError:
            raise
        except Exception as error:
            # No list of what a store may raise is complete, and none of it is a handler's fault.
            reason = (
                f"no answer within {self._deadlines.seconds:g} s" if limit.expired else repr(error)
            )
            raise StorageUnavailable(self._name, reason) from error

    def in_background(self, key: str) -> AbstractAsyncContextManager[None]:
        """Wait for one of `BACKGROUND_CALLS` places for what is done in the block."""
        return self._background.hold(str(hash(key) % BACKGROUND_CALLS))

    def _begin_renewal(self, held: CheckedOut) -> None:
        task = asyncio.create_task(self._renew(held))
        self._renewing.add(task)
        task.add_done_callback(self._renewing.discard)

    async def _renew(self, held: CheckedOut) -> None:
        if self._shared is None or held.lease is None:
            return
        try:
            async with self.in_background(held.key):
                if held.open:
                    await self.bounded(self._shared.renew(held.lease, lease_for=self.lease_for))
        except SessionConflict:
            logger.warning("the lease of %s was lost; its changes will be refused", held.key)
            return
        except StorageError as error:
            logger.warning("the lease of %s could not be renewed: %s", held.key, error)
        if held.open:
            self._renewals.add(held)


async def _completely(work: Coroutine[Any, Any, None]) -> None:
    """Await `work` to its end, and only then let a cancellation through."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled() and (error := task.exception()):
            logger.error("a commit failed while its caller was cancelled: %r", error)
        raise
