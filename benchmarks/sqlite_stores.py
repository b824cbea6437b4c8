"""The SQLite stores that are compared, behind one interface, and what each one promises."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from pathlib import Path
from typing import Any, ClassVar

import measure  # noqa: F401 - finds the toolkit

Value = dict[str, Any]

FULL = "kill and power cut"


def session(number: int) -> Value:
    """Return a session of about 300 bytes; no two are equal, or SQLite would skip the write."""
    return {
        "step": "choosing_time",
        "count": number,
        "service": "Haircut and beard trim",
        "day": f"2026-11-{number % 28 + 1:02}",
        "time": "14:30",
        "name": f"Guest number {number}",
        "note": "Came by recommendation; prefers mornings, and a chair at the window.",
        "visits": [number % 7, number % 11, number % 13, number % 17],
        "options": {"colour": "none", "wash": True, "tip": 10, "stylist": "Ana"},
    }


class Store:
    """One way to keep sessions in an SQLite file."""

    name: ClassVar[str]
    survives: ClassVar[str] = FULL
    """What an acknowledged write survives."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def open(self, keys: int) -> None:
        """Create the file with `keys` sessions in it."""

    async def read(self, key: int) -> Value | None:
        """One session."""
        raise NotImplementedError

    async def write(self, key: int, value: Value) -> None:
        """Return when the write is acknowledged."""
        raise NotImplementedError

    async def modify(self, key: int, number: int) -> None:
        """Read, change and write one session."""
        value = await self.read(key)
        assert value is not None
        await self.write(key, {**value, "count": number, "name": f"Guest number {number}"})

    async def close(self) -> None:
        """Release the file."""


class Ours(Store):
    """`SqliteSessionStorage`. A change is a checkout and a checkin, lease and revision included."""

    name = "ours"

    async def open(self, keys: int) -> None:
        from toolkit.storage.sqlite import SqliteSessionStorage

        self.store = SqliteSessionStorage(self.path)
        for start in range(0, keys, 500):
            several = range(start, min(start + 500, keys))
            await asyncio.gather(*(self.write(key, session(key)) for key in several))

    async def read(self, key: int) -> Value | None:
        return await self.store.read(f"{key}_{key}")

    async def write(self, key: int, value: Value) -> None:
        await self.store.write(f"{key}_{key}", value)

    async def modify(self, key: int, number: int) -> None:
        lease = await self.store.checkout(f"{key}_{key}", holder="benchmark", lease_for=30)
        assert lease.value is not None
        changed = {**lease.value, "count": number, "name": f"Guest number {number}"}
        await self.store.checkin(lease, changed)

    async def close(self) -> None:
        await self.store.close()


class _Aiogram(Store):
    """A storage for aiogram's FSM, used through `get_data` and `set_data`."""

    table = "fsm_data"
    key_column = "key"
    storage: Any

    def key(self, number: int) -> Any:
        from aiogram.fsm.storage.base import StorageKey

        return StorageKey(bot_id=42, chat_id=number, user_id=number)

    def key_text(self, number: int) -> str:
        from aiogram.fsm.storage.base import DefaultKeyBuilder

        return DefaultKeyBuilder(with_destiny=True).build(self.key(number))

    def fill(self, keys: int) -> None:
        """Put the rows in by hand: a commit each would take an hour."""
        rows = ((self.key_text(key), json.dumps(session(key))) for key in range(keys))
        sql = f"INSERT INTO {self.table} ({self.key_column}, data) VALUES (?, ?)"  # noqa: S608
        with sqlite3.connect(self.path) as connection:
            connection.executemany(sql, rows)
        connection.close()

    async def read(self, key: int) -> Value | None:
        found: Value | None = await self.storage.get_data(self.key(key))
        return found

    async def write(self, key: int, value: Value) -> None:
        await self.storage.set_data(self.key(key), value)

    async def close(self) -> None:
        await self.storage.close()


