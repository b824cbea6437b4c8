"""The simulator's store: it outlives the bot, can be made slow, and goes back in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from toolkit.storage.base import Lease, Unchanged, Value
from toolkit.storage.leases import LeaseTable
from toolkit.storage.memory import MemorySessionStorage


class SimulatedStorage(MemorySessionStorage):
    """A memory store in which every call takes ``delay`` seconds, and which no bot can close."""

    def __init__(self) -> None:
        super().__init__()
        self.delay = 0.0

    async def peek(self, key: str) -> Value | None:
        """`read` for the one who looks on: at once, however slow the store is for the bot."""
        return await super().read(key)

    def snapshot(self) -> Any:
        """All records as they stand; to be given to `restore`."""
        return dict(self._records), self._expiring.copy()

    def restore(self, snapshot: Any) -> None:
        """Make the records what they were; whoever holds one has lost it."""
        records, expiring = snapshot
        self._records, self._expiring = dict(records), expiring.copy()
        self._leases = LeaseTable()

    async def read(self, key: str) -> Value | None:
        await asyncio.sleep(self.delay)
        return await super().read(key)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        await asyncio.sleep(self.delay)
        await super().write(key, value, expires_in=expires_in)

    async def delete(self, key: str) -> None:
        await asyncio.sleep(self.delay)
        await super().delete(key)

    async def has(self, key: str) -> bool:
        await asyncio.sleep(self.delay)
        return await super().has(key)

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        await asyncio.sleep(self.delay)
        async for key in super().read_all_keys(prefix):
            yield key

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        await asyncio.sleep(self.delay)
        return await super().add(key, value, expires_in=expires_in)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        await asyncio.sleep(self.delay)
        return await super().checkout(key, holder=holder, lease_for=lease_for)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        await asyncio.sleep(self.delay)
        await super().checkin(lease, value, expires_in=expires_in)

    async def close(self) -> None:
        """The records stay: a restarted bot finds them again."""
