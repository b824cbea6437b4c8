"""Sessions in one SQLite file: an acknowledged write survives a crash of process or machine.

One thread writes, in groups: whatever arrives while a commit runs goes into the next one, and is
acknowledged after it. Reads run on the event loop, on a connection of their own, and see the last
commit; with a write-ahead log they wait for no writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from toolkit.storage.base import (
    UNCHANGED,
    Entry,
    Lease,
    SessionConflict,
    StorageUnavailable,
    Unchanged,
    Value,
)
from toolkit.storage.leases import LeaseTable
from toolkit.storage.values import check_key, dump_value, expiry, load_value, seconds_left

logger = logging.getLogger(__name__)

_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " expires_at REAL, revision INTEGER NOT NULL)",
    "CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE expires_at IS NOT NULL",
    f"PRAGMA user_version = {_VERSION}",
)
# The log holds a copy of every page that a commit touches, so small pages make small commits.
_PAGE_BYTES: Final = 1024
# About 30 MB of log between checkpoints: so few that one write in a hundred never meets one.
_LOG_PAGES: Final = 40_000
_WRITES_A_COMMIT: Final = 500
_WORTH_HALVING: Final = 16
_SWEPT_AT_ONCE: Final = 100
_KEYS_A_PAGE: Final = 500
_GIVE_WAY_EVERY: Final = 0.001
_GIVE_WAY_FOR: Final = 0.00002


@dataclass(slots=True)
class _Seen:
    """What is known of a record. An absent one has revision 0."""

    revision: int
    expires_at: float | None

    def is_live(self, now: float) -> bool:
        return self.revision != 0 and (self.expires_at is None or self.expires_at > now)

    def still_holds(self, found: _Seen, now: float) -> bool:
        """Tell whether nobody changed the record. One that merely expired was not changed."""
        return self.revision == found.revision or not (self.is_live(now) or found.is_live(now))


_ABSENT: Final = _Seen(0, None)


@dataclass(slots=True)
class _Request:
    """Asks the writer to open the file."""

    done: asyncio.Future[bool]


@dataclass(slots=True)
class _Write(_Request):
    """Asks for a change: without text it deletes, with `seen` it needs the record unchanged."""

    key: str
    text: str | None
    expires_at: float | None
    seen: _Seen | None

    def leaves(self, revision: int) -> _Seen:
        """Return the record as it is after the change."""
        return _ABSENT if self.text is None else _Seen(revision, self.expires_at)


class SqliteSessionStorage:
    """A store in one file, whose folder is created where it is missing.

    A lease binds this process only. Between processes the record's revision decides: `checkin` of a
    record that another process has changed raises SessionConflict.
    """

    def __init__(self, path: str | Path, *, busy_timeout: float = 5.0) -> None:
        self.path = Path(path)
        self._writer = _Writer(self.path, busy_timeout)
        self._leases = LeaseTable()
        self._reader: sqlite3.Connection | None = None
        self._reader_opened = 0
        self._closed = False
        self._asked: list[_Request] = []
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
        await self._write(key, dump_value(check_key(key), value), expiry(expires_in))

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
            " ORDER BY key LIMIT ?"
        )
        rows = await self._query(sql.format(">="), (check_key(prefix), time.time(), _KEYS_A_PAGE))
        while rows:
            for (key,) in rows:
                if not key.startswith(prefix):
                    return
                yield key
            await asyncio.sleep(0)
            rows = await self._query(sql.format(">"), (key, time.time(), _KEYS_A_PAGE))

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        text = dump_value(check_key(key), value)
        return await self._write(key, text, expiry(expires_in), _ABSENT)

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
            seen = self._leases.require(lease).seen
            if not await self._write(lease.key, text, expiry(expires_in), seen):
                self._leases.release(lease)
                raise SessionConflict(lease.key)
        self._leases.release(lease)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        self._leases.renew(lease, lease_for)

    async def close(self) -> None:
        """Finish the writes that wait, and close the file."""
        self._closed = True
        self._close_reader()
        self._hand_over()
        await self._writer.close()

    async def _read(self, key: str) -> tuple[Value | None, _Seen]:
        # As a blob: broken UTF-8 is a broken record, not a broken file.
        sql = "SELECT CAST(value AS BLOB), revision, expires_at FROM sessions WHERE key = ?"
        rows = await self._query(sql, (check_key(key),))
        if not rows:
            return None, _ABSENT
        text, revision, expires_at = rows[0]
        seen = _Seen(revision, expires_at)
        return (load_value(key, text) if seen.is_live(time.time()) else None), seen

    async def _query(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        """Run one SELECT right here: it takes microseconds, and waking a thread takes longer."""
        deadline = time.monotonic() + self._writer.busy_timeout
        while True:
            try:
                reader = await self._open_reader()
                return reader.execute(sql, parameters).fetchall()
            except sqlite3.Error as error:
                self._close_reader()
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise _unavailable(self.path, error) from error
            await asyncio.sleep(0.01)

    async def _open_reader(self) -> sqlite3.Connection:
        if self._reader is None or self._reader_opened != self._writer.opened:
            self._close_reader()
            await self._ask(_Request(asyncio.get_running_loop().create_future()))
            self._close_reader()
            self._reader_opened = self._writer.opened
            self._reader = _connect(self.path)
            self._reader.execute("PRAGMA query_only = ON")
        return self._reader

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _write(
        self, key: str, text: str | None, expires_at: float | None = None, seen: _Seen | None = None
    ) -> Awaitable[bool]:
        done = asyncio.get_running_loop().create_future()
        return self._ask(_Write(done, key, text, expires_at, seen))

    async def _ask(self, request: _Request) -> bool:
        if self._closed:
            raise StorageUnavailable(str(self.path), "the store is closed")
        loop = request.done.get_loop()
        self._asked.append(request)
        self._waiting += 1
        if self._waiting == 1:
            self._hand_over()
        elif self._handing_over_on is not loop:
            # One wake-up of the writer for all that is asked in this tick of the loop.
            self._handing_over_on = loop
            loop.call_soon(self._hand_over)
        if self._giving_way_on is not loop:
            self._giving_way_on = loop
            loop.call_later(_GIVE_WAY_EVERY, self._give_way, loop, self._answered)
        try:
            return await request.done
        finally:
            self._waiting -= 1
            self._answered += 1

    def _hand_over(self) -> None:
        self._handing_over_on = None
        if self._asked:
            self._writer.put(self._asked, self._waiting)
            self._asked = []

    def _give_way(self, loop: asyncio.AbstractEventLoop, answered: int) -> None:
        """Sleep a moment if nothing was committed lately, so that the writer gets to run Python.

        A thread that waits for the interpreter lock wins it only from a loop that sleeps, or that
        runs for longer than the switch interval without a pause. A busy loop does neither, and
        would never see its own writes committed.
        """
        if not self._waiting:
            self._giving_way_on = None
            return
        if answered == self._answered:
            time.sleep(_GIVE_WAY_FOR)
        loop.call_later(_GIVE_WAY_EVERY, self._give_way, loop, self._answered)


class _Writer:
    """The thread that commits. It starts, and opens the file, at the first request."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self.path = path
        self.busy_timeout = busy_timeout
        self.opened = 0
        """How often the file was opened: an error closes it, so that it is read anew."""
        self._requests: SimpleQueue[list[_Request] | None] = SimpleQueue()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._checkpoint: threading.Thread | None = None
        self._log_pages = 0
        # What earlier processes have left, one that never wrote enough among them.
        self._to_sweep = _SWEPT_AT_ONCE

    def put(self, requests: list[_Request], waiting: int) -> None:
        """Let the requests be part of a coming commit; their futures are answered after that.

        `waiting` is how many requests have no answer yet.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
            self._thread.start()
        self._waiting = waiting
        self._requests.put(requests)

    async def close(self) -> None:
        """Answer every request, close the file and end the thread."""
        if self._thread is not None:
            self._requests.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        going = True
        committed_in = 0.0
        while going:
            asked_at = time.monotonic()
            batch: list[_Request] = []
            while going and (not batch or self._requests.qsize()):
                more = self._requests.get()
                batch += more or ()
                going = more is not None
            begun = time.monotonic()
            size = _WRITES_A_COMMIT
            if (
                len(batch) >= max(self._waiting, _WORTH_HALVING)
                and begun - asked_at < 2 * committed_in
            ):
                # Nobody is left to ask for more, and the loop asks about as fast as we commit:
                # while one half is committed, it answers the other, and prepares what comes next.
                size = min(size, (len(batch) + 1) // 2)
            for start in range(0, len(batch), size):
                self._carry_out(batch[start : start + size])
                self._trim_log()
            committed_in = time.monotonic() - begun
        self._close()

    def _carry_out(self, requests: list[_Request]) -> None:
        writes = [request for request in requests if isinstance(request, _Write)]
        try:
            if self._connection is None:
                self._connection = _open(self.path, self.busy_timeout)
                self.opened += 1
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            _answer(requests, _unavailable(self.path, error))
            return
        opens = [request for request in requests if not isinstance(request, _Write)]
        _answer(opens, [True] * len(opens))
        try:
            _answer(writes, self._commit(self._connection, writes))
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            if not _is_busy(error):
                self._close()
            _answer(writes, _unavailable(self.path, error))

    def _commit(self, connection: sqlite3.Connection, writes: list[_Write]) -> list[bool]:
        """Make the changes, and tell which of them were allowed."""
        if not writes:
            return []
        # Two for each one written: the dead never outnumber the living for long.
        self._to_sweep += 2 * sum(write.expires_at is not None for write in writes)
        if self._to_sweep < _SWEPT_AT_ONCE and _are_usual(writes):
            # One statement does: each one more would be a wait for the interpreter lock, as long
            # as the loop is busy. It fails as a whole where a record was changed.
            with contextlib.suppress(sqlite3.IntegrityError):
                self._put(connection, writes, _new_revision(), time.time())
                return [True] * len(writes)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            outcomes = self._apply(connection, writes)
            connection.execute(_SWEEP, (time.time(), self._to_sweep))
        self._to_sweep = 0
        return outcomes

    def _apply(self, connection: sqlite3.Connection, writes: list[_Write]) -> list[bool]:
        """Make the changes that are allowed, of each record the last, and tell which are."""
        now = time.time()
        revision = _new_revision()
        found = _find(connection, [write.key for write in writes if write.seen is not None])
        changes: dict[str, _Write] = {}
        outcomes = []
        for write in writes:
            allowed = True
            if write.seen is not None:
                earlier = changes.get(write.key)
                before = found[write.key] if earlier is None else earlier.leaves(revision)
                allowed = write.seen.still_holds(before, now)
            if allowed:
                # The statement need not look again, and would not see what is earlier in here.
                changes[write.key] = replace(write, seen=None)
            outcomes.append(allowed)
        puts = [write for write in changes.values() if write.text is not None]
        if puts:
            self._put(connection, puts, revision, now)
        gone = [key for key, write in changes.items() if write.text is None]
        if gone:
            connection.execute(_sql(_DELETE, "?", len(gone)), gone)
        return outcomes

    def _put(
        self, connection: sqlite3.Connection, puts: list[_Write], revision: int, now: float
    ) -> None:
        """Write all these records, or none. Raises IntegrityError if one is not as it was seen."""
        values: list[Any] = []
        for put in puts:
            seen = put.seen
            values += put.key, put.text, put.expires_at
            values += (None, None) if seen is None else (seen.revision, seen.is_live(now))
        values += revision, now
        connection.execute(_sql(_PUT, "(?, ?, ?, ?, ?)", len(puts)), values)
        self._log_pages += sum(2 + len(put.text or "") // _PAGE_BYTES for put in puts)

    def _trim_log(self) -> None:
        """Copy the log into the file before it grows long.

        Another thread copies most of it while commits go on; a log that grows meanwhile is never
        wholly copied, so the rest is done here, and then the log starts over.
        """
        if self._connection is None:
            return
        if self._checkpoint is None:
            if self._log_pages >= _LOG_PAGES:
                self._checkpoint = threading.Thread(target=_checkpoint, args=(self.path,))
                self._checkpoint.start()
        elif not self._checkpoint.is_alive():
            self._checkpoint = None
            self._log_pages = 0
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _close(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.join()
            self._checkpoint = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None


# Each row of a statement stands where {} is, so that a batch is one statement.
# What is not as it was seen becomes NULL, which the table refuses, and the whole statement with it.
_PUT: Final = (
    "WITH wanted (key, value, expires_at, seen, lived) AS (VALUES {}),"
    " given (revision, now) AS (VALUES (?, ?))"
    " INSERT INTO sessions (key, value, expires_at, revision)"
    " SELECT wanted.key,"
    " CASE WHEN seen IS NULL OR seen = ifnull(found.revision, 0) OR NOT"
    " (lived OR found.key IS NOT NULL AND ifnull(found.expires_at > now, TRUE))"
    " THEN wanted.value END,"
    " wanted.expires_at, given.revision"
    " FROM given, wanted LEFT JOIN sessions AS found ON found.key = wanted.key WHERE TRUE"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, expires_at = excluded.expires_at, revision = excluded.revision"
)
_DELETE: Final = "DELETE FROM sessions WHERE key IN ({})"
_FIND: Final = (
    "WITH wanted (number, key) AS (VALUES {})"
    " SELECT json_group_array(json_array(number, revision, expires_at))"
    " FROM wanted JOIN sessions USING (key)"
)
_SWEEP: Final = (
    "DELETE FROM sessions WHERE rowid IN"
    " (SELECT rowid FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
)


def _are_usual(writes: list[_Write]) -> bool:
    """Tell whether the writes are one record each, and no deletes."""
    return len({write.key for write in writes}) == len(writes) and all(
        write.text is not None for write in writes
    )


def _new_revision() -> int:
    """Return what no record has had before, in this process or another. It is never 0."""
    return random.getrandbits(62) + 1


@cache
def _sql(statement: str, row: str, rows: int) -> str:
    return statement.format(", ".join(row.format(number) for number in range(rows)))


def _find(connection: sqlite3.Connection, keys: list[str]) -> dict[str, _Seen]:
    """Look the records up in one statement that returns one row, which is one wait for the lock."""
    found = dict.fromkeys(keys, _ABSENT)
    if found:
        names = list(found)
        (rows,) = connection.execute(_sql(_FIND, "({}, ?)", len(names)), names).fetchone()
        for number, revision, expires_at in json.loads(rows):
            found[names[number]] = _Seen(revision, expires_at)
    return found


def _answer(requests: Sequence[_Request], answers: list[bool] | StorageUnavailable) -> None:
    """Pass the answers to the event loops that wait for them."""
    futures = defaultdict(list)
    for number, request in enumerate(requests):
        futures[request.done.get_loop()].append((request.done, number))

    def settle(waiting: list[tuple[asyncio.Future[bool], int]]) -> None:
        for done, number in waiting:
            if done.done():
                continue
            if isinstance(answers, StorageUnavailable):
                done.set_exception(StorageUnavailable(answers.target, answers.reason))
            else:
                done.set_result(answers[number])

    for loop, waiting in futures.items():
        # Nobody waits any more on a loop that was closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, waiting)


def _connect(path: Path, timeout: float = 0.0) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=2 * _WRITES_A_COMMIT,
    )


def _open(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open the file for writing, and create it, its folder and its table where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + busy_timeout
    while True:
        connection = _connect(path, busy_timeout)
        try:
            _prepare(connection, path)
        except BaseException as error:
            connection.close()
            # SQLite refuses at once, instead of waiting, two that turn a new file's log on.
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return connection
        time.sleep(0.01)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    if _version(connection, path) < _VERSION:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if _version(connection, path) < _VERSION:
                for statement in _SCHEMA:
                    connection.execute(statement)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version of the file, 0 for a new one. Raises StorageUnavailable."""
    sql = "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
    version, tables = connection.execute(sql).fetchone()
    if version > _VERSION:
        reason = f"was written by a newer version of this program ({version}, not {_VERSION})"
        raise StorageUnavailable(str(path), reason)
    if version < _VERSION and tables:
        raise StorageUnavailable(str(path), "is an SQLite file of another program")
    return int(version)


def _checkpoint(path: Path) -> None:
    try:
        with contextlib.closing(_connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as error:
        logger.warning("the log of %s could not be copied into it yet: %s", path, error)


_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another program keeps the file locked",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: is it a folder, or in one closed to us?",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a copy, or run sqlite3's .recover",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
}


def _unavailable(path: Path, error: Exception) -> StorageUnavailable:
    if isinstance(error, StorageUnavailable):
        return error
    reason = _REASONS.get(_code(error))
    return StorageUnavailable(str(path), f"{reason} ({error})" if reason else str(error))


def _is_busy(error: BaseException) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: BaseException) -> int:
    """Return the primary result code (https://sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