class SqliteStorage(_Aiogram):
    """aiogram-sqlite-storage: `sqlite3` on the event loop itself, a commit a write."""

    name = "aiogram-sqlite-storage"

    def key_text(self, number: int) -> str:
        return f"42:{number}:{number}"

    async def open(self, keys: int) -> None:
        from aiogram_sqlite_storage.sqlitestore import SQLStorage

        self.storage = SQLStorage(str(self.path), serializing_method="json")
        self.fill(keys)


class FsmSqliteStorage(_Aiogram):
    """aiogram-fsm-sqlitestorage: the same idea, with cursors."""

    name = "aiogram-fsm-sqlitestorage"

    async def open(self, keys: int) -> None:
        from aiogram_fsm_sqlitestorage import SQLiteStorage

        self.storage = SQLiteStorage(str(self.path))
        self.fill(keys)


class SqlalchemyStorage(_Aiogram):
    """aiogram-sqlalchemy-storage over aiosqlite, with SQLAlchemy's defaults."""

    name = "aiogram-sqlalchemy-storage"
    table = "aiogram_fsm_data"
    key_column = "id"

    def key_text(self, number: int) -> str:
        from aiogram.fsm.storage.base import DefaultKeyBuilder

        return DefaultKeyBuilder().build(self.key(number))

    async def open(self, keys: int) -> None:
        from sqlalchemy import MetaData
        from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
        from sqlalchemy_storage.storage import SQLAlchemyStorage

        metadata = MetaData()
        self.engine = create_async_engine(f"sqlite+aiosqlite:///{self.path}")
        maker: Any = async_sessionmaker(self.engine)
        self.storage = SQLAlchemyStorage(maker, metadata)
        async with self.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        self.fill(keys)

    async def close(self) -> None:
        await self.engine.dispose()


SCHEMA = "CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
READ = "SELECT value FROM sessions WHERE key = ?"
WRITE = "INSERT INTO sessions VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


def plain_file(path: Path, keys: int) -> sqlite3.Connection:
    """Make an ordinary key-value table: a write-ahead log, and commits that are safe."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(SCHEMA)
    connection.execute("BEGIN")
    rows = ((f"{key}_{key}", json.dumps(session(key))) for key in range(keys))
    connection.executemany(WRITE, rows)
    connection.execute("COMMIT")
    return connection


class PlainAiosqlite(Store):
    """aiosqlite as its readme shows it: one connection, `execute` and `commit`."""

    name = "plain aiosqlite"

    async def open(self, keys: int) -> None:
        import aiosqlite

        plain_file(self.path, keys).close()
        self.connection = await aiosqlite.connect(self.path)
        await self.connection.execute("PRAGMA synchronous = FULL")

    async def read(self, key: int) -> Value | None:
        async with self.connection.execute(READ, (f"{key}_{key}",)) as cursor:
            row = await cursor.fetchone()
        return json.loads(row[0]) if row else None

    async def write(self, key: int, value: Value) -> None:
        await self.connection.execute(WRITE, (f"{key}_{key}", json.dumps(value)))
        await self.connection.commit()

    async def close(self) -> None:
        await self.connection.close()


class ToThread(Store):
    """`asyncio.to_thread` around one connection and a lock."""

    name = "asyncio.to_thread"

    async def open(self, keys: int) -> None:
        self.connection = plain_file(self.path, keys)
        self.lock = threading.Lock()

    def _run(self, sql: str, parameters: tuple[str, ...]) -> Any:
        with self.lock:
            return self.connection.execute(sql, parameters).fetchone()

    async def read(self, key: int) -> Value | None:
        row = await asyncio.to_thread(self._run, READ, (f"{key}_{key}",))
        return json.loads(row[0]) if row else None

    async def write(self, key: int, value: Value) -> None:
        await asyncio.to_thread(self._run, WRITE, (f"{key}_{key}", json.dumps(value)))

    async def close(self) -> None:
        self.connection.close()


STORES: tuple[type[Store], ...] = (
    Ours,
    SqliteStorage,
    FsmSqliteStorage,
    SqlalchemyStorage,
    PlainAiosqlite,
    ToThread,
)
AIOGRAM_STORES = (SqliteStorage.name, FsmSqliteStorage.name, SqlalchemyStorage.name)
