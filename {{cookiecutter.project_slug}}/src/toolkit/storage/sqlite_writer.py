"""The thread that commits to an SQLite file, for `toolkit.storage.sqlite`.

Everything that waits while a commit runs goes into the next one (group commit), and is answered
after it. A little over 300 lines: one thread's work, which shares one state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from toolkit.errors import StorageUnavailable
from toolkit.storage.sqlite_file import (
    PAGE_BYTES,
    OpenFiles,
    check_whole,
    checkpoint,
    identity,
    is_busy,
    open_file,
    unavailable,
)
from toolkit.storage.sqlite_table import delete, find, new_revision, put, sweep

logger = logging.getLogger(__name__)

# About 30 MB of log between checkpoints: so few that one write in a hundred never meets one. At
# 100 tasks 1.45 times the writes of SQLite's own 1,000 pages; a single task has a fifth fewer.
_LOG_PAGES: Final = 40_000
_WRITES_PER_COMMIT: Final = 500
_WORTH_HALVING: Final = 16
_SWEPT_AT_ONCE: Final = 100


@dataclass(slots=True)
class Seen:
    """What is known of a record. An absent one has revision 0."""

    revision: int
    expires_at: float | None

    def is_live(self, now: float) -> bool:
        """Tell whether there is a record that has not expired."""
        return self.revision != 0 and (self.expires_at is None or self.expires_at > now)

    def still_holds(self, found: Seen, now: float) -> bool:
        """Tell whether the record was not changed. One that merely expired was not changed."""
        return self.revision == found.revision or not (self.is_live(now) or found.is_live(now))


ABSENT: Final = Seen(0, None)


@dataclass(slots=True)
class Request:
    """Asks the writer to open the file."""

    done: asyncio.Future[bool]


@dataclass(slots=True)
class Write(Request):
    """Asks for a change: without text it deletes, with `seen` it needs the record unchanged."""

    key: str
    text: str | None
    expires_at: float | None
    wake_at: float | None
    seen: Seen | None

    def row(self, now: float) -> tuple[Any, ...]:
        """Return what `put` is given of it."""
        known = (self.seen.revision, self.seen.is_live(now)) if self.seen else (None, None)
        return self.key, self.text, self.expires_at, self.wake_at, *known

    def leaves(self, revision: int) -> Seen:
        """Return the record as it is after the change."""
        return ABSENT if self.text is None else Seen(revision, self.expires_at)


class Writer:
    """The thread that commits. It starts, and opens the file, at the first request."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self.path = path
        self.busy_timeout = busy_timeout
        self.opened = 0
        """How often the file was opened: an error closes it, so that it is read anew."""
        self._requests: SimpleQueue[list[Request] | None] = SimpleQueue()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._files: OpenFiles | None = None
        self._checkpoint: threading.Thread | None = None
        self._log_pages = 0
        self._size = 0
        # What earlier processes have left, one that never wrote enough among them.
        self._to_sweep = _SWEPT_AT_ONCE

    def put(self, requests: list[Request], waiting: int) -> None:
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
            batch: list[Request] = []
            while going and (not batch or self._requests.qsize()):
                more = self._requests.get()
                batch += more or ()
                going = more is not None
            begun = time.monotonic()
            size = _WRITES_PER_COMMIT
            if (
                len(batch) >= max(self._waiting, _WORTH_HALVING)
                and begun - asked_at < 2 * committed_in
            ):
                # Every task waits for an answer, and the loop asks about as fast as we commit:
                # while one half is committed, it answers the other, and prepares what comes next.
                # 1.5 times the writes at 100 tasks.
                size = min(size, (len(batch) + 1) // 2)
            for start in range(0, len(batch), size):
                self._carry_out(batch[start : start + size])
                self._trim_log()
            committed_in = time.monotonic() - begun
        self._close()

    def _carry_out(self, requests: list[Request]) -> None:
        writes = [request for request in requests if isinstance(request, Write)]
        try:
            connection = self._open()
        except Exception as error:  # noqa: BLE001 - all who wait are told
            _answer(requests, unavailable(self.path, error))
            return
        opens = [request for request in requests if not isinstance(request, Write)]
        _answer(opens, [True] * len(opens))
        try:
            outcomes = self._commit(connection, writes)
            if not self._is_in_place():
                raise StorageUnavailable(str(self.path), "the file was replaced meanwhile")
            _answer(writes, outcomes)
        except Exception as error:  # noqa: BLE001 - all who wait are told
            if not (is_busy(error) or isinstance(error, StorageUnavailable)):
                self._close()
            _answer(writes, unavailable(self.path, error))

    def _open(self) -> sqlite3.Connection:
        """Return a connection to the file that the path leads to now."""
        if self._connection is not None and not self._is_in_place():
            if identity(self.path) is None:
                reason = "the file was removed while it was in use: put it back, or start again"
                raise StorageUnavailable(str(self.path), reason)
            self._leave(self._connection)
        if self._connection is not None:
            size = self.path.stat().st_size
            if size < self._size:
                check_whole(self.path)
                self._close()  # what it remembers of the file is no longer there
            self._size = size
        if self._connection is None:
            # A file that was there and is missing is a loss, and not a new beginning.
            found = open_file(self.path, self.busy_timeout, create=not self.opened)
            self._connection, self._files = found
            self.opened += 1
        return self._connection

    def _is_in_place(self) -> bool:
        return self._files is None or self._files.are_at(self.path)

    def _leave(self, connection: sqlite3.Connection) -> None:
        """Close files that were replaced, with all that is in their log, wherever they are now."""
        logger.error("%s or its log was replaced while it was in use: it is opened anew", self.path)
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(FULL)")
        files = self._files
        self._close()
        if files:
            files.set_log_aside()

    def _commit(self, connection: sqlite3.Connection, writes: list[Write]) -> list[bool]:
        """Make the changes, and tell which of them were allowed."""
        if not writes:
            return []
        # Two per written record, so that expired ones soon are the minority.
        self._to_sweep += 2 * sum(write.expires_at is not None for write in writes)
        if self._to_sweep < _SWEPT_AT_ONCE and _are_usual(writes):
            # One statement does: each one more would be a wait for the interpreter lock, as long
            # as the loop is busy: 1.7 times the writes. It fails as a whole where one was changed.
            with contextlib.suppress(sqlite3.IntegrityError):
                self._put(connection, writes, new_revision(), time.time())
                return [True] * len(writes)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            outcomes = self._apply(connection, writes)
            sweep(connection, time.time(), self._to_sweep)
        self._to_sweep = 0
        return outcomes

    def _apply(self, connection: sqlite3.Connection, writes: list[Write]) -> list[bool]:
        """Make the changes that are allowed, of each record the last, and tell which are."""
        now = time.time()
        revision = new_revision()
        found = dict.fromkeys((write.key for write in writes if write.seen is not None), ABSENT)
        for key, number, expires_at in find(connection, list(found)):
            found[key] = Seen(number, expires_at)
        changes: dict[str, Write] = {}
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
            delete(connection, gone)
        return outcomes

    def _put(
        self, connection: sqlite3.Connection, puts: list[Write], revision: int, now: float
    ) -> None:
        put(connection, [write.row(now) for write in puts], revision, now)
        self._log_pages += sum(2 + len(write.text or "") // PAGE_BYTES for write in puts)

    def _trim_log(self) -> None:
        """Copy the log into the file before it grows long.

        Another thread copies most of it while commits go on; a log that grows meanwhile is never
        wholly copied, so the rest is done here, and then the log starts over.
        """
        if self._connection is None:
            return
        if self._checkpoint is None:
            if self._log_pages >= _LOG_PAGES:
                paths = self.path, self._files
                self._checkpoint = threading.Thread(target=checkpoint, args=paths)
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
            self._files = None
            self._size = 0


def _are_usual(writes: list[Write]) -> bool:
    """Tell whether the writes are one record each, and no deletes."""
    return len({write.key for write in writes}) == len(writes) and all(
        write.text is not None for write in writes
    )


def _answer(requests: Sequence[Request], answers: list[bool] | StorageUnavailable) -> None:
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
        # Nothing waits any more on a closed loop.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, waiting)
