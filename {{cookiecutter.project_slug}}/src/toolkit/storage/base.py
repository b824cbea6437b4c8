"""What every session store promises: its verbs and leases. The errors are in `toolkit.errors`."""

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

OF_BOTS: Final = "bots:"
"""How keys begin that are for `toolkit.storage.per_bot`. They may be longer, by a bot's id."""

OWNER: Final = f"{OF_BOTS}owner"
"""The record that says which bot the other keys belong to. No store lists it."""

WAKE_AT: Final = "wake_at"
"""The field of a value that says when its record wants to be woken: a Unix time in seconds."""

MAX_DEPTH: Final = 300
"""Deepest nesting of a value; Python's own JSON reader gives up not far above."""


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


class Due(NamedTuple):
    """A record that wants to be woken `at` a Unix time."""

    at: float
    key: str


@runtime_checkable
class SessionStorage(Protocol):
    """A store of JSON objects under text keys.

    A key is any text of at most 480 UTF-8 bytes (`MAX_KEY_BYTES`), the empty text included; a value
    has at most 1,000,000 bytes as JSON (`MAX_VALUE_BYTES`). `expires_in` is in seconds; an expired
    record is absent for every verb. Values never alias: what is read may be changed freely, and so
    may what was written. Every verb raises `StorageUnavailable` when the store fails, and none
    answers "absent" instead.
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

        Raises SessionBusy while another holder has it. The same holder gets a new lease, and its
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
class WakingSessionStorage(SessionStorage, Protocol):
    """A store that finds the records that want to be woken.

    It indexes `value["wake_at"]` in the same write, whichever verb writes the value.
    """

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the live records that want to be woken until `before`, the earliest first.

        `before` is a Unix time, or `math.inf`. At most `limit` are returned, whose keys start with
        `prefix`, that of a bot (`bots:7:`); without one, those that belong to no bot apart.
        """


@runtime_checkable
class PortableSessionStorage(SessionStorage, Protocol):
    """A store that tells how long its records have left, so that they can move to another one."""

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the time it has left, of one moment; None as `read` does.

        Raises SessionUndecodable.
        """


@runtime_checkable
class WarningSessionStorage(SessionStorage, Protocol):
    """A store that can tell what is set at its server so that records may be lost."""

    async def read_warnings(self) -> list[str]:
        """Return a sentence for each such setting; none for what the server does not tell."""
