"""How a PostgreSQL store finds what wants to be woken, beside and after older releases."""

# ruff: noqa: S608 - the statements are put together from constants only

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from toolkit.errors import StorageUnavailable
from toolkit.storage import postgres as postgres_store
from toolkit.storage.base import Due
from toolkit.storage.connection import driver
from toolkit.storage.postgres import PostgresSessionStorage

from .outages import works_again
from .servers import running
from .servers.postgres import PgBouncer, Postgres

OLD_TABLE = """
CREATE TABLE bot_sessions (
    key text COLLATE "C" PRIMARY KEY,
    value text,
    expires_at timestamptz NOT NULL,
    holder text,
    fence bigint,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX bot_sessions_expiring ON bot_sessions (expires_at) WHERE expires_at < 'infinity';
"""
"""How the release before this one made its table."""
OLD_FREE = "holder = NULL, fence = NULL, leased_until = '-infinity'"
OLD_READ = "SELECT value FROM bot_sessions WHERE key = $1 AND expires_at > now()"
OLD_WRITE = f"""
INSERT INTO bot_sessions AS old (key, value, expires_at)
VALUES ($1, $2, coalesce(now() + make_interval(secs => $3), 'infinity'))
ON CONFLICT (key) DO UPDATE
SET value = excluded.value, expires_at = excluded.expires_at, {OLD_FREE}
"""
OLD_CHECKOUT = """
INSERT INTO bot_sessions AS old (key, expires_at, holder, fence, leased_until)
VALUES ($1, now(), $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (key) DO UPDATE SET
    holder = excluded.holder, fence = excluded.fence, leased_until = excluded.leased_until
WHERE old.leased_until <= now() OR old.holder = excluded.holder
RETURNING CASE WHEN expires_at > now() THEN value END AS value
"""
OLD_CHECKIN = f"""
UPDATE bot_sessions SET value = $4,
    expires_at = coalesce(now() + make_interval(secs => $3), 'infinity'), {OLD_FREE}
WHERE key = $1 AND fence = $2
"""
COLUMNS = "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('bot_sessions') AND {}"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres()) as server:
        yield server


@pytest.fixture(scope="module")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    with running(PgBouncer(postgres)) as server:
        yield server


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """A connection of another program."""
    connection = await driver("asyncpg", "asyncpg").connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def url(postgres: Postgres) -> str:
    """A database without the table."""
    async with connected(postgres.url) as connection:
        await connection.execute("DROP TABLE IF EXISTS bot_sessions")
    return postgres.url


@pytest.fixture
async def old_url(url: str) -> str:
    """A database with a table of the release before this one, and records in it."""
    async with connected(url) as connection:
        await connection.execute(OLD_TABLE)
        for number in range(10):
            await connection.execute(OLD_WRITE, f"{number}_1", f'{{"n":{number}}}', None)
    return url


async def works(storage: PostgresSessionStorage) -> None:
    """Expect the records of the old table, and moments in new ones."""
    assert [await storage.read(f"{n}_1") for n in range(10)] == [{"n": n} for n in range(10)]
    assert await storage.due(math.inf, 9) == []
    lease = await storage.checkout("7_1", holder="Ann", lease_for=30)
    await storage.checkin(lease, {"n": 7, "wake_at": 70})
    assert await storage.add("new", {"wake_at": 5})
    assert await storage.due(math.inf, 9) == [Due(5, "new"), Due(70, "7_1")]


async def test_a_table_of_the_release_before_is_taken_with_all_that_is_in_it(old_url: str) -> None:
    storage = PostgresSessionStorage(old_url)
    await works(storage)
    await storage.close()


async def test_it_is_taken_through_a_pooler(old_url: str, pgbouncer: PgBouncer) -> None:
    storage = PostgresSessionStorage(pgbouncer.url)
    await works(storage)
    await storage.close()


@pytest.mark.parametrize("there", ["an old table", "no table"])
async def test_replicas_that_start_at_once_do_not_disturb_each_other(url: str, there: str) -> None:
    async with connected(url) as connection:
        if there == "an old table":
            await connection.execute(OLD_TABLE)
    stores = [PostgresSessionStorage(url) for _ in range(8)]
    assert await asyncio.gather(*(store.due(math.inf, 9) for store in stores)) == [[]] * 8
    writes = (store.write(f"{n}_1", {"wake_at": n}) for n, store in enumerate(stores))
    await asyncio.gather(*writes)
    assert await stores[0].due(math.inf, 99) == [Due(n, f"{n}_1") for n in range(8)]
    await asyncio.gather(*(store.close() for store in stores))


async def test_replicas_of_the_release_before_go_on_beside_the_new_ones(old_url: str) -> None:
    async with connected(old_url) as older:
        # What the driver has prepared outlives the change of the table.
        read, write, checkout, checkin = [
            await older.prepare(sql) for sql in (OLD_READ, OLD_WRITE, OLD_CHECKOUT, OLD_CHECKIN)
        ]
        assert await read.fetchval("3_1") == '{"n":3}'
        storage = PostgresSessionStorage(old_url)
        await works(storage)

        found = await checkout.fetchval("7_1", "older", 1, 30.0)
        assert '"wake_at":70' in found
        # It keeps what it does not know of a record.
        await checkin.fetch("7_1", 1, None, found.replace('"n":7', '"n":77'))
        await write.fetch("3_1", '{"n":33}', None)
        await write.fetch("other", '{"n":1}', None)
        assert await storage.read("7_1") == {"n": 77, "wake_at": 70}
        assert await storage.read("3_1") == {"n": 33}
        assert await storage.due(math.inf, 9) == [Due(5, "new"), Due(70, "7_1")]
        await storage.close()


