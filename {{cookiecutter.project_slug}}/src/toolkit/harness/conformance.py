"""The tests that every store passes, your own included.

    class TestMyStore(
        SharedStorageConformance, DurableStorageConformance, PortableStorageConformance
    ):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "data")

`open_store` is the one fixture to give: a function that opens a store. Within one test every call
opens the same data, which is empty at first. A store with the plain verbs only takes
`StorageConformance`; one that forgets when it is closed leaves `DurableStorageConformance` out, and
one that cannot tell when records expire `PortableStorageConformance`.
The tests are coroutines: pytest-asyncio runs them in its auto mode.
"""

from __future__ import annotations

# ruff: noqa: S101 - asserts are what tests are made of
import asyncio
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, cast

import pytest

from toolkit.errors import (
    InvalidKey,
    NotSerializable,
    SessionBusy,
    SessionConflict,
    SessionTooLarge,
    StorageUnavailable,
)
from toolkit.storage.base import (
    MAX_DEPTH,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    UNCHANGED,
    Entry,
    Lease,
    PortableSessionStorage,
    SessionStorage,
    SharedSessionStorage,
    Value,
)

OpenStore = Callable[[], SharedSessionStorage]

ODD_KEYS = (
    "", " ", "12345_67890", "-100200_7", "quarantine:1_2", ".", "..", "a.b", "$set", "a/b", "/",
    "__name__", "%", "a%2Fb", "a%b", "a_b", "*", "a*b", "?", "[a]", "{a}", "a\\b", "'", '"', "a b",
    "a\nb", "a\0b", "\0", "'; DROP TABLE sessions; --", "é", "e\u0301", "ключ", "🔑", "\U0010ffff",
    "x" * MAX_KEY_BYTES, "/" * MAX_KEY_BYTES, "🔑" * (MAX_KEY_BYTES // 4),
)  # fmt: skip


def _nested(depth: int) -> Value:
    value: Value = {}
    for _ in range(depth - 1):
        value = {"in": value}
    return value


ODD_VALUES: dict[str, Value] = {
    "empty": {},
    "odd names": {"": 1, "a.b": 2, "$set": 3, "a/b": 4, "_id": 5, "__x__": 6, "a\0b": 7, "é🔑": 8},
    "odd text": {"text": ["", "\0", "a\0b", "\ud800", "\udfff\ud800", "e\u0301", "🔑", "\\u0000"]},
    "numbers": {"n": [0, -1, 2**53 + 1, 2**64, -(10**40), 0.1, -0.0, 1e300, 5e-324, True, False]},
    "nothing": {"null": None, "list": [], "object": {}, "lists": [[], [[]], [[[1]]]]},
    "deepest": _nested(MAX_DEPTH),
    "many": {str(number): {"n": number} for number in range(5_000)},
}

REFUSED: dict[str, tuple[Any, str]] = {
    "not a number": ({"price": math.nan}, "$.price"),
    "infinity": ({"cart": [{"price": 1.0}, {"price": -math.inf}]}, "$.cart[1].price"),
    "a number as a name": ({"users": {12345: "Ann"}}, "$.users"),
    "nothing as a name": ({None: 1}, "$"),
    "a set": ({"tags": {"a"}}, "$.tags"),
    "bytes": ({"photo": b"\xff"}, "$.photo"),
    "a moment": ({"at": [datetime(2026, 1, 1, tzinfo=UTC)]}, "$.at[0]"),
    "too many digits": ({"n": 10**5000}, "$.n"),
    "too deep": (_nested(MAX_DEPTH + 1), "$.in.in.in"),
    "a list": ([1], "$"),
    "text": ("text", "$"),
    "none": (None, "$"),
}


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


class StorageConformance:
    """What any store does with its verbs."""

    many_keys: ClassVar[int] = 1_200
    """How many keys the paging test writes; make it more than two pages of your store."""

    contenders: ClassVar[int] = 1_000
    """How many tasks add one key at once."""

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """Return a function that opens the store; every call of one test opens the same data."""
        raise NotImplementedError("override the fixture open_store")

    @pytest.fixture
    async def storage(self, open_store: OpenStore) -> AsyncIterator[SharedSessionStorage]:
        """A store that is closed after the test."""
        storage = open_store()
        yield storage
        await storage.close()

    async def test_it_has_the_verbs(self, storage: SessionStorage) -> None:
        assert isinstance(storage, SessionStorage)

    async def test_a_written_value_is_read_until_it_is_deleted(
        self, storage: SessionStorage
    ) -> None:
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")
        await storage.write("1_2", {"step": "first"})
        await storage.write("1_2", {"step": "second"})
        assert await storage.read("1_2") == {"step": "second"}
        assert await storage.has("1_2")
        await storage.delete("1_2")
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")

    async def test_deleting_what_is_absent_is_fine(self, storage: SessionStorage) -> None:
        await storage.delete("1_2")

    async def test_nothing_that_was_read_or_written_is_shared(
        self, storage: SessionStorage
    ) -> None:
        value: Value = {"flat": 1, "cart": [{"n": 1}]}
        await storage.write("1_2", value)
        value["flat"] = 2
        value["cart"][0]["n"] = 2
        first = await storage.read("1_2")
        assert first == {"flat": 1, "cart": [{"n": 1}]}
        first["cart"][0]["n"] = 3
        assert await storage.read("1_2") == {"flat": 1, "cart": [{"n": 1}]}

    async def test_a_list_that_occurs_twice_comes_back_as_two(
        self, storage: SessionStorage
    ) -> None:
        shared = [1]
        await storage.write("1_2", {"a": shared, "b": shared})
        value = await storage.read("1_2")
        assert value is not None
        value["a"].append(2)
        assert value == {"a": [1, 2], "b": [1]}

    async def test_odd_keys_are_keys_like_any_other(self, storage: SessionStorage) -> None:
        for key in ODD_KEYS:
            await storage.write(key, {"key": key})
        for key in ODD_KEYS:
            assert await storage.read(key) == {"key": key}
            assert not await storage.add(key, {})
        assert await all_keys(storage) == sorted(ODD_KEYS)
        for key in ODD_KEYS:
            assert key in await all_keys(storage, key)
            await storage.delete(key)
            assert not await storage.has(key)
        assert await all_keys(storage) == []

    @pytest.mark.parametrize("name", ODD_VALUES)
    async def test_odd_values_come_back_as_they_were(
        self, storage: SessionStorage, name: str
    ) -> None:
        await storage.write("1_2", ODD_VALUES[name])
        assert repr(await storage.read("1_2")) == repr(ODD_VALUES[name])

    async def test_a_tuple_comes_back_as_a_list(self, storage: SessionStorage) -> None:
        await storage.write("1_2", {"pair": (1, (2, 3))})
        assert await storage.read("1_2") == {"pair": [1, [2, 3]]}

    async def test_the_longest_value_is_stored_and_a_longer_one_refused(
        self, storage: SessionStorage
    ) -> None:
        longest = {"text": "x" * (MAX_VALUE_BYTES - len('{"text":""}'))}
        await storage.write("1_2", longest)
        with pytest.raises(SessionTooLarge) as refusal:
            await storage.write("1_2", {"text": longest["text"] + "x"})
        assert (refusal.value.size, refusal.value.limit) == (MAX_VALUE_BYTES + 1, MAX_VALUE_BYTES)
        with pytest.raises(SessionTooLarge):
            await storage.add("3_4", {"text": "\0" * (MAX_VALUE_BYTES // 6)})
        assert await storage.read("1_2") == longest
        assert not await storage.has("3_4")

    @pytest.mark.parametrize("name", REFUSED)
    async def test_what_json_cannot_say_is_refused_with_its_place(
        self, storage: SessionStorage, name: str
    ) -> None:
        value, path = REFUSED[name]
        for verb in (storage.write, storage.add):
            with pytest.raises(NotSerializable) as refusal:
                await cast(Any, verb)("1_2", value)
            assert refusal.value.path == path
            assert "'1_2'" in str(refusal.value)
        assert not await storage.has("1_2")

    async def test_a_value_that_holds_itself_is_refused(self, storage: SessionStorage) -> None:
        value: Value = {}
        value["in"] = value
        with pytest.raises(NotSerializable, match="holds itself"):
            await storage.write("1_2", value)

    @pytest.mark.parametrize("key", ["x" * (MAX_KEY_BYTES + 1), "\ud800", 12345, None])
    async def test_a_key_that_some_store_could_not_hold_is_refused_by_all(
        self, storage: SessionStorage, key: Any
    ) -> None:
        for call in (
            storage.read(key),
            storage.write(key, {}),
            storage.delete(key),
            storage.has(key),
            storage.add(key, {}),
        ):
            with pytest.raises(InvalidKey):
                await call

    @pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
    async def test_an_expiry_is_a_positive_number_of_seconds(
        self, storage: SessionStorage, seconds: float
    ) -> None:
        with pytest.raises(ValueError, match="expires_in"):
            await storage.write("1_2", {}, expires_in=seconds)
        with pytest.raises(ValueError, match="expires_in"):
            await storage.add("1_2", {}, expires_in=seconds)

    async def test_an_expiry_may_be_very_far_away(self, storage: SessionStorage) -> None:
        await storage.write("1_2", {}, expires_in=1e12)
        assert await storage.add("3_4", {}, expires_in=1e300)
        assert await all_keys(storage) == ["1_2", "3_4"]

    async def test_an_expired_record_is_absent_for_every_verb(
        self, storage: SessionStorage
    ) -> None:
        await storage.write("old", {"n": 1}, expires_in=0.05)
        await storage.write("new", {"n": 2}, expires_in=600)
        await until_absent(storage, "old")
        assert await storage.read("old") is None
        assert await all_keys(storage) == ["new"]
        assert await storage.add("old", {"n": 3})
        assert await storage.read("old") == {"n": 3}
        assert await storage.read("new") == {"n": 2}

    async def test_added_records_expire_too(self, storage: SessionStorage) -> None:
        assert await storage.add("1_2", {}, expires_in=0.05)
        await until_absent(storage, "1_2")
        assert await storage.add("1_2", {})

    async def test_the_last_write_decides_whether_and_when_a_record_expires(
        self, storage: SessionStorage
    ) -> None:
        await storage.write("stays", {}, expires_in=0.05)
        await storage.write("stays", {})
        await storage.write("later", {}, expires_in=0.05)
        await storage.write("later", {}, expires_in=600)
        await storage.write("clock", {}, expires_in=0.06)
        await until_absent(storage, "clock")
        assert await all_keys(storage) == ["later", "stays"]

    async def test_add_stores_only_where_nothing_is(self, storage: SessionStorage) -> None:
        assert await storage.add("slot", {"who": "Ann"})
        assert not await storage.add("slot", {"who": "Bob"})
        assert await storage.read("slot") == {"who": "Ann"}
        await storage.delete("slot")
        assert await storage.add("slot", {"who": "Bob"})

    async def test_of_many_who_add_one_key_at_once_one_succeeds(
        self, storage: SessionStorage
    ) -> None:
        added = await asyncio.gather(
            *(storage.add("slot", {"who": who}) for who in range(self.contenders))
        )
        assert added.count(True) == 1
        assert await storage.read("slot") == {"who": added.index(True)}

    async def test_of_many_who_add_an_expired_key_at_once_one_succeeds(
        self, storage: SessionStorage
    ) -> None:
        await storage.write("slot", {"who": "nobody"}, expires_in=0.05)
        await until_absent(storage, "slot")
        added = await asyncio.gather(*(storage.add("slot", {"who": who}) for who in range(50)))
        assert added.count(True) == 1
        assert await storage.read("slot") == {"who": added.index(True)}

    async def test_changes_at_the_same_time_do_not_mix(self, storage: SessionStorage) -> None:
        for step in range(3):
            await asyncio.gather(
                *(storage.write(f"{n}", {"n": n, "step": step}) for n in range(100)),
                *(storage.delete(f"{n}") for n in range(100, 120)),
                *(storage.add(f"{n}", {"n": n, "step": step}) for n in range(120, 140)),
            )
        values = await asyncio.gather(*(storage.read(f"{n}") for n in range(140)))
        assert values[:100] == [{"n": n, "step": 2} for n in range(100)]
        assert values[100:120] == [None] * 20
        assert values[120:] == [{"n": n, "step": 0} for n in range(120, 140)]

    async def test_one_refused_write_leaves_its_neighbours_alone(
        self, storage: SessionStorage
    ) -> None:
        outcomes = await asyncio.gather(
            storage.write("1", {"n": 1}),
            storage.write("2", {"text": "x" * MAX_VALUE_BYTES}),
            storage.write("3", {"n": math.nan}),
            storage.write("4", {"n": 4}),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [
            type(None), SessionTooLarge, NotSerializable, type(None),
        ]  # fmt: skip
        assert await all_keys(storage) == ["1", "4"]

    async def test_a_cancelled_write_is_made_wholly_or_not_at_all(
        self, storage: SessionStorage
    ) -> None:
        await storage.write("1_2", {"n": 1})
        writing = asyncio.ensure_future(storage.write("1_2", {"n": 2}))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        assert await storage.read("1_2") in ({"n": 1}, {"n": 2})
        await storage.write("1_2", {"n": 3})
        assert await storage.read("1_2") == {"n": 3}

    async def test_a_prefix_is_plain_text(self, storage: SessionStorage) -> None:
        letters = "*?[]^%_\\.+|(){}$/'\"x\0é🔑\U0010ffff"
        for letter in letters:
            await storage.write(f"a{letter}b", {})
            await storage.write(f"z{letter}", {})
        for letter in letters:
            assert await all_keys(storage, f"a{letter}") == [f"a{letter}b"]
        assert len(await all_keys(storage, "a")) == len(letters)
        assert await all_keys(storage, "a*b*") == []
        assert await all_keys(storage, "A") == []

    async def test_all_of_many_keys_are_read_once_each(self, storage: SessionStorage) -> None:
        await check_paging(storage, self.many_keys)

    async def test_keys_may_be_deleted_while_they_are_read(self, storage: SessionStorage) -> None:
        await asyncio.gather(*(storage.write(f"{n}", {}) for n in range(self.many_keys)))
        seen = []
        async for key in storage.read_all_keys():
            seen.append(key)
            await storage.delete(key)
        assert len(seen) == len(set(seen)) == self.many_keys
        assert await all_keys(storage) == []

    async def test_reading_keys_may_be_broken_off(self, storage: SessionStorage) -> None:
        await asyncio.gather(*(storage.write(f"{n}", {}) for n in range(self.many_keys)))
        async for _ in storage.read_all_keys():
            break
        assert len(await all_keys(storage)) == self.many_keys

    async def test_a_closed_store_says_so(self, open_store: OpenStore) -> None:
        storage = open_store()
        await storage.write("1_2", {})
        await storage.close()
        await storage.close()
        for call in (
            storage.read("1_2"),
            storage.write("1_2", {}),
            storage.delete("1_2"),
            storage.has("1_2"),
            storage.add("1_2", {}),
            all_keys(storage),
        ):
            with pytest.raises(StorageUnavailable, match="closed"):
                await call

    async def test_a_store_that_was_never_used_closes(self, open_store: OpenStore) -> None:
        await open_store().close()


class SharedStorageConformance(StorageConformance):
    """What a store adds that hands a record to one holder at a time."""

    holders: ClassVar[int] = 50
    """How many tasks count in one record at once."""

    async def test_it_has_the_verbs(self, storage: SessionStorage) -> None:
        assert isinstance(storage, SharedSessionStorage)

    async def test_checkout_reads_and_checkin_writes(self, storage: SharedSessionStorage) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        assert (lease.key, lease.holder, lease.value) == ("1_2", "Ann", None)
        assert not await storage.has("1_2")
        await storage.checkin(lease, {"n": [1]})
        lease = await storage.checkout("1_2", holder="Bob", lease_for=30)
        assert lease.value == {"n": [1]}
        await storage.checkin(lease, {})
        assert await storage.read("1_2") == {}

    async def test_checkin_deletes_or_leaves_alone(self, storage: SharedSessionStorage) -> None:
        await storage.write("1_2", {"n": 1}, expires_in=600)
        await storage.checkin(await storage.checkout("1_2", holder="A", lease_for=30), UNCHANGED)
        assert await storage.read("1_2") == {"n": 1}
        await storage.checkin(await storage.checkout("1_2", holder="B", lease_for=30), None)
        assert not await storage.has("1_2")
        await storage.checkin(await storage.checkout("1_2", holder="C", lease_for=30), None)
        await storage.checkin(await storage.checkout("1_2", holder="D", lease_for=30), UNCHANGED)
        assert await all_keys(storage) == []

    async def test_a_checked_in_record_expires_when_told(
        self, storage: SharedSessionStorage
    ) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.checkin(lease, {}, expires_in=0.05)
        await until_absent(storage, "1_2")
        lease = await storage.checkout("1_2", holder="Bob", lease_for=30)
        assert lease.value is None
        await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 2}

    async def test_a_record_may_expire_while_it_is_checked_out(
        self, storage: SharedSessionStorage
    ) -> None:
        await storage.write("1_2", {"n": 1}, expires_in=0.3)
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        assert lease.value == {"n": 1}
        await until_absent(storage, "1_2")
        await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 2}

    async def test_one_at_a_time(self, storage: SharedSessionStorage) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        with pytest.raises(SessionBusy) as refusal:
            await storage.checkout("1_2", holder="Bob", lease_for=30)
        assert (refusal.value.key, refusal.value.holder) == ("1_2", "Ann")
        await storage.checkin(await storage.checkout("3_4", holder="Bob", lease_for=30), UNCHANGED)
        await storage.checkin(lease, UNCHANGED)
        await storage.checkout("1_2", holder="Bob", lease_for=30)

    async def test_a_leased_absent_record_is_absent(self, storage: SharedSessionStorage) -> None:
        await storage.checkout("1_2", holder="Ann", lease_for=30)
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")
        assert await all_keys(storage) == []
        assert await storage.add("1_2", {"n": 1})
        assert await storage.read("1_2") == {"n": 1}

    async def test_the_same_holder_gets_a_new_lease_and_loses_the_old_one(
        self, storage: SharedSessionStorage
    ) -> None:
        old = await storage.checkout("1_2", holder="Ann", lease_for=30)
        new = await storage.checkout("1_2", holder="Ann", lease_for=30)
        with pytest.raises(SessionConflict):
            await storage.checkin(old, {"n": "old"})
        await storage.checkin(new, {"n": "new"})
        assert await storage.read("1_2") == {"n": "new"}

    async def test_a_lease_ends_with_its_checkin(self, storage: SharedSessionStorage) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.checkin(lease, {"n": 1})
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 2})
        with pytest.raises(SessionConflict):
            await storage.renew(lease, lease_for=30)
        assert await storage.read("1_2") == {"n": 1}

    async def test_a_lost_lease_conflicts_and_overwrites_nothing(
        self, storage: SharedSessionStorage
    ) -> None:
        await storage.write("1_2", {"n": 0})
        lost = await storage.checkout("1_2", holder="Ann", lease_for=0.05)
        taken = await self.checkout_when_free(storage, "1_2", "Bob")
        for value in ({"n": "Ann"}, None):
            with pytest.raises(SessionConflict):
                await storage.checkin(lost, value)
        with pytest.raises(SessionConflict):
            await storage.renew(lost, lease_for=30)
        await storage.checkin(lost, UNCHANGED)
        with pytest.raises(SessionBusy):
            await storage.checkout("1_2", holder="Cid", lease_for=30)
        assert taken.value == {"n": 0}
        await storage.checkin(taken, {"n": "Bob"})
        assert await storage.read("1_2") == {"n": "Bob"}

    async def test_a_renewed_lease_outlives_its_first_time(
        self, storage: SharedSessionStorage
    ) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=0.5)
        await storage.renew(lease, lease_for=60)
        await storage.write("clock", {}, expires_in=0.6)
        await until_absent(storage, "clock")
        with pytest.raises(SessionBusy):
            await storage.checkout("1_2", holder="Bob", lease_for=30)
        await storage.checkin(lease, {"n": 1})

    async def test_a_record_changed_behind_its_lease_conflicts(
        self, storage: SharedSessionStorage
    ) -> None:
        await storage.write("1_2", {"n": 0})
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.write("1_2", {"n": 1})
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 2})
        assert await storage.read("1_2") == {"n": 1}
        lease = await storage.checkout("1_2", holder="Bob", lease_for=30)
        await storage.delete("1_2")
        with pytest.raises(SessionConflict):
            await storage.checkin(lease, {"n": 3})
        assert not await storage.has("1_2")

    async def test_a_record_added_behind_its_lease_conflicts(
        self, storage: SharedSessionStorage
    ) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        assert await storage.add("1_2", {"n": 1})
        for value in ({"n": 2}, None):
            with pytest.raises(SessionConflict):
                await storage.checkin(lease, value)
        assert await storage.read("1_2") == {"n": 1}

    async def test_a_release_keeps_what_was_written_behind_it(
        self, storage: SharedSessionStorage
    ) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.write("1_2", {"n": 1})
        await storage.checkin(lease, UNCHANGED)
        lease = await storage.checkout("1_2", holder="Bob", lease_for=30)
        assert lease.value == {"n": 1}

    async def test_a_release_leaves_the_expiry(self, storage: SharedSessionStorage) -> None:
        await storage.write("1_2", {}, expires_in=0.3)
        await storage.checkin(await storage.checkout("1_2", holder="A", lease_for=30), UNCHANGED)
        await until_absent(storage, "1_2")

    async def test_odd_keys_and_values_can_be_leased(self, storage: SharedSessionStorage) -> None:
        leases = [await storage.checkout(key, holder="Ann", lease_for=60) for key in ODD_KEYS]
        assert [lease.value for lease in leases] == [None] * len(ODD_KEYS)
        for lease in leases:
            await storage.checkin(lease, {"key": lease.key})
        assert await all_keys(storage) == sorted(ODD_KEYS)
        for value in ODD_VALUES.values():
            await storage.checkin(await storage.checkout("1_2", holder="Ann", lease_for=60), value)
            lease = await storage.checkout("1_2", holder="Ann", lease_for=60)
            assert repr(lease.value) == repr(value)

    async def test_a_refused_value_leaves_the_lease_in_force(
        self, storage: SharedSessionStorage
    ) -> None:
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        with pytest.raises(NotSerializable):
            await storage.checkin(lease, {"n": math.nan})
        with pytest.raises(SessionTooLarge):
            await storage.checkin(lease, {"text": "x" * MAX_VALUE_BYTES})
        with pytest.raises(ValueError, match="expires_in"):
            await storage.checkin(lease, {}, expires_in=0)
        with pytest.raises(SessionBusy):
            await storage.checkout("1_2", holder="Bob", lease_for=30)
        await storage.checkin(lease, {"n": 1})

    async def test_nobody_loses_a_count(self, storage: SharedSessionStorage) -> None:
        async def add_one(holder: str) -> None:
            lease = await self.checkout_when_free(storage, "1_2", holder)
            value = lease.value or {"n": 0}
            await storage.checkin(lease, {"n": value["n"] + 1})

        await asyncio.gather(*(add_one(f"task {number}") for number in range(self.holders)))
        assert await storage.read("1_2") == {"n": self.holders}

    async def test_a_closed_store_leases_nothing(self, open_store: OpenStore) -> None:
        storage = open_store()
        lease = await storage.checkout("1_2", holder="Ann", lease_for=30)
        await storage.close()
        with pytest.raises(StorageUnavailable, match="closed"):
            await storage.checkout("3_4", holder="Ann", lease_for=30)
        with pytest.raises(StorageUnavailable, match="closed"):
            await storage.checkin(lease, {})

    async def checkout_when_free(
        self, storage: SharedSessionStorage, key: str, holder: str
    ) -> Lease:
        """Ask again and again until the record is free, a minute at most."""
        async with asyncio.timeout(60):
            for attempt in count():
                try:
                    return await storage.checkout(key, holder=holder, lease_for=30)
                except SessionBusy:
                    await asyncio.sleep(0.001 * min(attempt, 20))
        raise AssertionError("unreachable")


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
            # The time of a server's rounding may be added.
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


class DurableStorageConformance:
    """What a store adds that keeps its records when it is closed."""

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
        lease = await here.checkout("1_2", holder="here", lease_for=30)
        try:
            other = await there.checkout("1_2", holder="there", lease_for=30)
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

        async def add_one(number: int) -> None:
            storage = stores[number % len(stores)]
            while True:
                try:
                    lease = await storage.checkout("1_2", holder=f"{number}", lease_for=30)
                    value = lease.value or {"n": 0}
                    return await storage.checkin(lease, {"n": value["n"] + 1})
                except (SessionBusy, SessionConflict):
                    await asyncio.sleep(0.001)

        async with asyncio.timeout(60):
            await asyncio.gather(*(add_one(number) for number in range(21)))
        assert await stores[0].read("1_2") == {"n": 21}
        await asyncio.gather(*(store.close() for store in stores))
