"""Sessions in Firestore, the document database of Google Cloud and Firebase.

A record is one document of the collection `bot_sessions`, and its lease is part of it. Firestore
has no scripts; what must be atomic is a write that it refuses if the document was changed since it
was read. So a checkout is a read and a write, and a checkin one write. An acknowledged write is
stored in several zones. When a record wants to be woken is in the field `wake_at`, that of another
bot in `wake_at_<its id>`: the index that Firestore has of each field finds what is due. Give the
field `expires_at` a TTL policy and Firestore removes the expired records; without one they stay,
and are absent all the same.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self, TypeVar
from urllib.parse import unquote

from toolkit.errors import SessionBusy, SessionConflict
from toolkit.storage.base import (
    OF_BOTS,
    OWNER,
    UNCHANGED,
    WAKE_AT,
    Due,
    Entry,
    Lease,
    Unchanged,
    Value,
)
from toolkit.storage.connection import Connection, driver
from toolkit.storage.record import (
    bot_of,
    check_key,
    dump_value,
    load_value,
    seconds,
    wake_at,
)
from toolkit.storage.url import check_options, split_url, without_password

Answer = TypeVar("Answer")

_PACKAGE: Final = "google-cloud-firestore"
_COLLECTION: Final = "bot_sessions"
_KEYS_PER_PAGE: Final = 500
_NEVER: Final = math.inf
"""When a record wants to be woken that does not. An update leaves the fields that it does not name,
so that each record names this one."""
_FREE: Final[dict[str, Any]] = {"holder": None, "fence": None, "leased_until": None}


class FirestoreSessionStorage:
    """A store in a Firestore database, which any number of processes may share.

    The URL is `firestore://PROJECT/DATABASE`; without a database it is `(default)`, without a
    project that of the credentials. Google's client finds those by itself, and so it does the
    emulator that FIRESTORE_EMULATOR_HOST names.
    """

    needs_the_date = True
    """Its client counts the deadlines of its calls from the date."""

    def __init__(self, url: str, *, patience: float = 10.0) -> None:
        parts = split_url(url)
        check_options(parts, ())
        if "@" in parts.netloc or "/" in parts.path.strip("/"):
            raise ValueError("the URL of a Firestore is firestore://PROJECT/DATABASE")
        self._project = parts.netloc or None
        self._database = unquote(parts.path.strip("/")) or None
        self._connection: Connection[Any] = Connection(
            without_password(url),
            opening=self._open,
            closing=_close,
            patience=patience,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open the database; the first use connects."""
        return cls(url)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        entry = await self.read_entry(key)
        return None if entry is None else entry.value

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left; None as `read` does."""
        data = (await self._on(key, _get)).to_dict()
        if not _is_live(data):
            return None
        value, expires_at = load_value(key, data["value"]), data["expires_at"]
        if expires_at is None:
            return Entry(value, None)
        return Entry(value, max(0.001, (expires_at - datetime.now(UTC)).total_seconds()))

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        fields = _record(key, value, expires_in)
        await self._on(key, lambda document: document.set(fields, retry=None))

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._on(key, lambda document: document.delete(retry=None))

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return _is_live((await self._on(key, _get)).to_dict())

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, in the order of their UTF-8."""
        check_key(prefix)
        page = await self._find("key", ">=", prefix, _KEYS_PER_PAGE)
        while page:
            for data in page:
                if not data["key"].startswith(prefix):
                    return
                if _is_live(data) and data["key"] != OWNER:
                    yield data["key"]
            page = await self._find("key", ">", page[-1]["key"], _KEYS_PER_PAGE)

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        fields = _record(key, value, expires_in)

        async def add_to(document: Any) -> bool:
            snapshot = None
            while not await _replace(document, snapshot, fields):
                snapshot = await _get(document)
                if _is_live(snapshot.to_dict()):
                    return False
            return True

        return await self._on(key, add_to)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        token = secrets.token_hex(8)

        async def lease(document: Any) -> Lease:
            while True:
                snapshot = await _get(document)
                data = snapshot.to_dict() or {"holder": None}
                now = datetime.now(UTC)
                if data["holder"] not in (None, holder) and data["leased_until"] > now:
                    remaining = (data["leased_until"] - now).total_seconds()
                    raise SessionBusy(key, data["holder"], remaining)
                until = _after(lease_for)
                fields = {"holder": holder, "fence": token, "leased_until": until}
                if not _is_live(data):
                    data = {"key": key, "value": None, "stored": False, "expires_at": until}
                    data[_waking(key)] = _NEVER
                if written := await _replace(document, snapshot, {**data, **fields}):
                    value = load_value(key, data["value"]) if data["stored"] else None
                    fence = f"{token} {written.update_time.rfc3339()}"
                    return Lease(key, value, fence, holder)

        return await self._on(key, lease)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        if value is None or (value is UNCHANGED and lease.value is None):
            fields = None
        else:
            fields = _FREE if value is UNCHANGED else _record(lease.key, value, expires_in)
        if not await self._change(lease, fields) and value is not UNCHANGED:
            raise SessionConflict(lease.key)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        until = _after(lease_for)
        fields = {"leased_until": until}
        if lease.value is None:
            fields["expires_at"] = until
        if not await self._change(lease, fields):
            raise SessionConflict(lease.key)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        field, before = _waking(check_key(prefix)), min(float(before), sys.float_info.max)
        count = limit
        while True:
            page = await self._find(field, "<=", before, count)
            found = [Due(data[field], data["key"]) for data in page if _is_live(data)]
            if len(found) >= limit or len(page) < count:
                return found[:limit]
            # Some have expired, and nobody has removed them yet.
            count *= 2

    async def close(self) -> None:
        """Let what was begun end, and close the channel."""
        await self._connection.close()

    async def _change(self, lease: Lease, fields: dict[str, Any] | None) -> bool:
        """Change the document, or delete it, if the lease still stands; tell whether it did."""
        token, _, time = str(lease.fence).partition(" ")

        async def change(document: Any) -> bool:
            errors = driver("google.api_core.exceptions", _PACKAGE)
            times = driver("google.api_core.datetime_helpers", _PACKAGE)
            options = driver("google.cloud.firestore_v1._helpers", _PACKAGE)
            updated = times.DatetimeWithNanoseconds.from_rfc3339(time)
            while True:
                option = options.LastUpdateOption(updated)
                try:
                    if fields is None:
                        await document.delete(option=option, retry=None)
                    else:
                        await document.update(fields, option=option, retry=None)
                except (errors.FailedPrecondition, errors.NotFound, errors.Aborted):
                    # A renewal changes the document too; its token tells whose lease it is.
                    snapshot = await _get(document)
                    if (snapshot.to_dict() or {}).get("fence") != token:
                        return False
                    updated = snapshot.update_time
                else:
                    return True

        return await self._on(lease.key, change)

    async def _find(
        self, field: str, operator: str, value: str | float, limit: int
    ) -> list[dict[str, Any]]:
        """Return what tells who lives of documents in the order of the field."""

        async def query(client: Any) -> list[dict[str, Any]]:
            filters = driver("google.cloud.firestore_v1.base_query", _PACKAGE)
            found = (
                client.collection(_COLLECTION)
                .where(filter=filters.FieldFilter(field, operator, value))
                .order_by(field)
                .select([*{"key", "stored", "expires_at", field}])
                .limit(limit)
            )
            return [snapshot.to_dict() async for snapshot in found.stream(retry=None)]

        return await self._connection.run(query)

    async def _on(self, key: str, action: Callable[[Any], Awaitable[Answer]]) -> Answer:
        """Do something with the document of the key."""
        # Whatever the key, this is an id that Firestore allows: no slash, no dots only.
        name = ":" + check_key(key).replace("%", "%25").replace("/", "%2F")
        return await self._connection.run(
            lambda client: action(client.collection(_COLLECTION).document(name))
        )

    async def _open(self) -> Any:
        """Make the client; to import it takes a second or two, which the event loop has not."""
        firestore = await asyncio.to_thread(driver, "google.cloud.firestore", _PACKAGE)
        return firestore.AsyncClient(project=self._project, database=self._database)


