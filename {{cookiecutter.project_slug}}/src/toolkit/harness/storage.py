"""A store that outlives its bots, and one whose records can be restored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from toolkit.storage.base import SharedSessionStorage
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
    read_all_keys: Callable[..., AsyncIterator[str]]

    def __init__(self, inner: SharedSessionStorage) -> None:
        self.inner = inner
        self.slow_down(0.0)

    def slow_down(self, delay: float) -> None:
        """Let every call take `delay` more seconds from now on; 0 hands calls straight on."""
        self.delay = delay
        for name in VERBS:
            call = getattr(self.inner, name)
            setattr(self, name, _delayed(call, delay) if delay else call)
        keys = self.inner.read_all_keys
        self.read_all_keys = _delayed_keys(keys, delay) if delay else keys

    async def close(self) -> None:
        """Leave `inner` open for the next bot."""


class RewindableStorage(MemorySessionStorage):
    """A memory store whose records can be restored."""

    def snapshot(self) -> Any:
        """Return all records as they stand, to be given to `restore` any number of times."""
        return self._records.copy(), self._expires_at.copy()

    def restore(self, snapshot: Any) -> None:
        """Make the records what they were; every lease is lost."""
        records, expires_at = snapshot
        self._records, self._expires_at = records.copy(), expires_at.copy()
        self._leases = LeaseTable()


def _delayed(call: Callable[..., Any], delay: float) -> Callable[..., Any]:
    async def later(*arguments: Any, **options: Any) -> Any:
        await asyncio.sleep(delay)
        return await call(*arguments, **options)

    return later


def _delayed_keys(
    call: Callable[..., AsyncIterator[str]], delay: float
) -> Callable[..., AsyncIterator[str]]:
    async def later(prefix: str = "") -> AsyncIterator[str]:
        await asyncio.sleep(delay)
        async for key in call(prefix):
            yield key

    return later
