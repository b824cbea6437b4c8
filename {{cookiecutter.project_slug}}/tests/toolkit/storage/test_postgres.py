"""The PostgreSQL store passes what every store passes, directly and through a pooler."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from aiogram.types import Message

from toolkit import create_bot
from toolkit.errors import SessionBusy, SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import (
    DurableStorageConformance,
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    WakingStorageConformance,
    all_keys,
    until_absent,
)
from toolkit.storage.base import UNCHANGED
from toolkit.storage.connection import driver
from toolkit.storage.postgres import PostgresSessionStorage

from .outages import Connect, OutageConformance
from .servers import running
from .servers.postgres import PgBouncer, Postgres
from .servers.proxy import Proxy
from .urls import UrlConformance


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running(Postgres()) as server:
        yield server


@pytest.fixture(scope="module")
def pgbouncer(postgres: Postgres) -> Iterator[PgBouncer]:
    with running(PgBouncer(postgres)) as server:
        yield server


async def execute(url: str, sql: str, *parameters: Any) -> Any:
    """Run SQL as another program would; return the first column of the first row."""
    connection = await driver("asyncpg", "asyncpg").connect(url, statement_cache_size=0)
    try:
        return await connection.fetchval(sql, *parameters)
    finally:
        await connection.close()


@pytest.fixture
async def own_url(postgres: Postgres) -> str:
    """A database of our own, without the table."""
    await execute(postgres.url, "DROP TABLE IF EXISTS bot_sessions")
    return postgres.url


@pytest.fixture(scope="module")
def any_url(request: pytest.FixtureRequest) -> str:
    """The database that TEST_POSTGRES_URL names, or one of our own."""
    url = os.environ.get("TEST_POSTGRES_URL")
    return url or str(request.getfixturevalue("postgres").url)


@pytest.fixture
async def url(any_url: str) -> str:
    """A database without the table."""
    await execute(any_url, "DROP TABLE IF EXISTS bot_sessions")
    return any_url


class TestPostgres(
    SharedStorageConformance,
    DurableStorageConformance,
    PortableStorageConformance,
    WakingStorageConformance,
):
    @pytest.fixture
    def open_store(self, url: str) -> OpenStore:
        return lambda: PostgresSessionStorage(url, patience=30.0)


class TestPgBouncer(
    SharedStorageConformance,
    DurableStorageConformance,
    PortableStorageConformance,
    WakingStorageConformance,
):
    @pytest.fixture
    def open_store(self, own_url: str, pgbouncer: PgBouncer) -> OpenStore:
        return lambda: PostgresSessionStorage(pgbouncer.url, patience=30.0)


def at(url: str, port: int) -> str:
    """The URL with another port, and with a password."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}:secret@127.0.0.1:{port}").geturl()


class TestOutages(OutageConformance):
    @pytest.fixture
    def server(self, postgres: Postgres, own_url: str) -> Postgres:
        return postgres

    @pytest.fixture
    def connect(self, postgres: Postgres) -> Connect:
        return lambda port: PostgresSessionStorage(at(postgres.url, port), patience=3.0)


class TestOutagesOfThePooler(TestOutages):
    @pytest.fixture
    def server(self, pgbouncer: PgBouncer, own_url: str) -> PgBouncer:
        return pgbouncer


# What it costs


@dataclass
class Visits:
    """The session of the bot below."""

    count: int = 0


async def test_each_verb_is_one_round_trip(own_url: str) -> None:
    async with Proxy(urlsplit(own_url).port or 0) as proxy:
        storage = PostgresSessionStorage(at(own_url, proxy.port))

        async def leases() -> None:
            for value in ({"n": 1}, UNCHANGED, None, UNCHANGED):
                lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
                await storage.renew(lease, lease_for=30)
                await storage.checkin(lease, value)

        async def verbs() -> None:
            assert await storage.add("1_2", {})
            await storage.write("1_2", {"n": 1}, expires_in=60)
            await storage.read("1_2")
            await storage.has("1_2")
            await storage.due(1e9, 100)
            await storage.delete("1_2")

        for work, calls in ((leases, 12), (verbs, 6)):
            await work()
            before = proxy.round_trips
            await work()
            assert proxy.round_trips - before == calls
        await storage.close()


