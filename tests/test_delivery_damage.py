"""What happens to the file of sessions, and to its records: told, logged, and nothing deleted."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.delivery_kit.pace import _at_a_quicker_pace  # noqa: F401 - a fixture
from tests.delivery_kit.world import World, counts
from toolkit.storage import sqlite_file
from toolkit.storage.sqlite import SqliteSessionStorage

USERS = 40
PAGE = 1024
LEAF_OF_A_TABLE = 0x0D  # https://sqlite.org/fileformat.html#b_tree_pages
AWAY = "I cannot reach my notes"
SORRY = "Something went wrong"

pytestmark = pytest.mark.slow


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of sessions."""
    return tmp_path / "bot.db"


def _store(path: Path) -> SqliteSessionStorage:
    return SqliteSessionStorage(path, busy_timeout=0.05)


def _everybody(count: int) -> dict[str, int]:
    return {f"{user}_{user}": count for user in range(1, USERS + 1)}


async def _said_something_before(world: World, path: Path) -> None:
    """Have every user counted once, with a bot that is closed afterwards."""
    async with world.bot_here(_store(path)):
        world.say(USERS, 1)
        await world.until_confirmed()


async def _counts(path: Path) -> dict[str, int]:
    storage = _store(path)
    found = await counts(storage)
    await storage.close()
    return found


@contextlib.contextmanager
def _full_disk(path: Path) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = path.with_name(f"{path.name}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size if log.exists() else 0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def _read_only(path: Path) -> Iterator[None]:
    # Permissions would not hinder root.
    connect = sqlite_file.connect

    def connect_to_read(path: Path, timeout: float = 0.0) -> sqlite3.Connection:
        uri = f"{path.as_uri()}?mode=ro"
        return sqlite3.connect(
            uri, timeout, isolation_level=None, check_same_thread=False, uri=True
        )

    sqlite_file.connect = connect_to_read
    try:
        yield
    finally:
        sqlite_file.connect = connect


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize("trouble", [_full_disk, _read_only, _locked])
async def test_while_the_file_cannot_be_written_everybody_reads_one_sentence_and_nothing_is_lost(
    trouble: Callable[[Path], AbstractContextManager[None]],
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    await _said_something_before(world, path)
    with contextlib.ExitStack() as broken:
        broken.enter_context(trouble(path))
        async with world.bot_here(_store(path)):
            world.say(USERS, 1)
            await world.until(lambda: world.answers_with(AWAY) == USERS)
            broken.close()
            await world.until_confirmed()

    assert await _counts(path) == _everybody(2)
    assert world.answers_with(AWAY) == USERS
    assert str(path) in caplog.text


def _change(path: Path, sql: str, *values: Any) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(sql, values).rowcount == 1


def _value(path: Path, key: str) -> Any:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        row = connection.execute("SELECT value FROM sessions WHERE key = ?", (key,)).fetchone()
        return row and row[0]


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ("substr(value, 1, 20)", "cannot be read"),
        ('replace(value, \'{"count":1\', \'{"count":"1x"\')', "count"),
        ("replace(value, ':', ';')", "cannot be read"),
    ],
    ids=["torn", "a field that does not fit", "flipped bytes"],
)
async def test_a_spoilt_record_is_moved_aside_and_nobody_else_notices(
    spoilt: str, reason: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    await _said_something_before(world, path)
    _change(path, f"UPDATE sessions SET value = {spoilt} WHERE key = '7_7'")  # noqa: S608
    found = _value(path, "7_7")
    async with world.bot_here(_store(path)):
        world.say(USERS, 1)
        await world.until_confirmed()
    moved = _value(path, "quarantine:7_7")
    _change(path, "DELETE FROM sessions WHERE key = 'quarantine:7_7'")

    assert await _counts(path) == {**_everybody(2), "7_7": 1}
    assert found.replace('"', "")[:15] in moved.replace("\\", "").replace('"', "")
    [line] = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert "7_7" in line
    assert reason in line


def _refuses_count_99(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["count"] == 99:
        raise ValueError("99 is no number")
    return fields


@pytest.mark.parametrize(
    ("record", "options", "reason"),
    [
        ('{"session":{"count":1},"version":7}', {}, "a newer release wrote it"),
        (
            '{"session":{"count":99}}',
            {"migrations": {1: _refuses_count_99}},
            "migration 1 failed on the session of 7_7: ValueError('99 is no number')",
        ),
    ],
    ids=["of a newer version", "that a migration cannot take"],
)
async def test_a_record_that_the_code_cannot_take_is_left_as_it_is_and_nobody_else_notices(
    record: str, options: Any, reason: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    await _said_something_before(world, path)
    _change(path, "UPDATE sessions SET value = ? WHERE key = '7_7'", record)
    async with world.bot_here(_store(path), **options):
        world.say(USERS, 1)
        await world.until_confirmed()

    assert _value(path, "7_7") == record
    assert _value(path, f"dead:{USERS + 7}") is not None
    assert world.answers_with(SORRY) == 1
    assert reason in caplog.text
    _change(path, "DELETE FROM sessions WHERE key = '7_7'")
    _change(path, f"DELETE FROM sessions WHERE key = 'dead:{USERS + 7}'")  # noqa: S608
    others = _everybody(2)
    del others["7_7"]
    assert await _counts(path) == others


def _leaves(path: Path) -> list[int]:
    """Where in the file the pages are that hold records of users.

    Without the one that says whose the plain keys are: as long as that is not known, nobody is
    served, or two bots could mix.
    """
    content = path.read_bytes()
    pages = [at for at in range(PAGE, len(content), PAGE) if content[at] == LEAF_OF_A_TABLE]
    return [at for at in pages if b"bots:owner" not in content[at : at + PAGE]]


def _flip_a_bit(path: Path, places: list[int]) -> None:
    content = bytearray(path.read_bytes())
    for at in places:
        content[at] ^= 0x80
    path.write_bytes(content)


async def test_a_flipped_bit_in_the_file_hides_its_page_and_destroys_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    await _said_something_before(world, path)
    damaged = _leaves(path)[::3]
    _flip_a_bit(path, damaged)
    async with world.bot_here(_store(path)):
        world.say(USERS, 1)
        await world.until(lambda: world.answers_with(": 2") + world.answers_with(AWAY) >= USERS)
    hidden = world.answers_with(AWAY)
    assert 0 < hidden < USERS
    assert world.answers_with(": 2") == USERS - hidden
    assert "damaged" in caplog.text

    _flip_a_bit(path, damaged)
    async with world.bot_here(_store(path)):
        await world.until(lambda: world.answers_with(": 2") == USERS)
    assert await _counts(path) == _everybody(2)
