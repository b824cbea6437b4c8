"""What is due in Redis agrees with the records, whatever ends in the middle of whatever."""

from __future__ import annotations

import asyncio
import math
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from toolkit.errors import SessionConflict
from toolkit.harness.conformance import all_keys, until_absent
from toolkit.storage.base import Due
from toolkit.storage.record import wake_at
from toolkit.storage.redis import RedisSessionStorage

from . import redis_disturbing
from .servers import running
from .servers.redis import Cluster, Redis, ask
from .test_redis import cluster, redis  # noqa: F401 - fixtures


async def expect_what_the_records_say(storage: RedisSessionStorage) -> None:
    """Compare what is due with the records."""
    for prefix in ("", redis_disturbing.BOT):
        async with asyncio.timeout(30):
            due = await storage.due(math.inf, 1_000, prefix=prefix)
        values = {
            key: wake_at(await storage.read(key) or {})
            for key in await all_keys(storage, prefix)
            if prefix or not key.startswith("bots:")
        }
        assert {key: at for at, key in due} == {k: at for k, at in values.items() if at is not None}
        assert [at for at, _ in due] == sorted(at for at, _ in due)


async def kill_in_the_middle(to: str, seed: int) -> None:
    """Start two processes that write at random, and kill them one after the other."""
    command = [sys.executable, redis_disturbing.__file__, to]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        processes = []
        for name in (f"{seed}-1", f"{seed}-2"):
            process = subprocess.Popen(  # noqa: ASYNC220 - begins at once
                [*command, name], env=environment, stdout=subprocess.PIPE, text=True
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        for process in processes:
            assert process.stdout is not None
            assert await asyncio.to_thread(process.stdout.readline) == "begins\n"
        for process in processes:
            await asyncio.sleep(random.uniform(0.05, 0.4))  # noqa: S311 - no secret
            process.kill()


@pytest.mark.parametrize("place", ["redis", "cluster"])
async def test_what_is_due_agrees_with_the_records_whoever_was_killed(
    place: str, request: pytest.FixtureRequest
) -> None:
    server: Redis | Cluster = request.getfixturevalue(place)
    storage = RedisSessionStorage(server.url)
    for seed in range(3):
        await kill_in_the_middle(server.url, seed)
        await expect_what_the_records_say(storage)
    await storage.close()


async def test_what_is_due_agrees_with_the_records_after_kills_of_the_server() -> None:
    with running(Redis()) as server:
        storage = RedisSessionStorage(server.url)
        for seed in range(5):
            names = [f"{seed}-{number}" for number in range(20)]
            tasks = [asyncio.create_task(redis_disturbing.disturb(storage, name)) for name in names]
            await asyncio.sleep(random.uniform(0.1, 0.4))  # noqa: S311 - no secret
            server.kill()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await storage.close()
            server.start()
            storage = RedisSessionStorage(server.url)
            scores = ask(server.port, "zrange", "wake{:}", "0", "-1", "withscores").splitlines()
            await expect_what_the_records_say(storage)
            due = await storage.due(math.inf, 1_000)
            # On one server nothing has to be put right.
            assert scores[::2] == [f"session{{:{key}}}" for _, key in due]
            assert [float(score) for score in scores[1::2]] == [at for at, _ in due]
        await storage.close()


async def test_a_record_that_has_expired_leaves_the_set(redis: Redis) -> None:  # noqa: F811
    ask(redis.port, "flushall")
    storage = RedisSessionStorage(redis.url)
    await asyncio.gather(
        *(storage.write(f"{n}", {"wake_at": n}, expires_in=0.05) for n in range(30)),
        storage.write("stays", {"wake_at": 99}),
    )
    for number in range(30):
        await until_absent(storage, f"{number}")
    assert await storage.due(math.inf, 4) == [Due(99, "stays")]
    assert ask(redis.port, "zcard", "wake{:}") == "1"
    await storage.close()


# A cluster


@pytest.fixture
async def storage(cluster: Cluster) -> AsyncIterator[RedisSessionStorage]:  # noqa: F811
    for node in cluster.nodes:
        ask(node.port, "flushall")
    storage = RedisSessionStorage(cluster.url)
    yield storage
    await storage.close()


async def test_only_what_comes_earlier_costs_a_cluster_another_call(
    cluster: Cluster,  # noqa: F811
    storage: RedisSessionStorage,
) -> None:
    def calls() -> int:
        """Scripts that were called, which is all that an update consists of."""
        lines = "\n".join(ask(node.port, "info", "commandstats") for node in cluster.nodes)
        found = [line for line in lines.splitlines() if line.startswith("cmdstat_eval:")]
        return sum(int(line.split("calls=")[1].split(",")[0]) for line in found)

    costs = []
    for at in (None, 50.0, 50.0, 60.0, 40.0, None):
        before = calls()
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.checkin(lease, {} if at is None else {"wake_at": at})
        costs.append(calls() - before)
    assert costs == [2, 3, 2, 2, 3, 2]
    before = calls()
    await storage.write("3_4", {})
    assert calls() - before == 1
    await storage.write("3_4", {"wake_at": 50.0})
    assert calls() - before == 4


async def test_a_commit_under_way_keeps_its_moment_and_a_lost_one_leaves_none(
    storage: RedisSessionStorage,
) -> None:
    index: Any = storage._index
    lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
    await index.lower("1_2", 5.0)
    assert await storage.due(math.inf, 9) == []
    await storage.checkin(lease, {"wake_at": 7.0})
    assert await storage.due(math.inf, 9) == [Due(7.0, "1_2")]
    lost = await storage.checkout("1_2", holder="Ann", lease_for=0.05)
    await index.lower("1_2", 5.0)
    async with asyncio.timeout(30):
        while await storage._run("EXISTS", "lease{:1_2}"):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    assert await storage.due(math.inf, 9) == [Due(7.0, "1_2")]
    with pytest.raises(SessionConflict):
        await storage.checkin(lost, {"wake_at": 5.0})
    assert await storage.due(math.inf, 9) == [Due(7.0, "1_2")]


def then(method: Any, action: Callable[[], Awaitable[object]]) -> Any:
    """Return a method after which something happens once."""

    async def both(*arguments: Any, **options: Any) -> Any:
        nonlocal action
        answer = await method(*arguments, **options)
        now, action = action, _nothing
        await now()
        return answer

    return both


async def _nothing() -> None:
    pass


async def test_a_write_in_the_middle_of_a_correction_keeps_its_moment(
    storage: RedisSessionStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.write("1_2", {"wake_at": 5.0})
    await storage.write("1_2", {})
    # The record was read and is leased, the score has not moved yet.
    write = partial(storage.write, "1_2", {"wake_at": 5.0})
    monkeypatch.setattr(storage, "checkout", then(storage.checkout, write))
    for _ in range(2):
        assert await storage.due(math.inf, 9) == [Due(5.0, "1_2")]


@pytest.mark.parametrize("verb", ["write", "add"])
async def test_a_correction_in_the_middle_of_a_write_costs_no_moment(
    storage: RedisSessionStorage, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    index: Any = storage._index
    # The score is there, the record is not.
    monkeypatch.setattr(index, "lower", then(index.lower, partial(storage.due, math.inf, 9)))
    await getattr(storage, verb)("1_2", {"wake_at": 5.0})
    assert await storage.due(math.inf, 9) == [Due(5.0, "1_2")]


async def test_a_write_in_the_middle_of_a_write_is_overwritten(
    storage: RedisSessionStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    index: Any = storage._index
    add = partial(storage.add, "1_2", {"wake_at": 6.0})
    monkeypatch.setattr(index, "lower", then(index.lower, add))
    await storage.write("1_2", {"wake_at": 5.0})
    assert await storage.due(math.inf, 9) == [Due(5.0, "1_2")]
    await storage.delete("1_2")
    monkeypatch.setattr(index, "lower", then(index.lower, add))
    assert not await storage.add("1_2", {"wake_at": 5.0})
    assert await storage.due(math.inf, 9) == [Due(6.0, "1_2")]


async def test_a_broken_record_of_a_cluster_is_due_and_holds_up_nobody(
    cluster: Cluster,  # noqa: F811
    storage: RedisSessionStorage,
) -> None:
    await storage.write("1_2", {"wake_at": 5.0})
    await storage.write("3_4", {"wake_at": 6.0})
    await storage._run("SET", "session{:1_2}", '{"wake_at": 5')
    assert await storage.due(math.inf, 9) == [Due(5.0, "1_2"), Due(6.0, "3_4")]