async def test_a_busy_record_is_told_in_one_round_trip(own_url: str) -> None:
    async with Proxy(urlsplit(own_url).port or 0) as proxy:
        storage = PostgresSessionStorage(at(own_url, proxy.port))
        await storage.checkout("1_2", holder="Ann", lease_for=30)
        before = proxy.round_trips
        with pytest.raises(SessionBusy) as busy:
            await storage.checkout("1_2", holder="Bob", lease_for=30)
        assert proxy.round_trips - before == 1
        assert busy.value.remaining is not None
        assert 0 < busy.value.remaining <= 30
        await storage.close()


async def test_an_update_costs_two_round_trips(own_url: str, talk_to: Callable[[Any], Any]) -> None:
    async with Proxy(urlsplit(own_url).port or 0) as proxy:
        storage = PostgresSessionStorage(at(own_url, proxy.port))
        app = create_bot("42:fake", initial=Visits, storage=storage)

        @app.message()
        async def visit(message: Message, session: Visits) -> None:
            session.count += message.text != "look"

        talk = talk_to(app)
        await talk.say("hello")
        await talk.say("look")
        before = proxy.round_trips
        for text in ("hello", "look") * 5:
            await talk.say(text)
        assert proxy.round_trips - before == 2 * 10
        assert (await talk.record())["session"]["count"] == 6


# What it leaves


async def test_a_statement_that_was_given_up_is_not_carried_out_later(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url, patience=1.0)
    await storage.write("1_2", {"n": 1})
    other = await driver("asyncpg", "asyncpg").connect(own_url)
    async with other.transaction():
        await other.execute("SELECT FROM bot_sessions WHERE key = '1_2' FOR UPDATE")
        with pytest.raises(StorageUnavailable):
            await storage.write("1_2", {"n": 2})
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(30):
            while await execute(own_url, waiting):  # noqa: ASYNC110 - a server raises no event
                await asyncio.sleep(0.05)
    await other.close()
    assert await storage.read("1_2") == {"n": 1}
    await storage.close()


async def test_limits_that_somebody_has_set_are_left_alone(own_url: str) -> None:
    storage = PostgresSessionStorage(f"{own_url}?statement_timeout=7000")
    await storage.read("1_2")
    names = ("statement_timeout", "tcp_keepalives_idle")
    found = [(await storage._fetch(f"SHOW {name}"))[0][0] for name in names]
    assert found == ["7s", "20"]
    await storage.close()


async def test_expired_records_that_nobody_asks_for_are_deleted(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url)
    for number in range(100):
        await storage.write(f"old {number}", {}, expires_in=0.01)
    await until_absent(storage, "old 99")
    for number in range(60):
        await storage.write(f"new {number}", {}, expires_in=600)
    await storage.close()
    assert await execute(own_url, "SELECT count(*) FROM bot_sessions") < 70


async def test_the_leases_of_a_holder_that_died_are_deleted(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url)
    for number in range(20):
        await storage.checkout(f"{number}", holder="the dead", lease_for=0.01)
    await storage.write("clock", {}, expires_in=0.01)
    await until_absent(storage, "clock")
    for number in range(11):
        await storage.write("living", {"n": number}, expires_in=600)
    await storage.close()
    assert await execute(own_url, "SELECT count(*) FROM bot_sessions") == 1


async def test_a_lease_keeps_its_expired_record_from_being_deleted(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url)
    await storage.write("1_2", {"n": 1}, expires_in=0.05)
    lease = await storage.checkout("1_2", holder="Ann", lease_for=600)
    await until_absent(storage, "1_2")
    for number in range(5):
        await storage.write("other", {"n": number}, expires_in=600)
    await storage.checkin(lease, {"n": 2})
    assert await storage.read("1_2") == {"n": 2}
    await storage.close()


async def test_keys_and_values_are_readable_for_people(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url)
    await storage.write("12345_67890", {"session": {"name": "Zoë"}})
    await storage.close()
    assert await execute(own_url, "SELECT key FROM bot_sessions") == "12345_67890"
    name = "SELECT value::json -> 'session' ->> 'name' FROM bot_sessions"
    assert await execute(own_url, name) == "Zoë"