async def _close(client: Any) -> None:
    # The client has no method for this.
    await client._firestore_api.transport.close()


async def _get(document: Any) -> Any:
    return await document.get(retry=None)


async def _replace(document: Any, snapshot: Any, fields: dict[str, Any]) -> Any:
    """Write the document unless it was changed since the snapshot (None: unless there is one).

    Returns what Firestore says of the write, or None if it was refused.
    """
    errors = driver("google.api_core.exceptions", _PACKAGE)
    options = driver("google.cloud.firestore_v1._helpers", _PACKAGE)
    try:
        if snapshot is None or not snapshot.exists:
            return await document.create(fields, retry=None)
        option = options.LastUpdateOption(snapshot.update_time)
        return await document.update(fields, option=option, retry=None)
    except (errors.AlreadyExists, errors.FailedPrecondition, errors.NotFound, errors.Aborted):
        return None


def _record(key: str, value: Value, expires_in: float | None) -> dict[str, Any]:
    text = dump_value(check_key(key), value)
    expires_at = None if seconds(expires_in) is None else _after(expires_in)
    at = wake_at(value)
    return {
        **{"key": key, "value": text, "stored": True, "expires_at": expires_at},
        **{_waking(key): _NEVER if at is None else at},
        **_FREE,
    }


def _waking(key: str) -> str:
    """Return the field that says when a record of the key's bot wants to be woken."""
    bot = bot_of(key)[len(OF_BOTS) : -1]
    return f"{WAKE_AT}_{bot}" if bot else WAKE_AT


def _is_live(data: dict[str, Any] | None) -> bool:
    """Tell whether the document is a record, and not only the lease of an absent one."""
    if data is None or not data.get("stored"):
        return False
    return data["expires_at"] is None or data["expires_at"] > datetime.now(UTC)


def _after(time: float | None) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds(time) or 0)
