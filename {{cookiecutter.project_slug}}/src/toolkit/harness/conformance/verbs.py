"""Tests of the verbs that every store has."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any, ClassVar, cast

import pytest

from toolkit.errors import InvalidKey, NotSerializable, SessionTooLarge, StorageUnavailable
from toolkit.harness.conformance.helpers import (
    OpenStore,
    Store,
    all_keys,
    check_paging,
    every_verb,
    expect_one_winner,
    until_absent,
)
from toolkit.harness.conformance.samples import ODD_KEYS, ODD_VALUES, REFUSED
from toolkit.storage.base import MAX_KEY_BYTES, MAX_VALUE_BYTES, SessionStorage, Value


class StorageConformance:
    """What every store promises of its verbs."""

    many_keys: ClassVar[int] = 1_200
    """How many keys the paging test writes; make it more than two pages of your store."""

    contenders: ClassVar[int] = 1_000
    """How many tasks add one key at once."""

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """Return a function that opens the store; every call of one test opens the same data."""
        raise NotImplementedError("override the fixture open_store")

    @pytest.fixture
    async def storage(self, open_store: OpenStore) -> AsyncIterator[Store]:
        """Open a store, and close it after the test."""
        storage = open_store()
        yield storage
        await storage.close()

    async def test_it_has_the_verbs(self, storage: Store) -> None:
        assert isinstance(storage, SessionStorage)

    async def test_a_written_value_is_read_until_it_is_deleted(self, storage: Store) -> None:
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")
        await storage.write("1_2", {"step": "first"})
        await storage.write("1_2", {"step": "second"})
        assert await storage.read("1_2") == {"step": "second"}
        assert await storage.has("1_2")
        await storage.delete("1_2")
        assert await storage.read("1_2") is None
        assert not await storage.has("1_2")

    async def test_deleting_what_is_absent_is_fine(self, storage: Store) -> None:
        await storage.delete("1_2")

    async def test_nothing_that_was_read_or_written_is_shared(self, storage: Store) -> None:
        value: Value = {"flat": 1, "cart": [{"n": 1}]}
        await storage.write("1_2", value)
        value["flat"] = 2
        value["cart"][0]["n"] = 2
        first = await storage.read("1_2")
        assert first == {"flat": 1, "cart": [{"n": 1}]}
        first["cart"][0]["n"] = 3
        assert await storage.read("1_2") == {"flat": 1, "cart": [{"n": 1}]}

    async def test_a_list_that_occurs_twice_comes_back_as_two(self, storage: Store) -> None:
        shared = [1]
        await storage.write("1_2", {"a": shared, "b": shared})
        value = await storage.read("1_2")
        assert value is not None
        value["a"].append(2)
        assert value == {"a": [1, 2], "b": [1]}

    async def test_odd_keys_are_keys_like_any_other(self, storage: Store) -> None:
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
    async def test_odd_values_come_back_as_they_were(self, storage: Store, name: str) -> None:
        await storage.write("1_2", ODD_VALUES[name])
        assert repr(await storage.read("1_2")) == repr(ODD_VALUES[name])

    async def test_a_tuple_comes_back_as_a_list(self, storage: Store) -> None:
        await storage.write("1_2", {"pair": (1, (2, 3))})
        assert await storage.read("1_2") == {"pair": [1, [2, 3]]}

    async def test_the_longest_value_is_stored_and_a_longer_one_refused(
        self, storage: Store
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
        self, storage: Store, name: str
    ) -> None:
        value, path = REFUSED[name]
        for verb in (storage.write, storage.add):
            with pytest.raises(NotSerializable) as refusal:
                await cast(Any, verb)("1_2", value)
            assert refusal.value.path == path
            assert "'1_2'" in str(refusal.value)
        assert not await storage.has("1_2")

    async def test_a_value_that_holds_itself_is_refused(self, storage: Store) -> None:
        value: Value = {}
        value["in"] = value
        with pytest.raises(NotSerializable, match="holds itself"):
            await storage.write("1_2", value)

    @pytest.mark.parametrize("key", ["x" * (MAX_KEY_BYTES + 1), "\ud800", 12345, None])
    async def test_a_key_that_some_store_could_not_hold_is_refused_by_all(
        self, storage: Store, key: Any
    ) -> None:
        for call in every_verb(storage, key):
            with pytest.raises(InvalidKey):
                await call

    @pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf])
    async def test_an_expiry_is_a_positive_number_of_seconds(
        self, storage: Store, seconds: float
    ) -> None:
        for verb in (storage.write, storage.add):
            with pytest.raises(ValueError, match="expires_in"):
                await verb("1_2", {}, expires_in=seconds)

    async def test_an_expiry_may_be_very_far_away(self, storage: Store) -> None:
        await storage.write("1_2", {}, expires_in=1e12)
        assert await storage.add("3_4", {}, expires_in=1e300)
        assert await all_keys(storage) == ["1_2", "3_4"]

    async def test_an_expired_record_is_absent_for_every_verb(self, storage: Store) -> None:
        await storage.write("old", {"n": 1}, expires_in=0.05)
        await storage.write("new", {"n": 2}, expires_in=600)
        await until_absent(storage, "old")
        assert await storage.read("old") is None
        assert await all_keys(storage) == ["new"]
        assert await storage.add("old", {"n": 3})
        assert await storage.read("old") == {"n": 3}
        assert await storage.read("new") == {"n": 2}

    async def test_added_records_expire_too(self, storage: Store) -> None:
        assert await storage.add("1_2", {}, expires_in=0.05)
        await until_absent(storage, "1_2")
        assert await storage.add("1_2", {})

    async def test_the_last_write_decides_whether_and_when_a_record_expires(
        self, storage: Store
    ) -> None:
        await storage.write("stays", {}, expires_in=0.05)
        await storage.write("stays", {})
        await storage.write("later", {}, expires_in=0.05)
        await storage.write("later", {}, expires_in=600)
        await storage.write("clock", {}, expires_in=0.06)
        await until_absent(storage, "clock")
        assert await all_keys(storage) == ["later", "stays"]

    async def test_add_stores_only_where_nothing_is(self, storage: Store) -> None:
        assert await storage.add("slot", {"who": "Ann"})
        assert not await storage.add("slot", {"who": "Bob"})
        assert await storage.read("slot") == {"who": "Ann"}
        await storage.delete("slot")
        assert await storage.add("slot", {"who": "Bob"})

    async def test_of_many_who_add_one_key_at_once_one_succeeds(self, storage: Store) -> None:
        await expect_one_winner(storage, self.contenders)

    async def test_of_many_who_add_an_expired_key_at_once_one_succeeds(
        self, storage: Store
    ) -> None:
        await storage.write("slot", {"who": "nobody"}, expires_in=0.05)
        await until_absent(storage, "slot")
        await expect_one_winner(storage, 50)

    async def test_changes_at_the_same_time_do_not_mix(self, storage: Store) -> None:
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

    async def test_one_refused_write_leaves_its_neighbours_alone(self, storage: Store) -> None:
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

    async def test_a_cancelled_write_is_made_wholly_or_not_at_all(self, storage: Store) -> None:
        await storage.write("1_2", {"n": 1})
        writing = asyncio.ensure_future(storage.write("1_2", {"n": 2}))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        assert await storage.read("1_2") in ({"n": 1}, {"n": 2})
        await storage.write("1_2", {"n": 3})
        assert await storage.read("1_2") == {"n": 3}

    async def test_a_prefix_is_plain_text(self, storage: Store) -> None:
        letters = "*?[]^%_\\.+|(){}$/'\"x\0é🔑\U0010ffff"
        for letter in letters:
            await storage.write(f"a{letter}b", {})
            await storage.write(f"z{letter}", {})
        for letter in letters:
            assert await all_keys(storage, f"a{letter}") == [f"a{letter}b"]
        assert len(await all_keys(storage, "a")) == len(letters)
        assert await all_keys(storage, "a*b*") == []
        assert await all_keys(storage, "A") == []

    async def test_all_of_many_keys_are_read_once_each(self, storage: Store) -> None:
        await check_paging(storage, self.many_keys)

    async def test_keys_may_be_deleted_while_they_are_read(self, storage: Store) -> None:
        await asyncio.gather(*(storage.write(f"{n}", {}) for n in range(self.many_keys)))
        seen = []
        async for key in storage.read_all_keys():
            seen.append(key)
            await storage.delete(key)
        assert len(seen) == len(set(seen)) == self.many_keys
        assert await all_keys(storage) == []

    async def test_reading_keys_may_be_broken_off(self, storage: Store) -> None:
        await asyncio.gather(*(storage.write(f"{n}", {}) for n in range(self.many_keys)))
        async for _ in storage.read_all_keys():
            break
        assert len(await all_keys(storage)) == self.many_keys

    async def test_a_closed_store_says_so(self, open_store: OpenStore) -> None:
        storage = open_store()
        await storage.write("1_2", {})
        await storage.close()
        await storage.close()
        for call in (*every_verb(storage, "1_2"), all_keys(storage)):
            with pytest.raises(StorageUnavailable, match="closed"):
                await call

    async def test_a_store_that_was_never_used_closes(self, open_store: OpenStore) -> None:
        await open_store().close()
