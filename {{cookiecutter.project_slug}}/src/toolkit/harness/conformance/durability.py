"""Tests of a store that keeps its records when it is closed."""

from __future__ import annotations

import asyncio

import pytest

from toolkit.errors import SessionBusy, SessionConflict
from toolkit.harness.conformance.helpers import (
    OpenStore,
    all_keys,
    checkout,
    count_up,
    until_absent,
)


class DurableStorageConformance:
    """What a store promises that keeps its records when it is closed."""

    async def test_records_survive_a_restart(self, open_store: OpenStore) -> None:
        storage = open_store()
        await storage.write("1_2", {"n": 1})
        await storage.write("3_4", {"n": 2}, expires_in=600)
        await storage.write("5_6", {"n": 3}, expires_in=0.05)
        await storage.close()
        storage = open_store()
        await until_absent(storage, "5_6")
        assert await storage.read("1_2") == {"n": 1}
        assert await all_keys(storage) == ["1_2", "3_4"]
        await storage.close()

    async def test_two_stores_see_each_other(self, open_store: OpenStore) -> None:
        here, there = open_store(), open_store()
        await here.write("1_2", {"n": 1})
        assert await there.read("1_2") == {"n": 1}
        await there.delete("1_2")
        assert not await here.has("1_2")
        added = await asyncio.gather(*(store.add("slot", {}) for store in (here, there) * 20))
        assert added.count(True) == 1
        await here.close()
        await there.close()

    async def test_of_two_stores_that_change_one_record_one_is_refused(
        self, open_store: OpenStore
    ) -> None:
        here, there = open_store(), open_store()
        await here.write("1_2", {"n": 0})
        lease = await checkout(here, "here")
        try:
            other = await checkout(there, "there")
        except SessionBusy:
            await here.checkin(lease, {"n": "here"})
        else:
            await there.checkin(other, {"n": "there"})
            with pytest.raises(SessionConflict):
                await here.checkin(lease, {"n": "here"})
        assert await here.read("1_2") in ({"n": "here"}, {"n": "there"})
        assert await here.read("1_2") == await there.read("1_2")
        await here.close()
        await there.close()

    async def test_many_stores_may_open_new_data_at_once(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(8)]
        added = await asyncio.gather(*(store.add("slot", {}) for store in stores))
        assert added.count(True) == 1
        await asyncio.gather(*(store.close() for store in stores))

    async def test_nobody_loses_a_count_through_several_stores(self, open_store: OpenStore) -> None:
        stores = [open_store() for _ in range(3)]

        async def count(number: int) -> None:
            try:
                await count_up(stores[number % len(stores)], f"task {number}")
            except SessionConflict:
                await count(number)

        async with asyncio.timeout(60):
            await asyncio.gather(*(count(number) for number in range(21)))
        assert await stores[0].read("1_2") == {"n": 21}
        await asyncio.gather(*(store.close() for store in stores))
