"""The simulator's store: it outlives the bot, can be made slow, and in memory goes back in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from toolkit.storage.base import Lease, SharedSessionStorage, Unchanged, Value
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.record import LeaseTable


class RewindableStorage(MemorySessionStorage):
    """A memory store whose records can be put back to what they were."""

    def snapshot(self) -> Any:
        """All records as they stand; to be given to `restore`, any number of times."""
        return self._records.copy(), self._expires_at.copy()

    def restore(self, snapshot: Any) -> None:
        """Make the records what they were; whoever holds one has lost it."""
        records, expires_at = snapshot
        self._records, self._expires_at = records.copy(), expires_at.copy()
        self._leases = LeaseTable()


class SimulatedStorage:
    """Hands every call on to ``inner``, ``delay`` seconds later. No bot can close it."""

    def __init__(self, inner: SharedSessionStorage) -> None:
        self.inner = inner
        self.delay = 0.0

    async def read(self, key: str) -> Value | None:
        await asyncio.sleep(self.delay)
        return await self.inner.read(key)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        await asyncio.sleep(self.delay)
        await self.inner.write(key, value, expires_in=expires_in)

    async def delete(self, key: str) -> None:
        await asyncio.sleep(self.delay)
        await self.inner.delete(key)

    async def has(self, key: str) -> bool:
        await asyncio.sleep(self.delay)
        return await self.inner.has(key)

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        await asyncio.sleep(self.delay)
        async for key in self.inner.read_all_keys(prefix):
            yield key

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        await asyncio.sleep(self.delay)
        return await self.inner.add(key, value, expires_in=expires_in)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        await asyncio.sleep(self.delay)
        return await self.inner.checkout(key, holder=holder, lease_for=lease_for)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        await asyncio.sleep(self.delay)
        await self.inner.checkin(lease, value, expires_in=expires_in)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        await asyncio.sleep(self.delay)
        await self.inner.renew(lease, lease_for=lease_for)

    async def close(self) -> None:
        """The records stay: a restarted bot finds them again."""