@pytest.mark.parametrize("text", ["{", "[1]", "NaN", ""])
async def test_a_record_that_is_not_json_is_undecodable(own_url: str, text: str) -> None:
    storage = PostgresSessionStorage(own_url)
    await storage.write("1_2", {})
    await execute(own_url, "UPDATE bot_sessions SET value = $1", text)
    with pytest.raises(SessionUndecodable) as error:
        await storage.read("1_2")
    assert error.value.raw == text
    with pytest.raises(SessionUndecodable):
        await storage.checkout("1_2", holder="Ann", lease_for=30)
    await storage.delete("1_2")
    assert (await storage.checkout("1_2", holder="Ann", lease_for=30)).value is None
    await storage.close()


# How it opens


async def test_a_user_who_may_create_nothing_uses_the_table_that_is_there(own_url: str) -> None:
    storage = PostgresSessionStorage(own_url)
    await storage.write("1_2", {"n": 1})
    await storage.close()
    await execute(own_url, "DROP ROLE IF EXISTS modest")
    await execute(own_url, "CREATE ROLE modest LOGIN")
    try:
        await execute(own_url, "GRANT SELECT, INSERT, UPDATE, DELETE ON bot_sessions TO modest")
        modest = PostgresSessionStorage(own_url.replace("postgres@", "modest@"))
        assert await modest.read("1_2") == {"n": 1}
        await modest.close()
    finally:
        await execute(own_url, "DROP OWNED BY modest")
        await execute(own_url, "DROP ROLE modest")


async def test_the_url_can_ask_for_tls(own_url: str) -> None:
    storage = PostgresSessionStorage(f"{own_url}?sslmode=require")
    with pytest.raises(StorageUnavailable, match="SSL"):
        await storage.read("1_2")
    await storage.close()


async def test_the_url_can_name_whom_to_trust() -> None:
    with running(Postgres(tls=True)) as server:
        url = f"{server.url}?sslmode=verify-full"
        trusting = PostgresSessionStorage(f"{url}&sslrootcert={server.certificate}", patience=30.0)
        await trusting.write("1_2", {"n": 1})
        assert await execute(url.partition("?")[0], "SELECT count(*) FROM bot_sessions") == 1
        await trusting.close()
        wary = PostgresSessionStorage(url, patience=30.0)
        with pytest.raises(StorageUnavailable, match=r"(?i)certificate"):
            await wary.read("1_2")
        await wary.close()


@pytest.mark.slow
class TestManyKeys:
    async def test_a_hundred_thousand_keys_are_read_once_each(self, own_url: str) -> None:
        storage = PostgresSessionStorage(own_url)
        await storage.has("1_2")
        await execute(
            own_url,
            "INSERT INTO bot_sessions (key, value, expires_at)"
            " SELECT i % 7 || '_' || i, '{}', 'infinity' FROM generate_series(1, 100000) AS i",
        )
        assert len(keys := await all_keys(storage)) == len(set(keys)) == 100_000
        assert len(await all_keys(storage, "3_")) == 14_286
        await storage.close()


async def test_a_password_in_the_environment_need_not_be_quoted(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = postgres.folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
    await execute(postgres.url, """CREATE ROLE guarded LOGIN PASSWORD '/@:#?%[] "$'""")
    await execute(postgres.url, "GRANT ALL ON SCHEMA public TO guarded")
    await execute(postgres.url, "DROP TABLE IF EXISTS bot_sessions")
    await execute(postgres.url, "SELECT pg_reload_conf()")
    monkeypatch.setenv("PGPASSWORD", '/@:#?%[] "$')
    storage = PostgresSessionStorage(postgres.url.replace("postgres@", "guarded@"))
    await storage.write("1_2", {"n": 1})
    assert await storage.read("1_2") == {"n": 1}
    await storage.close()
    await execute(postgres.url, "DROP OWNED BY guarded")
    await execute(postgres.url, "DROP ROLE guarded")


class TestUrls(UrlConformance):
    password = "postgresql"
    good = (
        "postgresql:///bot",
        "postgresql:///bot?host=/run/postgresql",
        "postgres://a@b:1,c:2/bot?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql://h/bot?user=ann@tenant&application_name=bot",
    )
    broken: ClassVar = {
        "postgresql://bot@h:port/bot": "no number from 1 to 65535",
        "postgresql://bot:pw@/bot": "names no host",
        "postgresql://bot@h/bot?sslmode=wrong": "sslmode in the URL is one of disable",
        "postgresql://bot@h/bot?target_session_attrs=best": "one of any, primary",
        "postgresql://bot@h/bot?channel_binding=require": "unknown option 'channel_binding'",
    }
