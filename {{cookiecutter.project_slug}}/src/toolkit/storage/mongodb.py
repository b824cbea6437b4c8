"""Sessions in MongoDB 5 or newer: one server, a replica set or a sharded cluster.

A record is one document, and so is its lease: the document of an absent record that is checked out
has expired from the start. A TTL index removes what has expired; until it does, every verb looks at
the time itself. A record that wants to be woken has `wake_at`, and `bot`, and is in a sparse index
of the two. What an acknowledged write survives is up to the write concern, which the URL can
set; by default it has reached the disks of most members.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import unquote

from toolkit.errors import SessionBusy, SessionConflict
from toolkit.storage.base import OWNER, UNCHANGED, Due, Entry, Lease, Unchanged, Value
from toolkit.storage.connection import Connection, driver, within
from toolkit.storage.record import (
    bot_of,
    check_key,
    dump_value,
    load_value,
    seconds,
    seconds_left,
    wake_at,
)
from toolkit.storage.url import QUOTING, check_hosts, split_url, without_password

if TYPE_CHECKING:
    from pymongo.asynchronous.collection import AsyncCollection

Answer = TypeVar("Answer")
Document = dict[str, Any]

_KEYS_PER_PAGE: Final = 500
_CALLS_AT_ONCE: Final = 10
"""A server that is slow answers some of them in time; of a hundred at once it answers none, and all
are tried again."""
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


class MongoSessionStorage:
    """A store in the collection `bot_sessions`, which any number of processes may share.

    The URL is the driver's, `mongodb://…` or `mongodb+srv://…`; its path names the database, by
    default `bot`. Further options are those of AsyncMongoClient. The clocks of the processes should
    agree to a second or so.
    """

    def __init__(self, url: str, *, patience: float = 5.0, **options: Any) -> None:
        _check_url(url)
        self._pymongo = driver("pymongo", "pymongo")
        self._url = url
        defaults = {
            # Sooner than the patience ends, because this error says what is wrong.
            "serverSelectionTimeoutMS": int(patience * 800),
            "maxPoolSize": _CALLS_AT_ONCE,
        }
        asked = url.lower()
        self._options = {
            **{name: value for name, value in defaults.items() if name.lower() not in asked},
            **options,
        }
        self._connection: Connection[AsyncCollection[Document]] = Connection(
            without_password(url),
            opening=self._open,
            closing=lambda collection: collection.database.client.close(),
            patience=patience,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open the database; the first use connects."""
        return cls(url)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        found = await self._find(key, "value")
        return None if found is None else load_value(key, found["value"])

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        found = await self._find(key, "value", "expires_at")
        if found is None:
            return None
        end = found["expires_at"]
        left = None if end == _NEVER else seconds_left(end.timestamp())
        return Entry(load_value(key, found["value"]), left)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        record = _record(check_key(key), value, expires_in)
        await self._run(lambda records: records.replace_one({"_id": key}, record, upsert=True))

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        check_key(key)
        await self._run(lambda records: records.delete_one({"_id": key}))

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return await self._find(key, "_id") is not None

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, in the order of their UTF-8."""
        keys = await self._page({"$gte": check_key(prefix)})
        while keys:
            for key in keys:
                if not key.startswith(prefix):
                    return
                yield key
            keys = await self._page({"$gt": keys[-1]})

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        record = _record(check_key(key), value, expires_in)
        expired = {"_id": key, "expires_at": {"$lte": _now()}}

        async def insert(records: AsyncCollection[Document]) -> bool:
            try:
                await records.replace_one(expired, record, upsert=True)
            except self._pymongo.errors.DuplicateKeyError:
                return False
            return True

        return await self._run(insert)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        check_key(key)
        fence = random.getrandbits(62)
        now = _now()
        free = [{"leased_until": {"$not": {"$gt": now}}}, {"holder": holder}]
        until = now + timedelta(seconds=lease_for)
        change = {
            "$set": {"holder": holder, "fence": fence, "leased_until": until},
            "$setOnInsert": {"expires_at": _LONG_AGO},
            "$max": {"purge_at": until},
        }

        async def take(records: AsyncCollection[Document]) -> Document:
            # Neither taken nor held: the record was given back in this very moment.
            while True:
                try:
                    found = await records.find_one_and_update(
                        {"_id": key, "$or": free}, change, upsert=True, return_document=True
                    )
                except self._pymongo.errors.DuplicateKeyError:
                    found = await records.find_one({"_id": key, "leased_until": {"$gt": now}})
                if found is not None:
                    return found

        found = await self._run(take)
        if found["fence"] != fence:
            left = (found["leased_until"] - now).total_seconds()
            raise SessionBusy(key, found["holder"], left)
        value = load_value(key, found["value"]) if found["expires_at"] > now else None
        return Lease(key, value, fence, holder)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        held = {"_id": lease.key, "fence": lease.fence}
        if value is UNCHANGED and lease.value is not None:
            free = {"$unset": {"holder": "", "fence": "", "leased_until": ""}}
            await self._run(lambda records: records.update_one(held, free))
        elif value is UNCHANGED or value is None:
            done = await self._run(lambda records: records.delete_one(held))
            if value is None and not done.deleted_count:
                raise SessionConflict(lease.key)
        else:
            record = _record(lease.key, value, expires_in)
            replaced = await self._run(lambda records: records.replace_one(held, record))
            if not replaced.matched_count:
                raise SessionConflict(lease.key)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        until = _now() + timedelta(seconds=lease_for)
        held = {"_id": lease.key, "fence": lease.fence}
        change = {"$set": {"leased_until": until}, "$max": {"purge_at": until}}
        done = await self._run(lambda records: records.update_one(held, change))
        if not done.matched_count:
            raise SessionConflict(lease.key)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        bot = bot_of(check_key(prefix))
        where = {"bot": bot, "wake_at": {"$lte": before}, "expires_at": {"$gt": _now()}}

        async def find(records: AsyncCollection[Document]) -> list[Due]:
            found = records.find(where, ["wake_at"], sort=["wake_at"], limit=limit)
            return [Due(document["wake_at"], document["_id"]) async for document in found]

        return await self._run(find)

    async def close(self) -> None:
        """Let the commands that run end, and close the connections."""
        await self._connection.close()

    async def _find(self, key: str, *fields: str) -> Document | None:
        live = {"_id": check_key(key), "expires_at": {"$gt": _now()}}
        return await self._run(lambda records: records.find_one(live, fields))

    async def _page(self, where: Document) -> list[str]:
        live = {"_id": {**where, "$ne": OWNER}, "expires_at": {"$gt": _now()}}

        async def read(records: AsyncCollection[Document]) -> list[str]:
            found = records.find(live, ["_id"], sort=["_id"], limit=_KEYS_PER_PAGE)
            return [document["_id"] async for document in found]

        return await self._run(read)

    async def _run(
        self, action: Callable[[AsyncCollection[Document]], Awaitable[Answer]]
    ) -> Answer:
        # In a task, which is left behind where the driver hangs in a lock of its own.
        patience = self._connection.patience
        return await self._connection.run(lambda records: within(patience, action(records)))

    async def _open(self) -> AsyncCollection[Document]:
        client = self._pymongo.AsyncMongoClient(self._url, tz_aware=True, **self._options)
        try:
            records: AsyncCollection[Document] = client.get_default_database("bot").get_collection(
                "bot_sessions", read_preference=self._pymongo.ReadPreference.PRIMARY
            )
            await records.create_index("purge_at", expireAfterSeconds=0)
            await records.create_index(["bot", "wake_at"], sparse=True)
        except BaseException:
            await client.close()
            raise
        return records


def _check_url(url: str) -> None:
    parts = split_url(url)
    is_cut = "@" in parts.query and "@" not in parts.netloc
    if is_cut or parts.netloc.rpartition("@")[0].count(":") > 1:
        raise ValueError(f"the password in the URL holds a : or ? that is not quoted; {QUOTING}")
    is_srv = parts.scheme.endswith("+srv")
    hosts = check_hosts(parts, at_most=1 if is_srv else None)
    if is_srv and (hosts[0][1] is not None or hosts[0][0].count(".") < 2):
        raise ValueError("a mongodb+srv:// URL names one host, such as a.b.mongodb.net, no port")
    name = unquote(parts.path[1:])
    if re.search(r'[/\\. "$\0]', name):
        raise ValueError("the path of a mongodb:// URL is the name of a database")
    if parts.query:
        errors = driver("pymongo.errors", "pymongo")
        try:
            driver("pymongo.uri_parser", "pymongo").split_options(parts.query)
        except (errors.PyMongoError, ValueError, TypeError) as error:
            raise ValueError(f"an option of the URL is wrong: {error}") from None


def _now() -> datetime:
    return datetime.now(UTC)


def _record(key: str, value: Value, expires_in: float | None) -> Document:
    """Return the document of a record without a lease; its former holder gets a conflict.

    The value is text: MongoDB's own documents know no name that is empty, and no large number.
    """
    text = dump_value(key, value)
    left, at = seconds(expires_in), wake_at(value)
    end = _NEVER if left is None else _now() + timedelta(seconds=left)
    record = {"value": text, "expires_at": end, "purge_at": end}
    return record if at is None else {**record, "bot": bot_of(key), "wake_at": at}
