"""Sessions in a dict: the fastest store, and it forgets everything when the process ends."""

from __future__ import annotations

import heapq
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from itertools import islice
from typing import Self

from toolkit.errors import SessionConflict, StorageUnavailable
from toolkit.storage.base import OWNER, UNCHANGED, Due, Entry, Lease, Unchanged, Value
from toolkit.storage.record import (
    LeaseTable,
    belongs,
    check_key,
    dump_value,
    expiry,
    load_value,
    seconds_left,
    wake_at,
)


class MemorySessionStorage:
    """A store in this process's memory. It accepts and refuses what the durable stores do."""

    forgets = True
    """What is in it is lost with the process."""

    never_waits = True
    """Its verbs end without giving up control, so nothing can come between their steps."""

    def __init__(self) -> None:
        self._records: dict[str, str] = {}
        self._expires_at: OrderedDict[str, float] = OrderedDict()
        self._wake_at: dict[str, float] = {}
        self._waking: list[Due] = []
        self._leases = LeaseTable()
        self._closed = False

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open `memory:`."""
        return cls()

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        text = self._live(key)
        return None if text is None else load_value(key, text)

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        text = self._live(key)
        if text is None:
            return None
        return Entry(load_value(key, text), seconds_left(self._expires_at.get(key)))

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        self._live(key)
        self._store(key, dump_value(key, value), expiry(expires_in), wake_at(value))

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        self._live(key)
        self._forget(key)

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return self._live(key) is not None

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, among those there at the start."""
        self._check(prefix)
        for key in [key for key in self._records if key.startswith(prefix)]:
            if key != OWNER and self._live(key) is not None:
                yield key

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        live = self._live(key)
        text, expires_at = dump_value(key, value), expiry(expires_in)
        if live is None:
            self._store(key, text, expires_at, wake_at(value))
        return live is None

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        text = self._live(key)
        fence = self._leases.take(key, holder, lease_for, (text, self._expires_at.get(key)))
        return Lease(key, None if text is None else load_value(key, text), fence, holder)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        if value is not UNCHANGED:
            text = None if value is None else dump_value(lease.key, value)
            expires_at = expiry(expires_in)
            seen, seen_until = self._leases.require(lease).seen
            if self._live(lease.key) is not (None if _is_past(seen_until) else seen):
                self._leases.release(lease)
                raise SessionConflict(lease.key)
            if text is None or value is None:
                self._forget(lease.key)
            else:
                self._store(lease.key, text, expires_at, wake_at(value))
        self._leases.release(lease)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        self._leases.renew(lease, lease_for)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        self._check(prefix)
        found: list[Due] = []
        passed: list[Due] = []
        while self._waking and self._waking[0].at <= before and len(found) < limit:
            first = heapq.heappop(self._waking)
            if self._wake_at.get(first.key) == first.at:
                passed.append(first)
                if belongs(first.key, prefix) and self._live(first.key) is not None:
                    found.append(first)
        for each in passed:
            heapq.heappush(self._waking, each)
        return found

    async def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._records.clear()

    def _check(self, key: str) -> None:
        if self._closed:
            raise StorageUnavailable("memory:", "the store is closed")
        check_key(key)

    def _live(self, key: str) -> str | None:
        text = self._records.get(key)
        if text is None:
            # Only here: no wrong key leads to a record, and a closed store has none.
            self._check(key)
            return None
        if self._expires_at and _is_past(self._expires_at.get(key)):
            return None
        return text

    def _forget(self, key: str) -> None:
        self._records.pop(key, None)
        self._expires_at.pop(key, None)
        self._wake_at.pop(key, None)

    def _store(self, key: str, text: str, expires_at: float | None, wakes: float | None) -> None:
        self._records[key] = text
        if wakes is not None:
            self._wake(Due(wakes, key))
        elif self._wake_at:
            self._wake_at.pop(key, None)
        if expires_at is None:
            if self._expires_at:
                self._expires_at.pop(key, None)
        else:
            self._expires_at[key] = expires_at
            self._sweep()

    def _wake(self, due: Due) -> None:
        if self._wake_at.get(due.key) != due.at:
            self._wake_at[due.key] = due.at
            heapq.heappush(self._waking, due)
            if len(self._waking) > 2 * len(self._wake_at) + 100:
                self._line_up()

    def _line_up(self) -> None:
        self._waking = [Due(at, key) for key, at in self._wake_at.items()]
        heapq.heapify(self._waking)

    def _sweep(self) -> None:
        """Look at two expiring records, so that the dead ones never outnumber the writes."""
        for key in list(islice(self._expires_at, 2)):
            if _is_past(self._expires_at[key]):
                self._forget(key)
            else:
                self._expires_at.move_to_end(key)


def _is_past(expires_at: float | None) -> bool:
    return expires_at is not None and expires_at <= time.time()
