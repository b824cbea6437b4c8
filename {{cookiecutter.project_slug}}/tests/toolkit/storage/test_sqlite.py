"""The SQLite store passes what every store passes, survives what files suffer, and says why not.

Over 300 lines: what a file suffers is tried on one kind of file, with the same few helpers.
"""

from __future__ import annotations

# ruff: noqa: ASYNC240 - the files are small and local
import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import Message

from toolkit import create_bot
from toolkit.errors import SessionConflict, SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import (
    DurableStorageConformance,
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    WakingStorageConformance,
    all_keys,
    check_paging,
    until_absent,
)
from toolkit.storage import sqlite, sqlite_writer
from toolkit.storage.base import Value
from toolkit.storage.sqlite import SqliteSessionStorage


class TestSqlite(
    SharedStorageConformance,
    DurableStorageConformance,
    PortableStorageConformance,
    WakingStorageConformance,
):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        return lambda: SqliteSessionStorage(tmp_path / "data" / "bot.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of a user to whom permissions apply, as whom the test runs; root ignores them."""
    folder = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    shutil.rmtree(folder)


def execute(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run SQL as another program would; return the rows of the last statement."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


async def fails(storage: SqliteSessionStorage, reason: str) -> None:
    """Expect every verb to fail, with the path and the reason."""
    for call in (
        storage.read("1_2"),
        storage.has("1_2"),
        storage.write("1_2", {}),
        storage.delete("1_2"),
        storage.add("1_2", {}),
        storage.checkout("1_2", holder="Ann", lease_for=30),
        all_keys(storage),
    ):
        with pytest.raises(StorageUnavailable, match=reason) as failure:
            await call
        assert str(storage.path) in str(failure.value)


async def works(storage: SqliteSessionStorage) -> None:
    """Expect the store to write and read."""
    await storage.write("works", {"n": 1})
    assert await storage.read("works") == {"n": 1}


# What a crash leaves

WRITE_UNTIL_KILLED = """
import asyncio, os, sys
from toolkit.storage.sqlite import SqliteSessionStorage

async def count(storage, key, start):
    for number in range(start, 10**9):
        await storage.write(key, {"n": number, "filler": "x" * 300})
        os.write(1, f"{key} {number}\\n".encode())

async def main(path, start):
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(count(storage, f"task_{task}", int(start)) for task in range(20)))

asyncio.run(main(*sys.argv[1:]))
"""


def run(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    """Start a Python process that finds the toolkit where this one does."""
    source = Path(sqlite.__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(source)},
    )


@pytest.mark.slow
async def test_twenty_kills_lose_no_acknowledged_write(path: Path) -> None:
    chance = random.Random(20)  # noqa: S311 - no secret
    acknowledged: dict[str, int] = {}
    for start in range(0, 20_000_000, 1_000_000):
        process = run(WRITE_UNTIL_KILLED, path, start)
        assert process.stdout is not None
        for _ in range(chance.randrange(1, 400)):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith(b"\n"):
                name, _, written = line.decode().partition(" ")
                acknowledged[name] = int(written)
        process.stdout.close()
        process.wait()
        storage = SqliteSessionStorage(path)
        for key, number in acknowledged.items():
            value = await storage.read(key)
            assert value is not None
            assert value["n"] >= number
        await storage.close()
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]


ADD_ONE = """
import asyncio, sys
from toolkit.storage.sqlite import SqliteSessionStorage

async def main(path, key):
    storage = SqliteSessionStorage(path)
    await storage.write(key, {})
    await storage.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_processes_that_create_one_file_at_once_do_not_disturb_each_other(
    path: Path,
) -> None:
    processes = [run(ADD_ONE, path, f"process_{number}") for number in range(6)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0
    storage = SqliteSessionStorage(path)
    assert len(await all_keys(storage)) == 6
    await storage.close()


async def test_stores_that_create_one_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    for number in range(100):
        stores = [SqliteSessionStorage(tmp_path / f"{number}.db") for _ in range(4)]
        assert await asyncio.gather(*(store.read("1_2") for store in stores)) == [None] * 4
        await asyncio.gather(*(store.close() for store in stores))


@dataclass
class Session:
    count: int = 0


async def count(message: Message, session: Session) -> None:
    seen = session.count
    await asyncio.sleep(0)
    session.count = seen + 1


async def test_a_thousand_updates_of_one_user_at_once_are_all_counted(
    path: Path, talk_to: Any
) -> None:
    app = create_bot("42:fake", initial=Session, storage=SqliteSessionStorage(path))
    app.message.register(count)
    talk = talk_to(app)

    await asyncio.gather(*(talk.say("more") for _ in range(1000)))

    assert (await talk.record())["session"] == {"count": 1000}
    assert len(app.sessions.checkouts.lock) == 0


# Who may read it


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of a folder and of what is in it, by name."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


@pytest.fixture
def _generous_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_generous_umask")
async def test_nobody_else_may_read_what_the_store_creates(tmp_path: Path) -> None:
    storage = SqliteSessionStorage(tmp_path / "data" / "bot.db")
    await works(storage)
    files = {f"bot.db{end}": 0o600 for end in ("", "-wal", "-shm")}
    assert modes(tmp_path / "data") == {"data": 0o700, **files}
    await storage.close()


@pytest.mark.usefixtures("_generous_umask")
async def test_nobody_else_may_read_what_it_creates_at_the_end_of_a_link(tmp_path: Path) -> None:
    (tmp_path / "bot.db").symlink_to(tmp_path / "elsewhere.db")
    storage = SqliteSessionStorage(tmp_path / "bot.db")
    await works(storage)
    assert modes(tmp_path)["elsewhere.db"] == 0o600
    await storage.close()


async def test_what_exists_keeps_the_permissions_that_its_owner_chose(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o750)
    (folder / "bot.db").touch()
    (folder / "bot.db").chmod(0o640)
    storage = SqliteSessionStorage(folder / "bot.db")
    await works(storage)
    files = {f"bot.db{end}": 0o640 for end in ("", "-wal", "-shm")}
    assert modes(folder) == {"data": 0o750, **files}
    await storage.close()


# What files suffer


async def test_a_folder_that_may_not_be_written(ordinary_user: Path) -> None:
    storage = SqliteSessionStorage(ordinary_user / "bot.db")
    ordinary_user.chmod(0o555)
    await fails(storage, "cannot be opened")
    ordinary_user.chmod(0o755)
    await works(storage)
    await storage.close()


async def test_a_folder_that_may_not_be_created(ordinary_user: Path) -> None:
    storage = SqliteSessionStorage(ordinary_user / "data" / "bot.db")
    ordinary_user.chmod(0o555)
    await fails(storage, "Permission denied")
    ordinary_user.chmod(0o755)
    await works(storage)
    await storage.close()


async def test_a_read_only_file(ordinary_user: Path) -> None:
    path = ordinary_user / "bot.db"
    storage = SqliteSessionStorage(path)
    await works(storage)
    await storage.close()
    path.chmod(0o444)
    storage = SqliteSessionStorage(path)
    assert await storage.read("works") == {"n": 1}
    for call in (storage.write("1_2", {}), storage.delete("1_2"), storage.add("1_2", {})):
        with pytest.raises(StorageUnavailable, match="read-only"):
            await call
    for file in ordinary_user.iterdir():
        file.chmod(0o644)
    await works(storage)
    await storage.close()


async def test_a_folder_where_the_file_should_be(path: Path) -> None:
    path.mkdir()
    storage = SqliteSessionStorage(path)
    await fails(storage, "cannot be opened")
    path.rmdir()
    await works(storage)
    await storage.close()


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("These are not the sessions you are looking for.\n" * 100)
    storage = SqliteSessionStorage(path)
    await fails(storage, "not an SQLite database")
    path.unlink()
    await works(storage)
    await storage.close()


async def test_a_database_of_another_program(path: Path) -> None:
    execute(path, "CREATE TABLE sessions (id INTEGER)")
    storage = SqliteSessionStorage(path)
    await fails(storage, "another program")
    await storage.close()
    assert execute(path, "PRAGMA user_version") == [(0,)]


async def test_a_file_from_a_newer_version(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await works(storage)
    await storage.close()
    execute(path, "PRAGMA user_version = 3")
    storage = SqliteSessionStorage(path)
    await fails(storage, "newer version")
    execute(path, "PRAGMA user_version = 2")
    await works(storage)
    await storage.close()


async def test_a_locked_file_refuses_writes_and_answers_reads(path: Path) -> None:
    storage = SqliteSessionStorage(path, busy_timeout=0.05)
    await storage.write("1_2", {"n": 1})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(storage.write("1_2", {"n": 2}))
        assert await storage.read("1_2") == {"n": 1}
        with pytest.raises(StorageUnavailable, match="locked"):
            await writing
        other.execute("ROLLBACK")
    await storage.write("1_2", {"n": 3})
    assert await storage.read("1_2") == {"n": 3}
    await storage.close()


async def test_a_full_disk_fails_the_writes_in_the_commit_and_no_others(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("before", {"n": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name("bot.db-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        outcomes = await asyncio.gather(
            *(storage.write(f"{n}", {"filler": "x" * 10_000}) for n in range(10)),
            return_exceptions=True,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    assert str(path) in str(outcomes[0])
    assert await all_keys(storage) == ["before"]
    await storage.write("after", {"n": 2})
    assert await storage.read("before") == {"n": 1}
    assert await all_keys(storage) == ["after", "before"]
    await storage.close()


# What becomes of a file that is removed or replaced while it is in use


@pytest.fixture(params=["at once", "now and then"])
def look_every(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the reader look for its file at each read, or as seldom as it really does."""
    if request.param == "at once":
        monkeypatch.setattr(sqlite, "_LOOK_EVERY", 0.0)


def files_of(path: Path) -> list[Path]:
    return [file for end in ("", "-wal", "-shm") if (file := Path(f"{path}{end}")).exists()]


async def made(path: Path, **records: int) -> Path:
    """Write records into a file of its own, as a copy that somebody has kept."""
    storage = SqliteSessionStorage(path)
    for key, number in records.items():
        await storage.write(key, {"n": number})
    await storage.close()
    assert files_of(path) == [path]
    return path


async def until_read(storage: SqliteSessionStorage, key: str, value: Value | None) -> None:
    """Read until the reader, which looks for its file now and then, has noticed."""
    async with asyncio.timeout(60):
        while await storage.read(key) != value:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def numbers(path: Path, *keys: str) -> list[int | None]:
    """Return what a bot that is started anew finds."""
    storage = SqliteSessionStorage(path)
    values = [await storage.read(key) for key in keys]
    await storage.close()
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]
    return [value["n"] if value else None for value in values]


