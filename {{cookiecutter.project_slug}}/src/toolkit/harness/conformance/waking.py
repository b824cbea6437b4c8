"""Tests of a store that finds the records that want to be woken."""

from __future__ import annotations

import asyncio
import math

from toolkit.harness.conformance.helpers import until_absent
from toolkit.storage.base import (
    UNCHANGED,
    Due,
    Lease,
    SessionStorage,
    SharedSessionStorage,
    WakingSessionStorage,
)


class WakingStorageConformance:
    """What a store adds that indexes the moments of `wake_at`."""

    async def test_it_has_the_verb_due(self, storage: SessionStorage) -> None:
        assert isinstance(storage, WakingSessionStorage)

    async def test_due_are_the_earliest_until_a_moment(self, storage: WakingSessionStorage) -> None:
        for key, at in (("3_3", 300.5), ("1_1", 100), ("2_2", 200.25)):
            await storage.write(key, {"wake_at": at})
        await storage.write("4_4", {"n": 1})
        assert await storage.due(99.9, 10) == []
        assert await storage.due(100, 10) == [Due(100, "1_1")]
        assert await storage.due(250, 10) == [Due(100, "1_1"), Due(200.25, "2_2")]
        assert await storage.due(math.inf, 2) == [Due(100, "1_1"), Due(200.25, "2_2")]
        assert await storage.due(math.inf, 9) == [
            Due(100, "1_1"),
            Due(200.25, "2_2"),
            Due(300.5, "3_3"),
        ]

    async def test_every_verb_that_writes_moves_the_moment(
        self, storage: WakingSessionStorage
    ) -> None:
        assert isinstance(storage, SharedSessionStorage)
        assert await storage.add("1_1", {"wake_at": 1})
        assert not await storage.add("1_1", {"wake_at": 7})
        assert await storage.due(math.inf, 9) == [Due(1, "1_1")]
        await storage.write("1_1", {"wake_at": 2})
        assert await storage.due(math.inf, 9) == [Due(2, "1_1")]
        lease = await _take(storage, "1_1")
        assert await storage.due(math.inf, 9) == [Due(2, "1_1")]
        await storage.checkin(lease, {"wake_at": 3})
        assert await storage.due(math.inf, 9) == [Due(3, "1_1")]
        await storage.checkin(await _take(storage, "1_1"), UNCHANGED)
        assert await storage.due(math.inf, 9) == [Due(3, "1_1")]
        await storage.checkin(await _take(storage, "1_1"), {"n": 1})
        assert await storage.due(math.inf, 9) == []
        lease = await _take(storage, "2_2")
        await storage.checkin(lease, {"wake_at": 4})
        assert await storage.due(math.inf, 9) == [Due(4, "2_2")]

    async def test_what_is_removed_or_no_longer_wants_it_is_not_due(
        self, storage: WakingSessionStorage
    ) -> None:
        assert isinstance(storage, SharedSessionStorage)
        for key in ("1_1", "2_2", "3_3", "4_4"):
            await storage.write(key, {"wake_at": 1})
        await storage.write("1_1", {"n": 1})
        await storage.delete("2_2")
        await storage.checkin(await _take(storage, "3_3"), None)
        assert await storage.due(math.inf, 9) == [Due(1, "4_4")]

    async def test_what_has_expired_is_not_due(self, storage: WakingSessionStorage) -> None:
        await storage.write("1_1", {"wake_at": 1}, expires_in=0.05)
        await storage.write("2_2", {"wake_at": 2}, expires_in=600)
        await until_absent(storage, "1_1")
        assert await storage.due(math.inf, 9) == [Due(2, "2_2")]
        assert await storage.add("1_1", {"n": 1})
        assert await storage.due(math.inf, 9) == [Due(2, "2_2")]

    async def test_a_moment_comes_back_to_the_last_digit(
        self, storage: WakingSessionStorage
    ) -> None:
        for at in (1764259200.123456, 0.1 + 0.2, 1 / 3, 253402300799.99997, -1e-7):
            await storage.write("1_1", {"wake_at": at})
            assert await storage.due(at, 9) == [Due(at, "1_1")]
            assert await storage.due(math.nextafter(at, -math.inf), 9) == []

    async def test_what_is_changed_in_a_checked_out_value_counts_once_it_is_checked_in(
        self, storage: WakingSessionStorage
    ) -> None:
        assert isinstance(storage, SharedSessionStorage)
        await storage.write("1_1", {"wake_at": 9})
        for at in (5, 7, 3):
            lease = await _take(storage, "1_1")
            assert lease.value is not None
            lease.value["wake_at"] = at
            await storage.checkin(lease, lease.value)
            assert await storage.due(at, 9) == [Due(at, "1_1")]
            assert await storage.due(math.nextafter(at, 0), 9) == []

    async def test_only_a_number_is_a_moment(self, storage: WakingSessionStorage) -> None:
        for number, other in enumerate(("soon", None, True, [1], {"at": 1})):
            await storage.write(f"{number}_1", {"wake_at": other})
            assert await storage.read(f"{number}_1") == {"wake_at": other}
        await storage.write("9_9", {"wake_at": -5})
        assert await storage.due(math.inf, 9) == [Due(-5, "9_9")]

    async def test_a_prefix_picks_a_bot(self, storage: WakingSessionStorage) -> None:
        for key in ("1_1", "bots:7:1_1", "bots:7:2_2", "bots:77:1_1"):
            await storage.write(key, {"wake_at": 1})
        assert await storage.due(math.inf, 9) == [Due(1, "1_1")]
        assert sorted(await storage.due(math.inf, 9, prefix="bots:7:")) == [
            Due(1, "bots:7:1_1"),
            Due(1, "bots:7:2_2"),
        ]

    async def test_many_are_found_in_their_order(self, storage: WakingSessionStorage) -> None:
        moments = {f"{number}_1": 1_000 + number * 7 % 300 for number in range(300)}
        writes = (storage.write(key, {"wake_at": at}) for key, at in moments.items())
        await asyncio.gather(*writes)
        found = await storage.due(1_249, 400)
        assert [at for at, _ in found] == sorted(at for at in moments.values() if at <= 1_249)
        assert {key: at for at, key in found} == {k: at for k, at in moments.items() if at <= 1_249}
        assert await storage.due(math.inf, 25) == found[:25]


async def _take(storage: SharedSessionStorage, key: str) -> Lease:
    return await storage.checkout(key, holder="test", lease_for=30.0)
