"""How an SQLite store finds what wants to be woken, also in a file of an older release."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import SessionUndecodable, StorageUnavailable
from toolkit.storage import sqlite, sqlite_file
from toolkit.storage.base import Due
from toolkit.storage.sqlite import SqliteSessionStorage

VERSION_1 = (
    "PRAGMA page_size = 1024",
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE sessions (key TEXT PRIMARY KEY, value TEXT NOT NULL,"
    " expires_at REAL, revision INTEGER NOT NULL)",
    "CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE expires_at IS NOT NULL",
    "PRAGMA user_version = 1",
)
"""How the release before this one made a file."""
PUT_1 = (
    "INSERT INTO sessions (key, value, expires_at, revision) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, expires_at = excluded.expires_at, revision = excluded.revision"
)
"""How it wrote a record."""
INDEX = "SELECT sql FROM sqlite_schema WHERE name = 'sessions_waking'"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


def execute(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run SQL as another program would; return the rows of the last statement."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def put_1(path: Path, key: str, text: str, expires_at: float | None = None) -> None:
    """Write a record as the release before this one did."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(PUT_1, (key, text, expires_at, hash((key, text)) % 2**62 + 1))


async def test_a_file_of_the_release_before_loses_nothing(path: Path) -> None:
    execute(path, *VERSION_1)
    later = time.time() + 600
    for number in range(50):
        put_1(path, f"{number}_1", json.dumps({"n": number}), later if number % 2 else None)
    put_1(path, "expired", "{}", 1.0)
    put_1(path, "torn", '{"wake_at": 5')
    put_1(path, "waking", '{"wake_at": 7.5, "n": "ü"}')
    put_1(path, "within", '{"session": {"wake_at": 8}}')
    before = execute(path, "SELECT key, value, expires_at, revision FROM sessions ORDER BY key")

    storage = SqliteSessionStorage(path)
    assert await storage.due(math.inf, 9) == [Due(7.5, "waking")]

    after = execute(path, "SELECT key, value, expires_at, revision FROM sessions ORDER BY key")
    assert after == before
    assert execute(path, "PRAGMA user_version") == [(2,)]
    entries = [await storage.read_entry(f"{number}_1") for number in range(50)]
    assert [entry and entry.value for entry in entries] == [{"n": n} for n in range(50)]
    assert [bool(entry and entry.expires_in) for entry in entries] == [False, True] * 25
    assert not await storage.has("expired")
    with pytest.raises(SessionUndecodable):
        await storage.read("torn")
    lease = await storage.checkout("7_1", holder="Ann", lease_for=30)
    await storage.checkin(lease, {"wake_at": 3})
    assert await storage.due(math.inf, 9) == [Due(3, "7_1"), Due(7.5, "waking")]
    await storage.close()


async def test_an_upgrade_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(path, *VERSION_1)
    put_1(path, "1_1", '{"wake_at": 5}')
    schema = "SELECT sql FROM sqlite_schema"
    before = execute(path, schema)
    storage = SqliteSessionStorage(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "_wake_at", None)
        with pytest.raises(StorageUnavailable):
            await storage.read("1_1")
    assert execute(path, schema) == before
    assert execute(path, "PRAGMA user_version") == [(1,)]
    assert await storage.due(math.inf, 9) == [Due(5, "1_1")]
    await storage.close()


async def test_several_that_open_an_old_file_at_once_wait_for_each_other(path: Path) -> None:
    execute(path, *VERSION_1)
    put_1(path, "1_1", '{"wake_at": 5}')
    stores = [SqliteSessionStorage(path) for _ in range(6)]
    found = await asyncio.gather(*(store.due(math.inf, 9) for store in stores))
    assert found == [[Due(5, "1_1")]] * 6
    await asyncio.gather(*(store.close() for store in stores))


