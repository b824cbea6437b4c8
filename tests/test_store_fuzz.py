"""Stores behind a proxy that stalls, cuts and resets connections at any byte of either direction.

STORE_FUZZ_ROUNDS says how many troubles each store meets; 10,000 take a store an hour or more.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Literal

import pytest

from tests.stores import SERVERS, Blow, Proxy, running
from toolkit import StorageError
from toolkit.storage.base import UNCHANGED, Due, WakingSessionStorage
from toolkit.storage.mongodb import MongoSessionStorage
from toolkit.storage.postgres import PostgresSessionStorage
from toolkit.storage.redis import RedisSessionStorage

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("STORE_FUZZ_ROUNDS", "60"))
PATIENCE = 1.0
MANY = 200
"""Tries after which something is wrong, however slow the machine is."""
STORES: dict[str, tuple[Callable[..., Any], str]] = {
    "redis": (RedisSessionStorage, "redis://127.0.0.1:{}/0"),
    "postgres": (PostgresSessionStorage, "postgresql://postgres@127.0.0.1:{}/postgres"),
    # Else the driver asks the server where it is, and goes there past the proxy.
    "mongodb": (MongoSessionStorage, "mongodb://127.0.0.1:{}/bot?directConnection=true"),
}
THERE = {"n": 0, "wake_at": 0}
"""A record that nobody changes."""
OF_ASYNCPG = "unexpected connection_lost() call"
"""What asyncpg leaves behind where it is given up in the moment in which it has connected."""
LEASE = 2.0
"""Seconds for which a lease lasts whose taking nobody has heard of."""


class Client:
    """Uses a store, whatever comes: only a StorageError may come, and then it asks again."""

    def __init__(self, storage: Any) -> None:
        self.storage = storage
        self.failures: Counter[str] = Counter()

    async def insist(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do `work` until it does not fail, at growing intervals."""
        for attempt in range(MANY):
            try:
                return await work()
            except StorageError as error:
                self.failures[type(error).__name__] += 1
                last = error
                await asyncio.sleep(min(0.01 * 2.0**attempt, 0.5))
        raise AssertionError(f"it does not end: {last!r}") from last

    async def count(self, key: str, name: str, number: int) -> None:
        """Add one to a counter, as `name` does for the `number`th time.

        Who has not heard whether it was written looks again, as an update does that comes again.
        """

        async def attempt() -> None:
            lease = await self.storage.checkout(key, holder=name, lease_for=LEASE)
            value = lease.value or {"n": 0, "by": {}}
            if value["by"].get(name) == number:
                await self.storage.checkin(lease, UNCHANGED)
                return
            await self.storage.renew(lease, lease_for=LEASE)
            by = {**value["by"], name: number}
            n = value["n"] + 1
            await self.storage.checkin(lease, {"n": n, "by": by, "wake_at": n})

        await self.insist(attempt)

    async def claim(self, key: str, name: str) -> bool:
        """Tell whether `name` has got the key."""

        async def attempt() -> bool:
            got: bool = await self.storage.add(key, {"by": name}, expires_in=3600)
            return got or bool((await self.storage.read(key))["by"] == name)

        found: bool = await self.insist(attempt)
        return found

    async def look(self, key: str) -> None:
        """See a record that is there with every verb that reads, and write and delete another."""

        async def attempt() -> None:
            assert await self.storage.read(key) == THERE
            assert await self.storage.has(key)
            assert (await self.storage.read_entry(key)).value == THERE
            if isinstance(self.storage, WakingSessionStorage):
                assert await self.storage.due(0, 9) == [Due(0, key)]
            keys = [found async for found in self.storage.read_all_keys("there")]
            assert keys == [key]
            await self.storage.write("gone", {"text": "x" * 300})
            await self.storage.delete("gone")

        await self.insist(attempt)


@contextlib.asynccontextmanager
async def no_stray_errors() -> AsyncIterator[None]:
    """Let nothing go wrong behind the back of those who wait: 'exception was never retrieved'."""
    strays: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: strays.append(context))
    try:
        yield
        gc.collect()
        await asyncio.sleep(0)
        assert [each for each in strays if str(each.get("exception")) != OF_ASYNCPG] == []
    finally:
        loop.set_exception_handler(None)


def _blow(chance: random.Random) -> Blow:
    kind: Literal["stall", "cut", "reset"] = chance.choice(["stall", "cut", "reset"])
    after = int(2 ** chance.uniform(0, 12)) - 1
    return Blow(kind, after, chance.random() < 0.5)


@pytest.mark.timeout(300 + ROUNDS * 2)
@pytest.mark.parametrize("store", STORES)
async def test_trouble_at_any_byte_is_a_storage_error_and_every_counter_is_exact(
    store: str,
) -> None:
    seed = os.environ.get("STORE_FUZZ_SEED", store)
    chance = random.Random(seed)  # noqa: S311 - no secret
    make, url = STORES[store]
    dealt = 0
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(running(SERVERS[store]()))
        proxy = await stack.enter_async_context(Proxy(server.port))
        direct = make(url.format(server.port), patience=20.0)
        await direct.write("there", THERE)
        await stack.enter_async_context(no_stray_errors())
        client = Client(make(url.format(proxy.port), patience=PATIENCE))
        for number in range(1, ROUNDS + 1):
            proxy.blow = _blow(chance)
            async with asyncio.timeout(600):
                *_, one, other = await asyncio.gather(
                    client.look("there"),
                    client.count("counter:1", "Ann", number),
                    client.count("counter:1", "Bob", number),
                    client.count("counter:2", "Cid", number),
                    client.claim(f"slot:{number}", "Ann"),
                    client.claim(f"slot:{number}", "Bob"),
                )
                await client.insist(partial(client.storage.delete, f"slot:{number}"))
            assert one != other, number
            dealt += proxy.blow is None
            if chance.random() < 0.02:
                with contextlib.suppress(StorageError):
                    await client.storage.close()
                client.storage = make(url.format(proxy.port), patience=PATIENCE)
        proxy.blow = None
        await client.storage.close()
        found = [await direct.read(f"counter:{n}") for n in (1, 2)]
        if isinstance(direct, WakingSessionStorage):
            due = [Due(0, "there"), Due(ROUNDS, "counter:2"), Due(2 * ROUNDS, "counter:1")]
            assert await direct.due(math.inf, 9) == due
        await direct.close()
    print(f"{store}: {ROUNDS} rounds, {dealt} blows, {dict(client.failures)}")  # noqa: T201
    assert [record["n"] for record in found] == [2 * ROUNDS, ROUNDS]
    assert dealt > ROUNDS / 10
