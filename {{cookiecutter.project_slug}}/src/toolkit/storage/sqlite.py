"""Sessions in one SQLite file: an acknowledged write survives a crash of process or machine.

One thread writes, in groups (`toolkit.storage.sqlite_writer`). Reads run on the event loop, on a
connection of their own, and see the last commit; with a write-ahead log they wait for no writer.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from toolkit.errors import SessionConflict, StorageUnavailable
from toolkit.storage.base import OF_BOTS, OWNER, UNCHANGED, Due, Entry, Lease, Unchanged, Value
from toolkit.storage.record import (
    LeaseTable,
    check_key,
    dump_value,
    expiry,
    load_value,
    seconds_left,
    wake_at,
)
from toolkit.storage.sqlite_file import connect, is_busy, unavailable
from toolkit.storage.sqlite_writer import ABSENT, Request, Seen, Write, Writer

_KEYS_PER_PAGE: Final = 500
_DUE: Final = (
    "SELECT wake_at, key FROM sessions"
    " WHERE wake_at <= ? AND (expires_at > ? OR expires_at IS NULL) AND instr(key, ?) {} 1"
    " ORDER BY wake_at, key LIMIT ?"
)
_LOOK_EVERY: Final = 1.0  # seconds between two looks of the reader whether its file is there
_GIVE_WAY_EVERY: Final = 0.001
_GIVE_WAY_FOR: Final = 0.00002


class SqliteSessionStorage:
    """A store in one file, whose folder is created where it is missing.

    A lease binds this process only. Between processes the record's revision decides: `checkin` of a
    record that another process has changed raises SessionConflict.
    """

    def __init__(self, path: str | Path, *, busy_timeout: float = 5.0) -> None:
        self.path = Path(path)
        self._writer = Writer(self.path, busy_timeout)
        self._leases = LeaseTable()
        self._reader: sqlite3.Connection | None = None
        self._reader_opened = 0
        self._reader_file: os.stat_result | None = None
        self._looked_at = 0.0
        self._closed = False
        self._asked: list[Request] = []
        self._handing_over_on: asyncio.AbstractEventLoop | None = None
        self._waiting = 0
        self._answered = 0
        self._giving_way_on: asyncio.AbstractEventLoop | None = None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open `sqlite:///relative/path` or `sqlite:////absolute/path`."""
        parts = urlsplit(url)
        path = unquote(parts.path)[1:]
        if parts.netloc or parts.query or parts.fragment or not path:
            raise ValueError(f"the URL of an SQLite file is sqlite:///path/to/file, not {url}")
        return cls(path)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        return (await self._read(key))[0]

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        value, seen = await self._read(key)
        return None if value is None else Entry(value, seconds_left(seen.expires_at))

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value; it is on the disk when this returns."""
        text = dump_value(check_key(key), value)
        await self._write(key, text, expiry(expires_in), wake_at(value))

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._write(check_key(key), None)

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        sql = "SELECT 1 FROM sessions WHERE key = ? AND (expires_at > ? OR expires_at IS NULL)"
        return bool(await self._query(sql, (check_key(key), time.time())))

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, in the order of their UTF-8."""
        sql = (
            "SELECT key FROM sessions WHERE key {} ? AND (expires_at > ? OR expires_at IS NULL)"
            " AND key <> ? ORDER BY key LIMIT ?"
        )
        start, comparison = check_key(prefix), ">="
        while rows := await self._query(
            sql.format(comparison), (start, time.time(), OWNER, _KEYS_PER_PAGE)
        ):
            for (key,) in rows:
                if not key.startswith(prefix):
                    return
                yield key
            await asyncio.sleep(0)
            start, comparison = rows[-1][0], ">"

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        text = dump_value(check_key(key), value)
        return await self._write(key, text, expiry(expires_in), wake_at(value), ABSENT)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it within this process. Raises SessionBusy."""
        value, seen = await self._read(key)
        return Lease(key, value, self._leases.take(key, holder, lease_for, seen), holder)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        if value is not UNCHANGED:
            text = None if value is None else dump_value(lease.key, value)
            wakes = None if value is None else wake_at(value)
            seen = self._leases.require(lease).seen
            if not await self._write(lease.key, text, expiry(expires_in), wakes, seen):
                self._leases.release(lease)
                raise SessionConflict(lease.key)
        self._leases.release(lease)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        self._leases.renew(lease, lease_for)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        sql = _DUE.format("=" if check_key(prefix) else "<>")
        parameters = (before, time.time(), prefix or OF_BOTS, limit)
        return [Due(*row) for row in await self._query(sql, parameters)]

    async def close(self) -> None:
        """Finish the writes that wait, and close the file."""
        self._closed = True
        self._close_reader()
        self._hand_over()
        await self._writer.close()

    async def _read(self, key: str) -> tuple[Value | None, Seen]:
        # As a blob: broken UTF-8 is a broken record, not a broken file.
        sql = "SELECT CAST(value AS BLOB), revision, expires_at FROM sessions WHERE key = ?"
        rows = await self._query(sql, (check_key(key),))
        if not rows:
            return None, ABSENT
        text, revision, expires_at = rows[0]
        seen = Seen(revision, expires_at)
        return (load_value(key, text) if seen.is_live(time.time()) else None), seen

    async def _query(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """Run one SELECT right here: it takes microseconds, and waking a thread takes longer."""
        deadline = time.monotonic() + self._writer.busy_timeout
        while True:
            try:
                reader = await self._open_reader()
                return reader.execute(sql, parameters).fetchall()
            except (sqlite3.Error, OSError) as error:
                self._close_reader()
                if not is_busy(error) or time.monotonic() > deadline:
                    raise unavailable(self.path, error) from error
            await asyncio.sleep(0.01)

    async def _open_reader(self) -> sqlite3.Connection:
        fresh = self._reader_opened == self._writer.opened and not self._is_gone()
        if self._reader is None or not fresh:
            self._close_reader()
            await self._ask(Request(asyncio.get_running_loop().create_future()))
            self._close_reader()
            self._reader_opened = self._writer.opened
            self._reader_file = self.path.stat()
            self._reader = connect(self.path)
            self._reader.execute("PRAGMA query_only = ON")
        return self._reader

    def _is_gone(self) -> bool:
        """Look now and then whether the file that is read was removed or replaced."""
        now = time.monotonic()
        if self._reader_file is None or now < self._looked_at + _LOOK_EVERY:
            return False
        self._looked_at = now
        try:
            return not os.path.samestat(self.path.stat(), self._reader_file)
        except OSError:
            return True

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _write(
        self,
        key: str,
        text: str | None,
        expires_at: float | None = None,
        wakes: float | None = None,
        seen: Seen | None = None,
    ) -> Awaitable[bool]:
        done = asyncio.get_running_loop().create_future()
        return self._ask(Write(done, key, text, expires_at, wakes, seen))

    async def _ask(self, request: Request) -> bool:
        if self._closed:
            raise StorageUnavailable(str(self.path), "the store is closed")
        loop = request.done.get_loop()
        self._asked.append(request)
        self._waiting += 1
        if self._waiting == 1:
            self._hand_over()
        else:
            self._hand_over_soon(loop)
        if self._giving_way_on is not loop:
            self._giving_way_on = loop
            loop.call_later(_GIVE_WAY_EVERY, self._give_way, loop, self._answered)
        try:
            return await request.done
        finally:
            self._waiting -= 1
            self._answered += 1

    def _hand_over_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the writer once per tick of the loop: a tenth more writes at 100 tasks."""
        if self._handing_over_on is not loop:
            self._handing_over_on = loop
            loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._handing_over_on = None
        if self._asked:
            self._writer.put(self._asked, self._waiting)
            self._asked = []

    def _give_way(self, loop: asyncio.AbstractEventLoop, answered: int) -> None:
        """Sleep a moment if nothing was committed lately, so that the writer gets to run Python.

        A thread that waits for the interpreter lock wins it only from a loop that sleeps, or that
        runs for longer than the switch interval without a pause. A busy loop does neither, and
        would wait long for its writes: one that computes for 1 ms per tick gets 154 commits per
        second with this, and one in 20 seconds without.
        """
        if not self._waiting:
            self._giving_way_on = None
            return
        if answered == self._answered:
            time.sleep(_GIVE_WAY_FOR)
        loop.call_later(_GIVE_WAY_EVERY, self._give_way, loop, self._answered)