async def test_who_has_gone_back_to_the_release_before_finds_all_moments_again(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    for number in range(1, 5):
        await storage.write(f"{number}_{number}", {"wake_at": number})
    await storage.close()
    execute(path, "PRAGMA user_version = 1")
    put_1(path, "1_1", '{"wake_at": 10}')
    put_1(path, "2_2", '{"n": 2}')
    put_1(path, "5_5", '{"wake_at": 5}')
    execute(path, "DELETE FROM sessions WHERE key = '3_3'")

    storage = SqliteSessionStorage(path)

    assert await storage.due(math.inf, 9) == [Due(4, "4_4"), Due(5, "5_5"), Due(10, "1_1")]
    assert await storage.read("2_2") == {"n": 2}
    await storage.close()


async def test_the_release_before_that_still_runs_may_go_on_writing(path: Path) -> None:
    execute(path, *VERSION_1)
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute(PUT_1, ("1_1", '{"n": 1}', None, 1))
        storage = SqliteSessionStorage(path)
        lease = await storage.checkout("2_2", holder="Ann", lease_for=30)
        await storage.checkin(lease, {"wake_at": 2, "n": 1})
        older.execute(PUT_1, ("1_1", '{"n": 2}', None, 2))
        # It keeps what it does not know of a record.
        older.execute(PUT_1, ("2_2", '{"wake_at": 2, "n": 2}', None, 3))
        assert await storage.read("1_1") == {"n": 2}
        assert await storage.due(math.inf, 9) == [Due(2, "2_2")]
        await storage.close()


@pytest.mark.parametrize("prefix", ["", "bots:7:"])
async def test_what_is_due_is_found_by_the_index(path: Path, prefix: str) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("1_1", {"wake_at": 1})
    plans: list[str] = []
    query = storage._query

    async def explain(sql: str, parameters: Any) -> Any:
        rows = await query(f"EXPLAIN QUERY PLAN {sql}", parameters)
        plans.extend(row[3] for row in rows)
        return await query(sql, parameters)

    storage._query = explain  # type: ignore[method-assign]
    await storage.due(5, 100, prefix=prefix)
    assert plans == ["SEARCH sessions USING INDEX sessions_waking (wake_at<?)"]
    await storage.close()


async def test_moving_a_moment_is_one_statement_and_one_commit(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("first", {})
    statements: list[str] = []
    assert storage._writer._connection is not None
    storage._writer._connection.set_trace_callback(statements.append)
    for number, wake_at in enumerate((5, 6, None, 7), 1):
        lease = await storage.checkout("1_1", holder="Ann", lease_for=30)
        await storage.checkin(lease, {"wake_at": wake_at})
        assert len(statements) == number
    await storage.close()


WRITE_UNTIL_KILLED = """
import asyncio, os, sys
from toolkit.storage.sqlite import SqliteSessionStorage

async def move(storage, task, start):
    key = f"{task}_{task}"
    for number in range(start, 10**9):
        lease = await storage.checkout(key, holder="me", lease_for=30)
        moment = {"wake_at": number} if (number + task) % 3 else {}
        await storage.checkin(lease, {"n": number, **moment})
        os.write(1, f"{key} {number}\\n".encode())

async def main(path, start):
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(move(storage, task, int(start)) for task in range(20)))

asyncio.run(main(*sys.argv[1:]))
"""


def start_moving(path: Path, first: int) -> subprocess.Popen[bytes]:
    """Start a process that moves moments, and says which of them are acknowledged."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(path), str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(sqlite.__file__).parents[2])},
    )


async def test_what_is_due_survives_kills_with_what_was_acknowledged(path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for start in (1_000, 2_000, 3_000):
        process = start_moving(path, start)
        assert process.stdout is not None
        for _ in range(start // 20):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith(b"\n"):
                name, _, written = line.decode().partition(" ")
                acknowledged[name] = int(written)
        process.stdout.close()
        process.wait()
        storage = SqliteSessionStorage(path)
        values = {f"{task}_{task}": await storage.read(f"{task}_{task}") for task in range(20)}
        found = {key: value for key, value in values.items() if value is not None}
        assert all(found[key]["n"] >= number for key, number in acknowledged.items())
        wanted = [Due(value["wake_at"], key) for key, value in found.items() if "wake_at" in value]
        assert wanted
        assert await storage.due(math.inf, 99) == sorted(wanted)
        await storage.close()
