"""What every session store promises: the verbs, the lease and the errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

Value = dict[str, Any]
"""One JSON object."""

MAX_VALUE_BYTES: Final = 1_000_000
"""Longest JSON text of one value. Document databases stop at 1 MiB; all stores agree on this."""

MAX_KEY_BYTES: Final = 480
"""Longest key as UTF-8. Some databases stop at 1,500 bytes, three for an escaped character."""

MAX_DEPTH: Final = 300
"""Deepest nesting of a value; Python's own JSON reader gives up not far above."""


class StorageError(Exception):
    """Anything a store can fail with."""


class StorageUnavailable(StorageError):
    """The store could not be reached, opened or written; nothing is known about the record."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = reason


class SessionUndecodable(StorageError):
    """The record exists but cannot be read; `raw` is what was found.

    It is text that is not a JSON object, or an object whose fields are not those of the session.
    """

    def __init__(self, key: str, reason: str, raw: str | bytes | Value) -> None:
        super().__init__(f"the record {key!r} cannot be read: {reason}")
        self.key = key
        self.reason = reason
        self.raw = raw


class SessionConflict(StorageError):
    """The lease was lost or the record was changed by somebody else; nothing was written."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the record {key!r} was changed or checked out by somebody else")
        self.key = key


class SessionBusy(StorageError):
    """The record is checked out by `holder`, for `remaining` seconds more where that is known."""

    def __init__(self, key: str, holder: str, remaining: float | None = None) -> None:
        super().__init__(f"the record {key!r} is checked out by {holder!r}")
        self.key = key
        self.holder = holder
        self.remaining = remaining


class SessionTooLarge(StorageError):
    """The JSON text of the value has `size` bytes; at most `limit` can be stored."""

    def __init__(self, key: str, size: int, limit: int = MAX_VALUE_BYTES) -> None:
        super().__init__(
            f"the value of {key!r} takes {size:,} bytes as JSON; the limit is {limit:,}"
        )
        self.key = key
        self.size = size
        self.limit = limit


class NotSerializable(StorageError, TypeError):
    """The value holds something that JSON cannot say; `path` is where, as in `$.cart[0].price`."""

    def __init__(self, key: str, path: str, reason: str) -> None:
        super().__init__(f"the value of {key!r} cannot be stored: {path} {reason}")
        self.key = key
        self.path = path
        self.reason = reason


class InvalidKey(StorageError, ValueError):
    """The key is not text, holds a lone surrogate, or is too long."""


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""Given to `checkin` in place of a value: release the lease and leave the record as it is."""


class Lease(NamedTuple):
    """A record checked out: its value (None when absent) and the store's proof of the lease."""

    key: str
    value: Value | None
    fence: str | int
    holder: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A value with the seconds that it has left; None: it stays until it is deleted."""

    value: Value
    expires_in: float | None


@runtime_checkable
class SessionStorage(Protocol):
    """A store of JSON objects under text keys.

    A key is any text of at most `MAX_KEY_BYTES` UTF-8 bytes, the empty text included. `expires_in`
    is in seconds; an expired record is absent for every verb. Values never alias: what is read may
    be changed freely, and so may what was written. Every verb raises `StorageUnavailable` when the
    store fails, and none answers "absent" instead.
    """

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired. Raises SessionUndecodable."""

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value; without `expires_in` it stays until deleted, whatever was set before."""

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""

    def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, page by page, in any order."""

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent, atomically; tell whether it was stored."""

    async def close(self) -> None:
        """Finish what was begun and release everything; a second call does nothing."""


@runtime_checkable
class SharedSessionStorage(SessionStorage, Protocol):
    """A store that hands a record to one holder at a time, so that processes may share it."""

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it for `lease_for` seconds; one attempt, no waiting.

        Raises SessionBusy while somebody else holds it. The same holder gets a new lease, and its
        older one is lost: a holder whose answer went missing may simply ask again.
        """

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes, UNCHANGED leaves it) and release the lease.

        Raises SessionConflict, and writes nothing, if the lease was lost or the record was changed
        behind it. Releasing with UNCHANGED never conflicts: there is nothing to lose.
        """

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict if it was lost."""


@runtime_checkable
class PortableSessionStorage(SessionStorage, Protocol):
    """A store that tells how long its records have left, so that they can move to another one."""

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the time it has left, of one moment; None as `read` does.

        Raises SessionUndecodable.
        """