async def test_a_record_that_an_older_replica_has_emptied_is_set_right_by_a_write(
    old_url: str,
) -> None:
    async with connected(old_url) as older:
        storage = PostgresSessionStorage(old_url)
        await storage.write("1_1", {"wake_at": 1})
        await older.execute(OLD_WRITE, "1_1", '{"n":1}', None)
        lease = await storage.checkout("1_1", holder="Ann", lease_for=30)
        assert lease.value == {"n": 1}
        await storage.checkin(lease, lease.value)
        assert await storage.due(math.inf, 9) == []
        await storage.close()


async def test_who_holds_the_table_delays_the_upgrade_and_nobody_else_for_long(
    old_url: str,
) -> None:
    storage = PostgresSessionStorage(old_url)
    async with connected(old_url) as dump, connected(old_url) as older:
        async with dump.transaction():
            await dump.execute("SELECT FROM bot_sessions LIMIT 1")
            with pytest.raises(StorageUnavailable, match="lock timeout"):
                await storage.read("1_1")
            assert await older.fetchval(OLD_READ, "1_1", timeout=30) == '{"n":1}'
        await works_again(storage)
    await works(storage)
    await storage.close()


@asynccontextmanager
async def modest_user(url: str) -> AsyncIterator[str]:
    """The URL of a user who may use the table and create nothing."""
    async with connected(url) as connection:
        await connection.execute("DROP ROLE IF EXISTS modest; CREATE ROLE modest LOGIN")
        await connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bot_sessions TO modest")
        try:
            yield url.replace("postgres@", "modest@")
        finally:
            await connection.execute("DROP OWNED BY modest; DROP ROLE modest")


async def test_a_user_who_may_not_change_the_table_is_told_who_may(old_url: str) -> None:
    async with modest_user(old_url) as url:
        storage = PostgresSessionStorage(url)
        with pytest.raises(StorageUnavailable) as failure:
            await storage.read("1_1")
        _, _, advice = failure.value.reason.partition("Let the owner of the table run: ")
        async with connected(old_url) as owner:
            await owner.execute(advice)
        await works(storage)
        await storage.close()


async def test_without_the_index_a_user_who_may_not_create_it_goes_on(
    old_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with connected(old_url) as owner:
        await owner.execute("ALTER TABLE bot_sessions ADD COLUMN wake_at double precision")
    async with modest_user(old_url) as url:
        storage = PostgresSessionStorage(url)
        await works(storage)
        await storage.close()
    assert "must be owner of" in caplog.text
    assert "CREATE INDEX IF NOT EXISTS bot_sessions_waking" in caplog.text


@pytest.mark.parametrize("plan", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("arguments", ["1e9, 100, 'bots:', 1", "1e9, 100, 'bots:7:', 0"])
async def test_what_is_due_is_found_by_the_index(url: str, plan: str, arguments: str) -> None:
    storage = PostgresSessionStorage(url)
    await storage.has("1_1")
    await storage.close()
    async with connected(url) as connection:
        await connection.execute(
            "INSERT INTO bot_sessions (key, value, expires_at, wake_at)"
            " SELECT i || '_' || i, '{}', 'infinity', CASE WHEN i % 10 = 0 THEN i END"
            " FROM generate_series(1, 20000) AS i; ANALYZE bot_sessions"
        )
        await connection.execute(f"SET plan_cache_mode = {plan}")
        await connection.execute(f"PREPARE due AS {postgres_store._DUE}")
        rows = await connection.fetch(f"EXPLAIN EXECUTE due({arguments})")
    text = "\n".join(row[0] for row in rows)
    assert re.search("Index (Only )?Scan using bot_sessions_waking", text)
    assert "Sort" not in text


async def test_what_is_due_survives_a_kill_of_the_server(postgres: Postgres, url: str) -> None:
    storage = PostgresSessionStorage(url, patience=3.0)
    wanted = {}

    async def move(task: int) -> None:
        for number in range(10**9):
            lease = await storage.checkout(f"{task}_1", holder="Ann", lease_for=600)
            moment = {"wake_at": number} if (number + task) % 3 else {}
            await storage.checkin(lease, {"n": number, **moment})
            acknowledged[f"{task}_1"] = number

    acknowledged: dict[str, int] = {}
    moving = [asyncio.create_task(move(task)) for task in range(10)]
    while len(acknowledged) < 10 or min(acknowledged.values()) < 10:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    postgres.kill()
    try:
        outcomes = await asyncio.gather(*moving, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 10
    finally:
        postgres.start()
    await works_again(storage)
    for key, number in acknowledged.items():
        value = await storage.read(key)
        assert value is not None
        assert value["n"] >= number
        if "wake_at" in value:
            wanted[key] = value["wake_at"]
    assert await storage.due(math.inf, 99) == sorted(Due(at, key) for key, at in wanted.items())
    assert wanted
    await storage.close()