async def until_refused(storage: SqliteSessionStorage) -> None:
    """Read until the reader has noticed that its file is gone, which then stays so."""
    with pytest.raises(StorageUnavailable, match="removed while it was in use"):
        await until_read(storage, "a", {"n": "never"})
    await fails(storage, "removed while it was in use")


@pytest.mark.usefixtures("look_every")
@pytest.mark.parametrize("written_first", [True, False])
async def test_a_file_that_is_removed_takes_no_more_until_it_is_back(
    path: Path, written_first: bool
) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("a", {"n": 1})
    assert await storage.read("a") == {"n": 1}
    kept = path.parent / "kept"
    kept.mkdir()
    for file in files_of(path):
        file.rename(kept / file.name)

    if written_first:
        with pytest.raises(StorageUnavailable, match="removed while it was in use"):
            await storage.write("b", {"n": 2})
    await until_refused(storage)
    assert files_of(path) == []

    for file in files_of(kept / "bot.db"):
        file.rename(path.parent / file.name)
    await storage.write("b", {"n": 3})
    assert await storage.read("a") == {"n": 1}
    await storage.close()
    assert await numbers(path, "a", "b") == [1, 3]


async def test_a_removed_file_begins_anew_after_a_restart(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("a", {"n": 1})
    for file in files_of(path):
        file.unlink()
    await fails(storage, "removed while it was in use")
    await storage.close()
    assert files_of(path) == []
    assert await numbers(path, "a") == [None]


@pytest.mark.usefixtures("look_every")
@pytest.mark.parametrize("written_first", [True, False])
async def test_an_older_copy_in_its_place_is_taken_as_it_is(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, written_first: bool
) -> None:
    await made(path, a=1, b=1)
    shutil.copy(path, tmp_path / "copy.db")
    storage = SqliteSessionStorage(path)
    # So much that the log would spoil the copy if it were applied to it.
    await asyncio.gather(*(storage.write(f"{n}", {"filler": "x" * 900}) for n in range(200)))
    await storage.write("a", {"n": 2})
    assert await storage.read("a") == {"n": 2}

    (tmp_path / "copy.db").replace(path)

    if written_first:
        await storage.write("c", {"n": 3})
    await until_read(storage, "a", {"n": 1})
    await storage.write("d", {"n": 4})
    assert await storage.read("d") == {"n": 4}
    assert f"{path} or its log was replaced" in caplog.text
    await storage.close()
    assert await numbers(path, "a", "b", "c", "d") == [1, 1, 3 if written_first else None, 4]


@pytest.mark.usefixtures("look_every")
async def test_another_database_in_its_place_is_taken_with_its_log(
    path: Path, tmp_path: Path
) -> None:
    other = SqliteSessionStorage(tmp_path / "other.db")
    await other.write("a", {"n": 9})
    storage = SqliteSessionStorage(path)
    await storage.write("a", {"n": 1})
    assert await storage.read("a") == {"n": 1}
    for file in files_of(tmp_path / "other.db")[:2]:
        shutil.copy(file, tmp_path / file.name.replace("other", "another"))
    await other.close()

    for file in reversed(files_of(tmp_path / "another.db")):
        file.replace(tmp_path / file.name.replace("another.db", "bot.db"))

    await until_read(storage, "a", {"n": 9})
    await storage.write("b", {"n": 2})
    await storage.close()
    assert await numbers(path, "a", "b") == [9, 2]


@pytest.mark.parametrize("what", ["text", "table"])
async def test_what_is_no_file_of_sessions_is_refused_and_left_alone(
    path: Path, tmp_path: Path, what: str
) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("a", {"n": 1})
    foreign = tmp_path / "foreign"
    if what == "text":
        foreign.write_text("These are not the sessions you are looking for.\n" * 100)
    else:
        execute(foreign, "CREATE TABLE sessions (id INTEGER)")
    content = foreign.read_bytes()
    foreign.replace(path)

    reason = "not an SQLite database" if what == "text" else "another program"
    with pytest.raises(StorageUnavailable, match=reason):
        await storage.write("a", {"n": 2})
    await storage.close()
    assert path.read_bytes()[100:] == content[100:]


async def test_a_file_that_was_moved_takes_along_what_was_acknowledged(
    path: Path, tmp_path: Path
) -> None:
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(storage.write(f"{n}", {"n": n}) for n in range(100)))
    path.rename(tmp_path / "moved.db")
    await made(tmp_path / "fresh.db", a=1)
    (tmp_path / "fresh.db").replace(path)

    await storage.write("b", {"n": 2})

    await storage.close()
    assert await numbers(path, "a", "b", "7") == [1, 2, None]
    assert await numbers(tmp_path / "moved.db", "7", "99", "b") == [7, 99, None]


