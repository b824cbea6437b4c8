"""An SQLite file of sessions: how it is opened, and what its errors mean."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from toolkit.errors import SessionUndecodable, StorageUnavailable
from toolkit.storage.base import WAKE_AT
from toolkit.storage.record import load_value, wake_at

logger = logging.getLogger(__name__)

_VERSION: Final = 2
_TABLE: Final = (
    "CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " expires_at REAL, revision INTEGER NOT NULL)",
    "CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE expires_at IS NOT NULL",
)
# The log holds a copy of every page that a commit touches, so small pages make small commits:
# an eighth more writes than with 4 KB (upstream, benchmarks/sqlite_tricks.py, as all such figures).
PAGE_BYTES: Final = 1024


Identity = tuple[int, int]


def identity(path: Path) -> Identity | None:
    """Return what tells a file from others at the same path, `None` where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """The files that a connection has open. Others may lie at their paths one day."""

    path: Path
    database: Identity | None
    log: Identity | None
    index: Identity | None

    @classmethod
    def of(cls, path: Path, database: Identity | None) -> OpenFiles:
        """Return the files of a path without links."""
        return cls(path, database, identity(_beside(path, "-wal")), identity(_beside(path, "-shm")))

    def are_at(self, path: Path) -> bool:
        """Tell whether the path leads to them: neither file nor log was removed or replaced."""
        log = identity(_beside(self.path, "-wal"))
        return identity(path) == self.database and self.log in (None, log)

    def set_log_aside(self) -> None:
        """Rename what the file that was here has left: SQLite would apply it to the new one."""
        if identity(self.path) == self.database:
            return
        for end, own in (("-wal", self.log), ("-shm", self.index)):
            left = _beside(self.path, end)
            if own is not None and identity(left) == own:
                left.replace(_beside(self.path, f"{end}.old"))


def _beside(path: Path, end: str) -> Path:
    return path.with_name(f"{path.name}{end}")


_creating = threading.Lock()


def connect(path: Path, timeout: float = 0.0) -> sqlite3.Connection:
    """Open the file as it is. It is not created."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
    )


def open_file(
    path: Path, busy_timeout: float, *, create: bool
) -> tuple[sqlite3.Connection, OpenFiles]:
    """Open the file for writing; create it, its folder and its table where they may be missing."""
    if create:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        _create(path)
    deadline = time.monotonic() + busy_timeout
    while True:
        found = identity(path)  # before it is opened, so that what replaces it later is noticed
        connection = connect(path, busy_timeout)
        try:
            _prepare(connection, path)
        except BaseException as error:
            connection.close()
            # SQLite refuses at once, instead of waiting, two that turn a new file's log on.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
        else:
            return connection, OpenFiles.of(path.resolve(), found)
        time.sleep(0.01)


def _create(path: Path) -> None:
    """Create a missing file for its owner only; SQLite gives the log the mode of the file."""
    # Closing a file ends every lock that this process has on it, so nobody opens it meanwhile.
    with _creating, contextlib.suppress(OSError):  # SQLite says better why it cannot be opened
        os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    if _version(connection, path) < _VERSION:
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            version = _version(connection, path)
            if version < 1:
                for statement in _TABLE:
                    connection.execute(statement)
            if version < _VERSION:
                _add_wake_at(connection)
                connection.execute(f"PRAGMA user_version = {_VERSION}")


def _add_wake_at(connection: sqlite3.Connection) -> None:
    """Add what version 2 has, and fill it from the values.

    It is there where an owner has gone back to version 1 and comes again; what was written
    meanwhile was written without it.
    """
    columns = connection.execute("SELECT name FROM pragma_table_info('sessions')").fetchall()
    if ("wake_at",) not in columns:
        connection.execute("ALTER TABLE sessions ADD COLUMN wake_at REAL")
    connection.execute("DROP INDEX IF EXISTS sessions_waking")
    connection.create_function("wake_at_of", 1, _wake_at, deterministic=True)
    connection.execute(
        "UPDATE sessions SET wake_at = wake_at_of(CAST(value AS BLOB))"
        " WHERE wake_at IS NOT NULL OR instr(value, ?)",
        (f'"{WAKE_AT}"',),
    )
    connection.execute(
        "CREATE INDEX sessions_waking ON sessions (wake_at, key) WHERE wake_at IS NOT NULL"
    )


def _wake_at(text: bytes) -> float | None:
    try:
        return wake_at(load_value("", text))
    except SessionUndecodable:
        return None


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version of the file, 0 for a new one. Raises StorageUnavailable."""
    sql = "SELECT user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version"
    version, tables = connection.execute(sql).fetchone()
    if version > _VERSION:
        reason = f"was written by a newer version of this program ({version}, not {_VERSION})"
        raise StorageUnavailable(str(path), reason)
    if version == 0 and tables:
        raise StorageUnavailable(str(path), "is an SQLite file of another program")
    return int(version)


def check_whole(path: Path) -> None:
    """Look through a file that is shorter than it was. Raises StorageUnavailable if it is damaged.

    VACUUM shortens a file, and so does an older copy that is written over it, to which the log does
    not belong.
    """
    with contextlib.closing(connect(path)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        reason = (
            "the file was overwritten while it was in use: stop the bot, move the files "
            f"{path.name}, {path.name}-wal and {path.name}-shm away, and put the copy there"
        )
        raise StorageUnavailable(str(path), reason)


def checkpoint(path: Path, files: OpenFiles) -> None:
    """Copy the log into its file, as far as no reader is in the way."""
    if not files.are_at(path):
        return
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
