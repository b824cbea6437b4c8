"""Bots that share a store: each has all its verbs, and nothing of the others."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.errors import StorageUnavailable
from toolkit.harness.conformance import (
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    StorageConformance,
    all_keys,
)
from toolkit.harness.storage import PersistentStorage
from toolkit.storage.base import OWNER, PortableSessionStorage, SharedSessionStorage
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.per_bot import BotStorage, storage_of

ONE, TWO, THREE = 1001, 1002, 1003


def plain() -> Any:
    """A store that has no leases."""
    store, memory = SimpleNamespace(), MemorySessionStorage()
    for verb in ("read", "write", "delete", "has", "read_all_keys", "add", "close"):
        setattr(store, verb, getattr(memory, verb))
    return store


class TestTheFirstBot(SharedStorageConformance, PortableStorageConformance):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: BotStorage(MemorySessionStorage(), ONE)


class TestAnotherBot(SharedStorageConformance, PortableStorageConformance):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: BotStorage(MemorySessionStorage(), TWO, ONE)


class TestAStoreWithPlainVerbs(StorageConformance):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return lambda: BotStorage(plain(), TWO, ONE)


@pytest.fixture
def store() -> PersistentStorage:
    """A store that any number of processes open."""
    return PersistentStorage(MemorySessionStorage())


async def test_each_bot_has_its_own_records_and_its_processes_share_them(
    store: PersistentStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    stores = {bot: BotStorage(store, bot) for bot in (ONE, TWO, THREE)}
    for bot, storage in stores.items():
        await storage.write("1_1", {"bot": bot})
        assert await storage.add("slot:9", {"bot": bot})
    for bot in (THREE, TWO, ONE):
        again = BotStorage(store, bot)
        assert await all_keys(again) == ["1_1", "slot:9"]
        assert await all_keys(again, "slot:") == ["slot:9"]
        assert await again.read("1_1") == {"bot": bot}
        assert not await again.add("slot:9", {})
        lease = await again.checkout("1_1", holder="Ann", lease_for=30)
        await again.checkin(lease, None)
        assert await stores[bot].read("1_1") is None
    assert await store.read("slot:9") == {"bot": ONE}
    assert await all_keys(store, "bots:") == ["bots:1002:slot:9", "bots:1003:slot:9"]
    apart = "bot 1002 keeps its records in it apart, under bots:1002:…"
    assert caplog.messages.count(f"the store is that of bot 1001: {apart}") == 2


async def test_what_was_there_before_belongs_to_the_first_bot(store: PersistentStorage) -> None:
    await store.write("1_1", {"n": 1})
    one, two = BotStorage(store, ONE), BotStorage(store, TWO)
    assert await one.read("1_1") == {"n": 1}
    assert await two.read("1_1") is None
    await store.delete(OWNER)
    handed_over = BotStorage(store, TWO)
    assert await handed_over.read("1_1") == {"n": 1}


async def test_only_who_claims_the_plain_keys_gets_them(store: PersistentStorage) -> None:
    looking, using = BotStorage(store, ONE, claims=False), BotStorage(store, TWO)
    assert await all_keys(looking) == []
    await using.write("1_1", {"n": 2})
    assert await using.store.read(OWNER) == {"bot": TWO}
    assert await BotStorage(store, ONE, claims=False).read("1_1") is None


@pytest.mark.parametrize("record", [{"bot": "many"}, {}])
async def test_where_it_is_not_known_whose_the_keys_are_nothing_is_read(record: Any) -> None:
    store = MemorySessionStorage()
    await store.write(OWNER, record)
    storage = BotStorage(store, ONE)
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match=r"bots:owner: it says which bot .* delete it"):
            await storage.read("1_1")
    await store.delete(OWNER)
    assert await storage.read("1_1") is None


async def test_what_a_store_cannot_do_no_part_of_it_can() -> None:
    store = plain()
    storage = BotStorage(store, TWO, ONE)
    assert not isinstance(storage, SharedSessionStorage)
    assert not isinstance(storage, PortableSessionStorage)
    assert await storage_of(storage, ONE).read(OWNER) == {"bot": ONE}


async def test_a_store_in_memory_is_the_first_bots_as_it_is() -> None:
    store = MemorySessionStorage()
    one, two = storage_of(store, ONE), storage_of(store, TWO)
    assert one is store
    await one.write("1_1", {"n": 1})
    await two.write("1_1", {"n": 2})
    assert await one.read("1_1") == {"n": 1}
    assert await all_keys(two) == ["1_1"]
