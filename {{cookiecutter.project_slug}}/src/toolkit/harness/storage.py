"""A store that outlives its bots, and one whose records can be restored."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

from toolkit.storage.base import SharedSessionStorage, WakingSessionStorage
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.record import LeaseTable

VERBS = ("read", "write", "delete", "has", "add", "checkout", "checkin", "renew")


class PersistentStorage:
    """The store `inner`, which stays open when a bot closes it: its records outlive the bot."""

    read: Callable[..., Any]
    write: Callable[..., Any]
    delete: Callable[..., Any]
    has: Callable[..., Any]
    add: Callable[..., Any]
    checkout: Callable[..., Any]
    checkin: Callable[..., Any]
    renew: Callable[..., Any]

    def __init__(self, inner: SharedSessionStorage) -> None:
        self.inner = inner
        """The store that keeps the records."""
        self.delay = 0.0
        self.beside: defaultdict[Any, Any] = defaultdict()
        """FSM states and data of a dispatcher that keeps them in no store, as they are."""
        for name in VERBS:
            setattr(self, name, partial(self._call, name))
        if isinstance(inner, WakingSessionStorage):
            self.due = partial(self._call, "due")

    def slow_down(self, delay: float) -> None:
        """Let every call take `delay` more seconds from now on; 0 hands calls straight on."""
        self.delay = delay

    def _call(self, verb: str, *arguments: Any, **options: Any) -> Awaitable[Any]:
        call: Awaitable[Any] = getattr(self.inner, verb)(*arguments, **options)
        return _later(call, self.delay) if self.delay else call

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the keys of `inner`."""
        await asyncio.sleep(self.delay)
        async for key in self.inner.read_all_keys(prefix):
            yield key

    async def close(self) -> None:
        """Leave `inner` open for the next bot."""


class RewindableStorage(MemorySessionStorage):
    """A memory store whose records can be restored."""

    def snapshot(self) -> Any:
        """Return all records as they stand, to be given to `restore` any number of times."""
        return self._records.copy(), self._expires_at.copy(), self._wake_at.copy()

    def restore(self, snapshot: Any) -> None:
        """Make the records what they were; every lease is lost."""
        records, expires_at, wake_at = snapshot
        self._records, self._expires_at = records.copy(), expires_at.copy()
        self._wake_at = wake_at.copy()
        self._line_up()
        self._leases = LeaseTable()


async def _later(call: Awaitable[Any], delay: float) -> Any:
    await asyncio.sleep(delay)
    return await call