@pytest.mark.parametrize("read_first", [True, False])
async def test_a_log_that_is_removed_costs_nothing(path: Path, read_first: bool) -> None:
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(storage.write(f"{n}", {"n": n}) for n in range(100)))
    if read_first:
        assert await storage.read("7") == {"n": 7}
    Path(f"{path}-wal").unlink()

    await storage.write("b", {"n": 2})

    assert await storage.read("7") == {"n": 7}
    await storage.close()
    assert await numbers(path, "7", "99", "b") == [7, 99, 2]


async def test_a_commit_to_a_file_that_was_replaced_meanwhile_is_not_acknowledged(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(tmp_path / "copy.db", a=1)
    storage = SqliteSessionStorage(path)
    await storage.write("a", {"n": 2})
    commit = sqlite_writer.Writer._commit

    def commit_and_replace(*arguments: Any) -> list[bool]:
        outcomes = commit(*arguments)
        if (tmp_path / "copy.db").exists():
            (tmp_path / "copy.db").replace(path)
        return outcomes

    monkeypatch.setattr(sqlite_writer.Writer, "_commit", commit_and_replace)
    with pytest.raises(StorageUnavailable, match="replaced meanwhile"):
        await storage.write("b", {"n": 3})
    await storage.write("b", {"n": 4})
    await storage.close()
    assert await numbers(path, "a", "b") == [1, 4]


@pytest.mark.parametrize("late", [1, 30])
async def test_a_file_that_an_older_copy_was_written_over_takes_no_more_until_it_is_replaced(
    path: Path, tmp_path: Path, late: int
) -> None:
    await made(path, a=1)
    shutil.copy(path, tmp_path / "copy.db")
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(storage.write(f"{n}", {"filler": "x" * 900}) for n in range(200)))
    execute(path, "PRAGMA wal_checkpoint(PASSIVE)")
    for number in range(late):
        await storage.write(f"late {number}", {"filler": "x" * 900})

    # In a process of its own: when this one closes a file, it loses the locks that it has on it.
    copying = await asyncio.create_subprocess_exec("cp", tmp_path / "copy.db", path)
    assert await copying.wait() == 0

    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="was overwritten while it was in use"):
            await storage.write("c", {"n": 3})
    (tmp_path / "copy.db").replace(path)
    await storage.write("c", {"n": 4})
    await storage.close()
    assert await numbers(path, "a", "c") == [1, 4]


