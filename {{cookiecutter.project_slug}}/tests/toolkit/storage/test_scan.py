"""A store without `due` wakes in one process: by a scan, and by what this process writes."""

from __future__ import annotations

import asyncio
import logging
import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from toolkit.errors import SessionUndecodable, StorageUnavailable
from toolkit.harness.conformance import (
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    StorageConformance,
    WakingStorageConformance,
)
from toolkit.storage.base import Due, PortableSessionStorage, SharedSessionStorage
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.per_bot import BotStorage, storage_of
from toolkit.storage.scan import waking

PLAIN = ("read", "write", "delete", "has", "read_all_keys", "add", "close")
ALL = (*PLAIN, "read_entry", "checkout", "checkin", "renew")


def store_with(*verbs: str) -> Any:
    """A store that can do this, and no more."""
    memory = MemorySessionStorage()
    return SimpleNamespace(memory=memory, **{verb: getattr(memory, verb) for verb in verbs})


class TestAPlainStore(StorageConformance):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: cast(SharedSessionStorage, waking(store_with(*PLAIN)))


class TestAStoreWithLeases(
    SharedStorageConformance, PortableStorageConformance, WakingStorageConformance
):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: cast(SharedSessionStorage, waking(store_with(*ALL)))


async def test_what_was_there_is_found_by_one_scan_that_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = store_with(*PLAIN)
    await store.write("1_1", {"wake_at": 1})
    await store.write("2_2", {"wake_at": 2})
    await store.write("bots:7:3_3", {"wake_at": 3})
    await store.write("4_4", {"n": 4})
    reads = 0

    async def read(key: str) -> Any:
        nonlocal reads
        reads += 1
        if key == "4_4":
            raise SessionUndecodable(key, "it is torn", "{")
        return await store.memory.read(key)

    store.read = read
    storage = waking(store)
    caplog.set_level(logging.WARNING)

    await storage.write("2_2", {"wake_at": 5})
    assert reads == 0
    for _ in range(3):
        assert await storage.due(math.inf, 9) == [Due(1, "1_1"), Due(5, "2_2")]
        assert await storage.due(math.inf, 9, prefix="bots:7:") == [Due(3, "bots:7:3_3")]
    assert reads == 4
    assert caplog.messages == [
        "SimpleNamespace has no verb `due`: timers are found by a scan of its 4 records, and work "
        "in one process only"
    ]


async def test_what_is_written_during_the_scan_is_not_overwritten_by_it() -> None:
    store = store_with(*PLAIN)
    for key in ("1_1", "2_2", "3_3"):
        await store.write(key, {"wake_at": 1})
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read(key: str) -> Any:
        found = await store.memory.read(key)
        reading.set()
        await go_on.wait()
        return found

    store.read = read
    storage = waking(store)
    due = asyncio.ensure_future(storage.due(math.inf, 9))
    await reading.wait()
    await storage.write("1_1", {"wake_at": 7})
    await storage.delete("2_2")
    go_on.set()
    assert await due == [Due(1, "3_3"), Due(7, "1_1")]


@pytest.mark.parametrize("was_written", [True, False])
async def test_a_write_of_which_nobody_knows_is_looked_up(was_written: bool) -> None:
    store = store_with(*PLAIN)

    async def write(key: str, value: Any, **options: Any) -> None:
        if was_written:
            await store.memory.write(key, value, **options)
        raise StorageUnavailable("store", "no answer")

    storage = waking(store)
    await storage.write("1_1", {"wake_at": 1})
    assert await storage.due(math.inf, 9) == [Due(1, "1_1")]
    store.write = write
    with pytest.raises(StorageUnavailable):
        await storage.write("1_1", {"wake_at": 2})
    assert await storage.due(math.inf, 9) == [Due(1 + was_written, "1_1")]


async def test_a_scan_that_fails_goes_on_where_it_was() -> None:
    store = store_with(*PLAIN)
    for number in range(5):
        await store.write(f"{number}_1", {"wake_at": number})
    failing = True
    read_keys = []

    async def read(key: str) -> Any:
        if failing and key == "3_1":
            raise StorageUnavailable("store", "no answer")
        read_keys.append(key)
        return await store.memory.read(key)

    store.read = read
    storage = waking(store)
    with pytest.raises(StorageUnavailable):
        await storage.due(math.inf, 9)
    failing = False
    assert [key for _, key in await storage.due(math.inf, 9)] == [f"{n}_1" for n in range(5)]
    assert len(read_keys) == 5


async def test_a_bot_wakes_what_is_its_own() -> None:
    store = store_with(*PLAIN)
    one, two = storage_of(store, 1), storage_of(store, 2)
    for storage, at in ((one, 1), (two, 2)):
        assert isinstance(storage, BotStorage)
        await storage.write("1_1", {"wake_at": at})
    assert await one.due(math.inf, 9) == [Due(1, "1_1")]  # type: ignore[attr-defined]
    assert await two.due(math.inf, 9) == [Due(2, "1_1")]  # type: ignore[attr-defined]


async def test_a_store_that_has_the_verb_is_left_as_it_is() -> None:
    store = MemorySessionStorage()
    assert waking(store) is store
    storage = waking(store_with(*PLAIN))
    assert waking(storage) is storage
    assert not isinstance(storage, SharedSessionStorage)
    assert not isinstance(storage, PortableSessionStorage)
