"""Tests of a store that hands a record to one holder at a time."""

from __future__ import annotations

import asyncio
import math
from typing import ClassVar

import pytest

from toolkit.errors import (
    NotSerializable,
    SessionBusy,
    SessionConflict,
    SessionTooLarge,
    StorageUnavailable,
)
from toolkit.harness.conformance.helpers import (
    OpenStore,
    Store,
    all_keys,
    checkout,
    checkout_when_free,
    count_up,
    until_absent,
)
from toolkit.harness.conformance.samples import ODD_KEYS, ODD_VALUES
from toolkit.harness.conformance.verbs import StorageConformance
from toolkit.storage.base import MAX_VALUE_BYTES, UNCHANGED, SharedSessionStorage


class SharedStorageConformance(StorageConformance):
    """What a store adds that hands a record to one holder at a time."""

    holders: ClassVar[int] = 50
    """How many tasks count in one record at once."""

    async def test_it_has_the_verbs(self, storage: Store) -> None:
        assert isinstance(storage, SharedSessionStorage)

    async def test_checkout_reads_and_checkin_writes(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        assert (lease.key, lease.holder, lease.value) == ("1_2", "Ann", None)
        assert not await storage.has("1_2")
        await storage.checkin(lease, {"n": [1]})
        lease = await checkout(storage, "Bob")
        assert lease.value == {"n": [1]}
        await storage.checkin(lease, {})
        assert await storage.read("1_2") == {}

    async def test_checkin_deletes_or_leaves_alone(self, storage: Store) -> None:
        await storage.write("1_2", {"n": 1}, expires_in=600)
        await storage.checkin(await checkout(storage, "A"), UNCHANGED)
        assert await storage.read("1_2") == {"n": 1}
        await storage.checkin(await checkout(storage, "B"), None)
        assert not await storage.has("1_2")
        await storage.checkin(await checkout(storage, "C"), None)
        await storage.checkin(await checkout(storage, "D"), UNCHANGED)
        assert await all_keys(storage) == []

    async def test_a_checked_in_record_expires_when_told(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        await storage.checkin(lease, {}, expires_in=0.05)
        await until_absent(storage, "1_2")
        lease = await checkout(storage, "Bob")
        assert lease.value is None
        await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 2}

    async def test_a_record_may_expire_while_it_is_checked_out(self, storage: Store) -> None:
        await storage.write("1_2", {"n": 1}, expires_in=0.3)
        lease = await checkout(storage, "Ann")
        assert lease.value == {"n": 1}
        await until_absent(storage, "1_2")
        await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 2}

    async def test_one_at_a_time(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        with pytest.raises(SessionBusy) as refusal:
            await checkout(storage, "Bob")
        assert (refusal.value.key, refusal.value.holder) == ("1_2", "Ann")
        await storage.checkin(await checkout(storage, "Bob", "3_4"), UNCHANGED)
        await storage.checkin(lease, UNCHANGED)
        await checkout(storage, "Bob")

    async def test_a_leased_absent_record_is_absent(self, storage: Store) -> None:
        await checkout(storage, "Ann")
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")
        assert await all_keys(storage) == []
        assert await storage.add("1_2", {"n": 1})
        assert await storage.read("1_2") == {"n": 1}

    async def test_the_same_holder_gets_a_new_lease_and_loses_the_old_one(
        self, storage: Store
    ) -> None:
        old = await checkout(storage, "Ann")
        new = await checkout(storage, "Ann")
        with pytest.raises(SessionConflict):
            await storage.checkin(old, {"n": "old"})
        await storage.checkin(new, {"n": "new"})
        assert await storage.read("1_2") == {"n": "new"}

    async def test_a_lease_ends_with_its_checkin(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        await storage.checkin(lease, {"n": 1})
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 2})
        with pytest.raises(SessionConflict):
            await storage.renew(lease, lease_for=30)
        assert await storage.read("1_2") == {"n": 1}

    async def test_a_lost_lease_conflicts_and_overwrites_nothing(self, storage: Store) -> None:
        await storage.write("1_2", {"n": 0})
        lost = await checkout(storage, "Ann", lease_for=0.05)
        taken = await checkout_when_free(storage, "Bob")
        for value in ({"n": "Ann"}, None):
            with pytest.raises(SessionConflict):
                await storage.checkin(lost, value)
        with pytest.raises(SessionConflict):
            await storage.renew(lost, lease_for=30)
        await storage.checkin(lost, UNCHANGED)
        with pytest.raises(SessionBusy):
            await checkout(storage, "Cid")
        assert taken.value == {"n": 0}
        await storage.checkin(taken, {"n": "Bob"})
        assert await storage.read("1_2") == {"n": "Bob"}

    async def test_a_renewed_lease_outlives_its_first_time(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann", lease_for=0.5)
        await storage.renew(lease, lease_for=60)
        await storage.write("clock", {}, expires_in=0.6)
        await until_absent(storage, "clock")
        with pytest.raises(SessionBusy):
            await checkout(storage, "Bob")
        await storage.checkin(lease, {"n": 1})

    async def test_a_record_changed_behind_its_lease_conflicts(self, storage: Store) -> None:
        await storage.write("1_2", {"n": 0})
        lease = await checkout(storage, "Ann")
        await storage.write("1_2", {"n": 1})
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 1}
        lease = await checkout(storage, "Bob")
        await storage.delete("1_2")
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 3})
        assert not await storage.has("1_2")

    async def test_a_record_added_behind_its_lease_conflicts(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        assert await storage.add("1_2", {"n": 1})
        for value in ({"n": 2}, None):
            with pytest.raises(SessionConflict):
                await storage.checkin(lease, value)
        assert await storage.read("1_2") == {"n": 1}

    async def test_a_release_keeps_what_was_written_behind_it(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        await storage.write("1_2", {"n": 1})
        await storage.checkin(lease, UNCHANGED)
        lease = await checkout(storage, "Bob")
        assert lease.value == {"n": 1}

    async def test_a_release_leaves_the_expiry(self, storage: Store) -> None:
        await storage.write("1_2", {}, expires_in=0.3)
        await storage.checkin(await checkout(storage, "A"), UNCHANGED)
        await until_absent(storage, "1_2")

    async def test_odd_keys_and_values_can_be_leased(self, storage: Store) -> None:
        leases = [await checkout(storage, "Ann", key, lease_for=60) for key in ODD_KEYS]
        assert [lease.value for lease in leases] == [None] * len(ODD_KEYS)
        for lease in leases:
            await storage.checkin(lease, {"key": lease.key})
        assert await all_keys(storage) == sorted(ODD_KEYS)
        for value in ODD_VALUES.values():
            await storage.checkin(await checkout(storage, "Ann", lease_for=60), value)
            lease = await checkout(storage, "Ann", lease_for=60)
            assert repr(lease.value) == repr(value)

    async def test_a_refused_value_leaves_the_lease_in_force(self, storage: Store) -> None:
        lease = await checkout(storage, "Ann")
        with pytest.raises(NotSerializable):
            await storage.checkin(lease, {"n": math.nan})
        with pytest.raises(SessionTooLarge):
            await storage.checkin(lease, {"text": "x" * MAX_VALUE_BYTES})
        with pytest.raises(ValueError, match="expires_in"):
            await storage.checkin(lease, {}, expires_in=0)
        with pytest.raises(SessionBusy):
            await checkout(storage, "Bob")
        await storage.checkin(lease, {"n": 1})

    async def test_nobody_loses_a_count(self, storage: Store) -> None:
        await asyncio.gather(*(count_up(storage, f"task {n}") for n in range(self.holders)))
        assert await storage.read("1_2") == {"n": self.holders}

    async def test_a_closed_store_leases_nothing(self, open_store: OpenStore) -> None:
        storage = open_store()
        lease = await checkout(storage, "Ann")
        await storage.close()
        with pytest.raises(StorageUnavailable, match="closed"):
            await checkout(storage, "Ann", "3_4")
        with pytest.raises(StorageUnavailable, match="closed"):
            await storage.checkin(lease, {})
