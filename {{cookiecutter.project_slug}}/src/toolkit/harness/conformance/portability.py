"""Tests of a store that tells how long its records have left."""

from __future__ import annotations

from toolkit.harness.conformance.helpers import until_absent
from toolkit.storage.base import Entry, PortableSessionStorage, SessionStorage


class PortableStorageConformance:
    """What a store adds that tells how long its records have left."""

    async def test_it_has_the_verb(self, storage: SessionStorage) -> None:
        assert isinstance(storage, PortableSessionStorage)

    async def test_an_entry_is_the_value_and_the_seconds_that_it_has_left(
        self, storage: PortableSessionStorage
    ) -> None:
        await storage.write("written", {"n": 1}, expires_in=600)
        await storage.add("added", {"n": 2}, expires_in=0.5)
        for key, n, most in (("written", 1, 600), ("added", 2, 0.5)):
            entry = await storage.read_entry(key)
            # Servers may round up.
            assert entry is not None
            assert entry.value == {"n": n}
            assert entry.expires_in is not None
            assert 0 < entry.expires_in <= most + 0.01

    async def test_an_entry_that_stays_has_no_end(self, storage: PortableSessionStorage) -> None:
        await storage.write("1_2", {}, expires_in=600)
        await storage.write("1_2", {"n": 1})
        assert await storage.read_entry("1_2") == Entry({"n": 1}, None)

    async def test_an_absent_record_has_no_entry(self, storage: PortableSessionStorage) -> None:
        assert await storage.read_entry("1_2") is None
        await storage.write("1_2", {}, expires_in=0.05)
        await until_absent(storage, "1_2")
        assert await storage.read_entry("1_2") is None

    async def test_an_entry_shares_nothing_with_the_store(
        self, storage: PortableSessionStorage
    ) -> None:
        await storage.write("1_2", {"cart": [1]})
        entry = await storage.read_entry("1_2")
        assert entry is not None
        entry.value["cart"].append(2)
        assert await storage.read("1_2") == {"cart": [1]}
