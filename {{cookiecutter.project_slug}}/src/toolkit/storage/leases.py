"""Who holds which record, for the stores whose records one process serves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import count
from typing import Any

from toolkit.storage.base import Lease, SessionBusy, SessionConflict


@dataclass(slots=True)
class Held:
    """A lease in force: `seen` is what the store needs to recognise the record as it was."""

    fence: int
    holder: str
    until: float
    seen: Any


class LeaseTable:
    """The leases of one store. A lease past its time stands until somebody takes the record."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._fences = count(1)

    def __len__(self) -> int:
        return len(self._held)

    def take(self, key: str, holder: str, lease_for: float, seen: Any) -> int:
        """Lease the record and return its fence. Raises SessionBusy."""
        held = self._held.get(key)
        now = time.monotonic()
        if held is not None and held.holder != holder and held.until > now:
            raise SessionBusy(key, held.holder, held.until - now)
        fence = next(self._fences)
        self._held[key] = Held(fence, holder, now + lease_for, seen)
        return fence

    def require(self, lease: Lease) -> Held:
        """Return the entry of a lease that still stands. Raises SessionConflict."""
        held = self._held.get(lease.key)
        if held is None or held.fence != lease.fence:
            raise SessionConflict(lease.key)
        return held

    def renew(self, lease: Lease, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        self.require(lease).until = time.monotonic() + lease_for

    def release(self, lease: Lease) -> None:
        """End the lease if it still stands."""
        held = self._held.get(lease.key)
        if held is not None and held.fence == lease.fence:
            del self._held[lease.key]
