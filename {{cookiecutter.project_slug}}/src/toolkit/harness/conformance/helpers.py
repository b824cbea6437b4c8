"""Helpers of the conformance tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from toolkit.errors import SessionBusy
from toolkit.storage.base import Lease, SessionStorage, SharedSessionStorage

Store = SharedSessionStorage
"""What the tests get; those of `StorageConformance` use the plain verbs only."""

OpenStore = Callable[[], Store]
"""The type of the fixture `open_store`."""


async def until_absent(storage: SessionStorage, key: str) -> None:
    """Wait until the record has expired, a minute at most."""
    async with asyncio.timeout(60):
        while await storage.has(key):  # noqa: ASYNC110 - a store raises no event
            await asyncio.sleep(0.01)


async def all_keys(storage: SessionStorage, prefix: str = "") -> list[str]:
    """Return the keys with the prefix, sorted; a key that comes twice is there twice."""
    return sorted([key async for key in storage.read_all_keys(prefix)])


async def check_paging(storage: SessionStorage, many: int) -> None:
    """Write that many keys to an empty store, and expect to read each of them once."""
    keys = [f"{number % 7}_{number}" for number in range(many)]
    for start in range(0, many, 500):
        await asyncio.gather(
            *(storage.write(key, {"key": key}) for key in keys[start : start + 500])
        )
    assert await all_keys(storage) == sorted(keys)
    assert await all_keys(storage, "3_") == sorted(key for key in keys if key[0] == "3")


async def expect_one_winner(storage: SessionStorage, many: int) -> None:
    """Have that many tasks add one key at once, and expect that exactly one of them does."""
    added = await asyncio.gather(*(storage.add("slot", {"who": who}) for who in range(many)))
    assert added.count(True) == 1
    assert await storage.read("slot") == {"who": added.index(True)}


def every_verb(storage: SessionStorage, key: str) -> tuple[Coroutine[Any, Any, object], ...]:
    """Return a call of each verb that takes a key, to be awaited."""
    return (
        storage.read(key),
        storage.write(key, {}),
        storage.delete(key),
        storage.has(key),
        storage.add(key, {}),
    )


async def checkout(
    storage: Store, holder: str, key: str = "1_2", *, lease_for: float = 30
) -> Lease:
    """Check the record out once."""
    return await storage.checkout(key, holder=holder, lease_for=lease_for)


async def checkout_when_free(storage: Store, holder: str) -> Lease:
    """Ask again and again until the record is free, a minute at most."""
    async with asyncio.timeout(60):
        for attempt in count():
            try:
                return await checkout(storage, holder)
            except SessionBusy:
                await asyncio.sleep(0.001 * min(attempt, 20))
    raise AssertionError("unreachable")


async def count_up(storage: Store, holder: str) -> None:
    """Add one to the number in the record."""
    lease = await checkout_when_free(storage, holder)
    value = lease.value or {"n": 0}
    await storage.checkin(lease, {"n": value["n"] + 1})
