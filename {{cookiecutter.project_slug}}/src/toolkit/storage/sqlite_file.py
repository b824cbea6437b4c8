"""An SQLite file of sessions: how it is opened, and what its errors mean."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

from toolkit.errors import StorageUnavailable

logger = logging.getLogger(__name__)

_VERSION: Final = 1
_SCHEMA: Final = (
    "CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " expires_at REAL, revision INTEGER NOT NULL)",
    "CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE expires_at IS NOT NULL",
    f"PRAGMA user_version = {_VERSION}",
)
# The log holds a copy of every page that a commit touches, so small pages make small commits:
# an eighth more writes than with 4 KB (upstream, benchmarks/sqlite_tricks.py, as all such figures).
PAGE_BYTES: Final = 1024


def connect(path: Path, timeout: float = 0.0) -> sqlite3.Connection:
    """Open the file as it is."""
    return sqlite3.connect(path, timeout, isolation_level=None, check_same_thread=False)


def open_file(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open the file for writing, and create it, its folder and its table where they are missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + busy_timeout
    while True:
        connection = connect(path, busy_timeout)
        try:
            _prepare(connection, path)
        except BaseException as error:
            connection.close()
            # SQLite refuses at once, instead of waiting, two that turn a new file's log on.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return connection
        time.sleep(0.01)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
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


def checkpoint(path: Path) -> None:
    """Copy the log into the file, as far as no reader is in the way."""
    try:
        with contextlib.closing(connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except sqlite3.Error as error:
        logger.warning("the log of %s could not be copied into it yet: %s", path, error)


_REASONS: Final = {
    sqlite3.SQLITE_BUSY: "another program keeps the file locked",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: is it a folder, or in one without access?",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: restore a copy, or run sqlite3's .recover",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_NOTADB: "the file is not an SQLite database",
    sqlite3.SQLITE_READONLY: "the file or its folder is read-only",
}


def unavailable(path: Path, error: Exception) -> StorageUnavailable:
    """Return the error that says in words what SQLite says in codes."""
    if isinstance(error, StorageUnavailable):
        return error
    reason = _REASONS.get(_code(error))
    return StorageUnavailable(str(path), f"{reason} ({error})" if reason else str(error))


def is_busy(error: BaseException) -> bool:
    """Tell whether another connection only has to finish."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: BaseException) -> int:
    """Return the primary result code (https://sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