async def test_a_file_that_its_owner_has_vacuumed_goes_on(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(storage.write(f"{n}", {"filler": "x" * 900}) for n in range(200)))
    await asyncio.gather(*(storage.delete(f"{n}") for n in range(200)))
    execute(path, "PRAGMA wal_checkpoint(PASSIVE)")
    await storage.write("a", {"n": 1})
    before = path.stat().st_size
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before

    await storage.write("b", {"n": 2})
    await storage.close()
    assert await numbers(path, "a", "b") == [1, 2]


# What is in a file


async def test_a_damaged_page_is_an_error_and_not_an_absence(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await asyncio.gather(
        *(storage.write(f"{n}", {"n": n, "filler": "x" * 300}) for n in range(100))
    )
    await storage.close()
    whole = path.read_bytes()
    pages = range(1024 * 3, len(whole), 1024)
    path.write_bytes(
        b"".join(
            bytes([whole[start] ^ 0xFF]) + whole[start + 1 : start + 1024]
            if start in pages
            else whole[start : start + 1024]
            for start in range(0, len(whole), 1024)
        )
    )
    storage = SqliteSessionStorage(path)
    failed = 0
    for number in range(100):
        try:
            value = await storage.read(f"{number}")
        except StorageUnavailable as error:
            assert "damaged" in str(error)  # noqa: PT017 - most reads fail, and none may lie
            failed += 1
        else:
            assert value == {"n": number, "filler": "x" * 300}
    assert failed
    path.write_bytes(whole)
    assert await storage.read("50") == {"n": 50, "filler": "x" * 300}
    await works(storage)
    await storage.close()


@pytest.mark.parametrize(
    ("broken", "raw"),
    [
        ("'{\"n\": 1'", '{"n": 1'),
        ("'[1]'", "[1]"),
        ("'{\"n\": NaN}'", '{"n": NaN}'),
        ("''", ""),
        ("CAST(x'7b22ff227d' AS TEXT)", b'{"\xff"}'),
    ],
)
async def test_a_torn_record_is_an_error_that_holds_what_was_found(
    path: Path, broken: str, raw: str | bytes
) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("1_2", {"n": 1})
    execute(path, f"UPDATE sessions SET value = {broken}")  # noqa: S608 - a test's own text
    with pytest.raises(SessionUndecodable) as failure:
        await storage.read("1_2")
    assert (failure.value.key, failure.value.raw) == ("1_2", raw)
    with pytest.raises(SessionUndecodable):
        await storage.checkout("1_2", holder="Ann", lease_for=30)
    assert await storage.has("1_2")
    assert not await storage.add("1_2", {})
    await storage.write("1_2", {"n": 2})
    assert await storage.read("1_2") == {"n": 2}
    await storage.close()


# How it writes


async def test_writes_that_wait_together_are_committed_together(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await storage.write("first", {})
    await asyncio.gather(*(storage.write(f"{n}", {"n": n}) for n in range(400)))
    [(commits,)] = execute(path, "SELECT count(DISTINCT revision) FROM sessions")
    assert isinstance(commits, int)
    assert commits < 20
    await storage.close()


async def test_of_writes_committed_together_only_the_one_too_late_is_refused(path: Path) -> None:
    storage, other = SqliteSessionStorage(path), SqliteSessionStorage(path)
    keys = [f"{n}_{n}" for n in range(20)]
    await asyncio.gather(*(storage.write(key, {"by": "nobody"}) for key in keys[:10]))
    leases = [await storage.checkout(key, holder="here", lease_for=30) for key in keys]
    for number in (3, 15):
        await other.write(keys[number], {"by": "other"})
    await other.delete(keys[7])

    outcomes = await asyncio.gather(
        *(storage.checkin(lease, {"by": "me"}) for lease in leases), return_exceptions=True
    )

    refused = [key for key, error in zip(keys, outcomes, strict=True) if error is not None]
    assert refused == [keys[3], keys[7], keys[15]]
    assert all(isinstance(error, SessionConflict) for error in outcomes if error is not None)
    found = [await storage.read(key) for key in keys]
    assert [n for n, value in enumerate(found) if value == {"by": "other"}] == [3, 15]
    assert [n for n, value in enumerate(found) if value != {"by": "me"}] == [3, 7, 15]
    await storage.close()
    await other.close()


async def test_expired_records_of_many_short_runs_leave_the_file(path: Path) -> None:
    for run in range(10):
        storage = SqliteSessionStorage(path)
        writes = (storage.write(f"{run} {n}", {}, expires_in=0.01) for n in range(40))
        await asyncio.gather(*writes)
        await until_absent(storage, f"{run} 39")
        await storage.close()
    assert execute(path, "SELECT count(*) <= 80 FROM sessions") == [(1,)]


async def test_closing_finishes_the_writes_that_wait(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    writes = [asyncio.ensure_future(storage.write(f"{n}", {"n": n})) for n in range(50)]
    await asyncio.sleep(0)
    await storage.close()
    await asyncio.gather(*writes)
    [(count,)] = execute(path, "SELECT count(*) FROM sessions")
    assert count == 50


async def test_opening_costs_nothing_before_the_first_use(path: Path) -> None:
    threads = threading.active_count()
    storage = SqliteSessionStorage(path)
    assert not path.exists()
    assert threading.active_count() == threads
    await storage.close()
    assert not path.exists()


def test_one_store_serves_one_event_loop_after_another(path: Path) -> None:
    storage = SqliteSessionStorage(path)

    async def leave_a_write_behind(value: Value) -> None:
        task = asyncio.ensure_future(storage.write("left", value))
        await asyncio.sleep(0)
        task.cancel()
        await storage.write("1_2", value)

    for number in range(5):
        asyncio.run(leave_a_write_behind({"n": number}))
        assert asyncio.run(storage.read("1_2")) == {"n": number}
    asyncio.run(storage.close())


async def test_a_loop_that_never_rests_still_sees_its_writes_committed(path: Path) -> None:
    storage = SqliteSessionStorage(path)

    async def never_rest() -> None:
        while True:
            end = time.perf_counter() + 0.0001
            while time.perf_counter() < end:
                pass
            await asyncio.sleep(0)

    async def write_ten(task: int) -> None:
        for number in range(10):
            await storage.write(f"{task}", {"n": number})

    busy = asyncio.ensure_future(never_rest())
    async with asyncio.timeout(60):
        await asyncio.gather(*(write_ten(task) for task in range(20)))
    busy.cancel()
    assert len(await all_keys(storage)) == 20
    await storage.close()


async def test_the_log_stays_short_under_steady_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_writer, "_LOG_PAGES", 400)
    storage = SqliteSessionStorage(path)

    async def write_many(task: int) -> None:
        for number in range(100):
            await storage.write(f"{task}_{number}", {"filler": "x" * 300})

    await asyncio.gather(*(write_many(task) for task in range(50)))
    assert path.with_name("bot.db-wal").stat().st_size < 5_000_000
    assert len(await all_keys(storage)) == 5_000
    await storage.close()


async def test_expired_records_leave_the_file(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await asyncio.gather(*(storage.write(f"old {n}", {}, expires_in=0.01) for n in range(100)))
    await until_absent(storage, "old 99")
    await asyncio.gather(*(storage.write(f"new {n}", {}, expires_in=600) for n in range(60)))
    [(count,)] = execute(path, "SELECT count(*) FROM sessions")
    assert count == 60
    await storage.close()


@pytest.mark.slow
async def test_all_of_100_000_keys_are_read(path: Path) -> None:
    storage = SqliteSessionStorage(path)
    await check_paging(storage, 100_000)
    await storage.close()


# Its URL


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/bot.db", "data/bot.db"),
        ("sqlite:////var/lib/bot.db", "/var/lib/bot.db"),
        ("sqlite:///my%20bot/%25.db", "my bot/%.db"),
    ],
)
def test_a_url_names_a_path(url: str, path: str) -> None:
    assert SqliteSessionStorage.from_url(url).path == Path(path)


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite:///", "sqlite://data/bot.db", "sqlite:///a?b=c"]
)
def test_a_url_that_names_no_path_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///path/to/file"):
        SqliteSessionStorage.from_url(url)
