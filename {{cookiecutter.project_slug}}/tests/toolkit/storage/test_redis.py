"""The Redis store passes what every store passes, on one server, by Sentinel and on a cluster."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import ClassVar

import pytest

from toolkit.errors import SessionBusy, SessionConflict, SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import (
    DurableStorageConformance,
    OpenStore,
    SharedStorageConformance,
    WakingStorageConformance,
    all_keys,
    check_paging,
)
from toolkit.storage.base import UNCHANGED, Due
from toolkit.storage.redis import RedisSessionStorage

from .outages import Connect, OutageConformance
from .servers import MissingServer, missing, running
from .servers.proxy import Proxy
from .servers.redis import Cluster, Redis, Replica, Sentinel, ask
from .urls import UrlConformance


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    with running(Redis()) as server:
        yield server


@pytest.fixture
def url(redis: Redis) -> str:
    """An empty database."""
    ask(redis.port, "flushall")
    return redis.url


@pytest.fixture
async def storage(url: str) -> AsyncIterator[RedisSessionStorage]:
    storage = RedisSessionStorage(url)
    yield storage
    await storage.close()


class TestRedis(SharedStorageConformance, DurableStorageConformance, WakingStorageConformance):
    @pytest.fixture
    def open_store(self, url: str) -> OpenStore:
        return lambda: RedisSessionStorage(url)


@pytest.fixture(scope="module")
def sentinel(redis: Redis) -> Iterator[Sentinel]:
    with running(Sentinel(redis)) as sentinel:
        yield sentinel


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster())
        except MissingServer as error:
            missing(error)
        yield cluster


class TestSentinel(SharedStorageConformance, WakingStorageConformance):
    many_keys = 600
    contenders = 100

    @pytest.fixture
    def open_store(self, sentinel: Sentinel, url: str) -> OpenStore:
        return lambda: RedisSessionStorage(sentinel.url)


class TestCluster(SharedStorageConformance, DurableStorageConformance, WakingStorageConformance):
    many_keys = 600
    contenders = 100

    @pytest.fixture
    def open_store(self, cluster: Cluster) -> OpenStore:
        for node in cluster.nodes:
            ask(node.port, "flushall")
        return lambda: RedisSessionStorage(cluster.url)

    async def test_keys_live_on_every_node(self, cluster: Cluster, open_store: OpenStore) -> None:
        storage = open_store()
        await asyncio.gather(*(storage.write(f"{n}", {"n": n}) for n in range(100)))
        assert all(int(ask(node.port, "dbsize")) for node in cluster.nodes)
        await storage.close()


class TestOutages(OutageConformance):
    @pytest.fixture
    def server(self, redis: Redis, url: str) -> Redis:
        return redis

    @pytest.fixture
    def connect(self) -> Connect:
        return lambda port: RedisSessionStorage(f"redis://127.0.0.1:{port}/0", patience=1.0)


async def test_each_step_of_an_update_is_one_round_trip(redis: Redis, url: str) -> None:
    async with Proxy(redis.port) as proxy:
        storage = RedisSessionStorage(f"redis://127.0.0.1:{proxy.port}/0")

        async def update() -> list[int]:
            await storage.write("1_2", {"n": 0, "wake_at": 5})
            round_trips = [proxy.round_trips]
            lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
            round_trips.append(proxy.round_trips)
            await storage.renew(lease, lease_for=30)
            round_trips.append(proxy.round_trips)
            await storage.checkin(lease, {"n": 1, "wake_at": 4})
            round_trips.append(proxy.round_trips)
            lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
            await storage.checkin(lease, UNCHANGED)
            round_trips.append(proxy.round_trips)
            assert await storage.due(math.inf, 9) == [Due(4, "1_2")]
            round_trips.append(proxy.round_trips)
            return [count - round_trips[0] for count in round_trips]

        ask(redis.port, "script", "flush")
        assert await update() == [0, 2, 4, 6, 9, 11]
        # Now the server has every script, and only their names travel.
        assert await update() == [0, 1, 2, 3, 5, 6]
        await storage.close()


async def test_commands_of_one_tick_share_a_pipeline(redis: Redis, url: str) -> None:
    async with Proxy(redis.port) as proxy:
        storage = RedisSessionStorage(f"redis://127.0.0.1:{proxy.port}/0")
        await storage.write("first", {})
        start = proxy.round_trips
        await asyncio.gather(*(storage.write(f"{n}", {"n": n}) for n in range(100)))
        assert proxy.round_trips - start < 10
        await storage.close()


@pytest.mark.parametrize("limit", [1, 2])
async def test_the_connections_stay_within_the_limit_of_the_url(url: str, limit: int) -> None:
    storage = RedisSessionStorage(f"{url}?max_connections={limit}")

    async def write_five(number: int) -> None:
        for count in range(5):
            await storage.write(f"{number}_{number}", {"count": count})

    await asyncio.gather(*(write_five(number) for number in range(100)))
    assert await storage.read("99_99") == {"count": 4}
    await storage.close()


async def test_writes_under_way_when_the_server_dies_are_errors() -> None:
    with running(Redis()) as server:
        storage = RedisSessionStorage(server.url)
        await storage.write("0", {})
        writes = [asyncio.ensure_future(storage.add(f"{n}", {})) for n in range(1, 2_000)]
        await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        server.kill()
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        assert all(
            outcome is True or isinstance(outcome, StorageUnavailable) for outcome in outcomes
        )
        server.start()
        kept = set(await all_keys(storage))
        for number, outcome in enumerate(outcomes, 1):
            assert outcome is not True or f"{number}" in kept
        await storage.close()


async def test_a_lease_that_the_server_forgot_conflicts(
    redis: Redis, storage: RedisSessionStorage
) -> None:
    lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
    ask(redis.port, "flushall")
    with pytest.raises(SessionConflict):
        await storage.checkin(lease, {"n": 1})
    assert not await storage.has("1_2")


async def test_a_busy_record_says_for_how_long(storage: RedisSessionStorage) -> None:
    await storage.checkout("1_2", holder="Ann B.", lease_for=30)
    with pytest.raises(SessionBusy) as refusal:
        await storage.checkout("1_2", holder="Bob", lease_for=30)
    assert refusal.value.holder == "Ann B."
    assert refusal.value.remaining is not None
    assert 0 < refusal.value.remaining <= 30


async def test_a_torn_record_is_an_error_that_holds_what_was_found(
    redis: Redis, storage: RedisSessionStorage
) -> None:
    ask(redis.port, "set", "session{:1_2}", '{"n": 1')
    with pytest.raises(SessionUndecodable) as failure:
        await storage.read("1_2")
    assert (failure.value.key, failure.value.raw) == ("1_2", '{"n": 1')
    with pytest.raises(SessionUndecodable):
        await storage.checkout("1_2", holder="Ann", lease_for=30)
    await storage.delete("1_2")
    lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
    await storage.checkin(lease, {"n": 2})


async def test_a_refusing_server_says_why(redis: Redis, storage: RedisSessionStorage) -> None:
    await storage.write("1_2", {"n": 1})
    ask(redis.port, "config", "set", "maxmemory", "1")
    try:
        with pytest.raises(StorageUnavailable, match="maxmemory"):
            await storage.write("1_2", {"n": 2})
        assert await storage.read("1_2") == {"n": 1}
    finally:
        ask(redis.port, "config", "set", "maxmemory", "0")
    await storage.write("1_2", {"n": 2})


async def test_other_data_in_the_database_is_left_alone(
    redis: Redis, storage: RedisSessionStorage
) -> None:
    ask(redis.port, "set", "1_2", "something else")
    await storage.write("1_2", {"n": 1})
    await storage.delete("1_2")
    assert await all_keys(storage) == []
    assert ask(redis.port, "get", "1_2") == "something else"


@pytest.mark.slow
async def test_all_of_100_000_keys_are_read(storage: RedisSessionStorage) -> None:
    await check_paging(storage, 100_000)


async def test_an_error_shows_no_password(url: str) -> None:
    storage = RedisSessionStorage(url.replace("redis://", "redis://ann:secret@"))
    with pytest.raises(StorageUnavailable) as failure:
        await storage.read("1_2")
    assert "secret" not in str(failure.value)
    await storage.close()


async def test_a_write_waits_for_the_replicas_that_the_url_asks_for(url: str, redis: Redis) -> None:
    hasty = RedisSessionStorage(f"{url}?wait_replicas=1&wait_timeout=0.2")
    lease = await hasty.checkout("1_2", holder="Ann", lease_for=30)
    for write in (
        hasty.checkin(lease, {"n": 1}),
        hasty.write("3_4", {}),
        hasty.add("5_6", {}),
        hasty.delete("3_4"),
    ):
        with pytest.raises(StorageUnavailable, match=r"0 of 1 replicas have the write after 0.2 s"):
            await write
    assert await hasty.read("1_2") == {"n": 1}
    await hasty.close()
    storage = RedisSessionStorage(f"{url}?wait_replicas=1&wait_timeout=4")
    with running(Replica(redis)) as replica:
        await storage.write("3_4", {"n": 2})
        assert json.loads(ask(replica.port, "get", "session{:3_4}")) == {"n": 2}
        assert await storage.add("5_6", {}) is False
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        ask(redis.port, "script", "flush")
        await storage.checkin(lease, {"n": 3})
        assert json.loads(ask(replica.port, "get", "session{:1_2}")) == {"n": 3}
    await storage.close()


@pytest.mark.slow
async def test_a_planned_failover_loses_no_write_that_waited_for_a_replica() -> None:
    with running(Redis()) as master, running(Replica(master)) as replica:
        with running(Sentinel(master)) as sentinel:
            await _until(lambda: str(replica.port) in sentinel.ask("replicas"))
            storage = RedisSessionStorage(f"{sentinel.url}?wait_replicas=1&wait_timeout=1")
            done: set[str] = set()
            moved = asyncio.Event()

            async def write_on(name: int) -> None:
                count = 0
                while count < 200 or not moved.is_set():
                    key = f"{name}_{count}"
                    try:
                        await storage.write(key, {})
                    except StorageUnavailable:
                        # Without a pause the loop would turn without the servers' getting on.
                        await asyncio.sleep(0.01)
                    else:
                        done.add(key)
                        count += 1

            writers = [asyncio.ensure_future(write_on(name)) for name in range(20)]
            await _until(lambda: len(done) > 1_000)
            assert sentinel.ask("failover") == "OK"
            await _until(lambda: str(replica.port) in sentinel.ask("get-master-addr-by-name"))
            # The old master follows now, and its writers go on at the new one.
            await _until(lambda: "role:slave" in ask(master.port, "info", "replication"))
            moved.set()
            await asyncio.wait_for(asyncio.gather(*writers), 60)
            await storage.close()
        kept = {key for key in ask(replica.port, "keys", "*").splitlines() if "session" in key}
        assert not {key for key in done if f"session{{:{key}}}" not in kept}


async def test_a_server_that_is_no_longer_the_master_is_left(redis: Redis, url: str) -> None:
    with running(Replica(redis)) as replica:
        async with Proxy(replica.port) as proxy:
            storage = RedisSessionStorage(f"redis://127.0.0.1:{proxy.port}/0")
            with pytest.raises(StorageUnavailable, match="read only replica"):
                await storage.write("1_2", {})
            # A name or an address may lead to the new master now: only a new connection finds out.
            proxy.to_port = redis.port
            await storage.write("1_2", {"n": 1})
            assert json.loads(ask(redis.port, "get", "session{:1_2}")) == {"n": 1}
            await storage.close()


async def test_a_server_that_would_forget_records_is_warned_of(redis: Redis, url: str) -> None:
    storage = RedisSessionStorage(url)
    assert await storage.read_warnings() == []
    ask(redis.port, "config", "set", "maxmemory-policy", "allkeys-lru")
    try:
        assert await storage.read_warnings() == []
        ask(redis.port, "config", "set", "maxmemory", "100mb")
        (warning,) = await storage.read_warnings()
        assert "maxmemory-policy is allkeys-lru" in warning
        ask(redis.port, "acl", "setuser", "default", "-info")
        assert await storage.read_warnings() == []
    finally:
        ask(redis.port, "acl", "setuser", "default", "+@all")
        ask(redis.port, "config", "set", "maxmemory", "0")
        ask(redis.port, "config", "set", "maxmemory-policy", "noeviction")
    await storage.close()


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.02)


class TestUrls(UrlConformance):
    password = "redis"
    good = (
        "redis://h?wait_replicas=1&wait_timeout=0.5",
        "rediss://u:p@h:6380/1?ssl_ca_certs=/x&max_connections=4",
        "redis://[::1]:6379/0",
        "redis+sentinel://a,b:26380/mymaster",
        "redis+cluster://a:1,b:2",
    )
    broken: ClassVar = {
        "redis://h:x": "no number from 1 to 65535",
        "redis://h:0/0": "no number from 1 to 65535",
        "redis://:6379/0": "names no host",
        "redis:///0": "names no host",
        "redis://a,b/0": "names 1 host, and this one 2",
        "redis://h/one": "number of a database",
        "redis://h?foo=1": "unknown option 'foo'",
        "redis://h?max_connection=1": "did you mean max_connections",
        "redis://h?max_connections=many": "max_connections",
        "redis://h?ssl_ca_certs=x": "unknown option 'ssl_ca_certs'",
        "redis://h?wait_replicas=one": "wait_replicas is a number",
        "redis://h?wait_replicas=1&wait_timeout=5": "less than 5 seconds",
        "redis+cluster://h?wait_replicas=1": "min-replicas-to-write",
        "redis+cluster://h/1": "number of a database",
        "redis+cluster://h:x": "no number from 1 to 65535",
        "redis+sentinel://h:26379": "names no master",
        "redis+sentinel://h/mymaster/x": "number of a database",
    }
