"""Records move from store to store: all of them, once, with the time they have left.

Over 300 lines: export and import are the two ends of one file, and prove each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from toolkit.admin.file_format import Record, dump_line
from toolkit.admin.transfer import Import, Outcome, read_records
from toolkit.errors import NotPortable, SessionUndecodable, StorageUnavailable
from toolkit.sessions.checkout import Checkouts
from toolkit.storage.base import Entry, Lease, PortableSessionStorage, Value
from toolkit.storage.memory import MemorySessionStorage

from .doubles import PLAIN, Verbs

Lines = list[tuple[int, bytes]]


async def exported(storage: Any, prefix: str = "") -> Lines:
    """The lines of a store, numbered."""
    records = [record async for record, _ in read_records(storage, prefix)]
    return numbered([*records, len(records)])


def numbered(records: list[Record | int]) -> Lines:
    """The lines of these records."""
    return [(number, dump_line(record).encode()) for number, record in enumerate(records, 1)]


async def imported(
    storage: Any, lines: Any, *, overwrite: bool = False
) -> tuple[dict[str, int], list[str]]:
    """How often what became of a record, and what was said."""
    said: list[str] = []
    work = Import(storage, overwrite=overwrite, tell=said.append)
    await work.run(lines)
    assert len(said) == work.problems or work.problems > 20
    return {str(outcome): number for outcome, number in work.outcomes.items()}, said


async def content(storage: PortableSessionStorage) -> dict[str, tuple[Value, float | None]]:
    """All records, with the whole minutes that they have left."""
    found = {}
    async for key in storage.read_all_keys():
        entry = await storage.read_entry(key)
        assert entry is not None
        found[key] = entry.value, entry.expires_in and round(entry.expires_in / 60)
    return found


async def test_everything_moves_with_the_time_it_has_left() -> None:
    here, there = MemorySessionStorage(), MemorySessionStorage()
    await asyncio.gather(*(here.write(f"{n}_{n}", {"session": {"n": n}}) for n in range(250)))
    await here.add("slot:2026-11-24T13:00+00:00", {"owner": 1}, expires_in=86_400)
    await here.write("dead:711", {"update": {"update_id": 711}}, expires_in=30 * 86_400)
    await here.write("parked:712", {"update": {"update_id": 712}})
    await here.write("quarantine:7_7", {"raw": "{", "reason": "…"})

    outcomes, said = await imported(there, await exported(here))

    assert (outcomes, said) == ({"imported": 254}, [])
    assert await content(there) == await content(here)


async def test_a_prefix_picks_what_moves() -> None:
    here, there = MemorySessionStorage(), MemorySessionStorage()
    await here.write("1_1", {})
    await here.write("slot:9", {"owner": 1}, expires_in=600)

    await imported(there, await exported(here, "slot:"))

    assert [*await content(there)] == ["slot:9"]


async def test_an_import_may_be_run_again() -> None:
    here, there = MemorySessionStorage(), MemorySessionStorage()
    await here.write("1_1", {"n": [1, 2.5, None, "é"]})
    await here.write("slot:9", {"owner": 1}, expires_in=600)
    lines = await exported(here)

    assert await imported(there, lines) == ({"imported": 2}, [])
    assert await imported(there, lines) == ({"there": 2}, [])
    assert await imported(there, lines, overwrite=True) == ({"there": 2}, [])
    assert await content(there) == await content(here)


async def test_an_interrupted_import_is_continued_by_running_it_again() -> None:
    here, there = MemorySessionStorage(), MemorySessionStorage()
    await asyncio.gather(*(here.write(f"{n}_{n}", {"n": n}) for n in range(450)))
    lines = await exported(here)

    def until_cable_is_cut() -> Iterator[tuple[int, bytes]]:
        yield from lines[:230]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await imported(there, until_cable_is_cut())
    assert 0 < len(await content(there)) < 450

    outcomes, said = await imported(there, lines)
    assert outcomes["imported"] + outcomes["there"] == 450
    assert said == []
    assert await content(there) == await content(here)


async def test_a_store_that_fails_ends_the_import_and_is_continued_too() -> None:
    class Failing(MemorySessionStorage):
        adds_left = 130

        async def add(self, *args: Any, **options: Any) -> bool:
            self.adds_left -= 1
            if self.adds_left < 0:
                raise StorageUnavailable("test", "the disk is full")
            return await super().add(*args, **options)

    there = Failing()
    lines = numbered([*(Record(f"{n}", {"n": n}) for n in range(300)), 300])

    with pytest.raises(StorageUnavailable):
        await imported(there, lines)
    there.adds_left = 1000

    assert await imported(there, lines) == ({"imported": 170, "there": 130}, [])


async def test_what_differs_is_kept_and_named_unless_it_shall_be_overwritten() -> None:
    there = MemorySessionStorage()
    await there.write("1_1", {"n": "new"})
    await there.write("2_2", {"n": True})
    await there.write("3_3", {"n": 3})
    lines = numbered(
        [Record("1_1", {"n": "old"}), Record("2_2", {"n": 1}), Record("3_3", {"n": 3})]
    )
    lines += numbered([3])

    outcomes, said = await imported(there, lines)
    assert outcomes == {"kept": 2, "there": 1}
    assert said == [
        "line 1: '1_1' is there with other content",
        "line 2: '2_2' is there with other content",
    ]
    assert await there.read("1_1") == {"n": "new"}

    assert await imported(there, lines, overwrite=True) == ({"replaced": 2, "there": 1}, [])
    assert await there.read("1_1") == {"n": "old"}


async def test_another_expiry_is_a_difference() -> None:
    there = MemorySessionStorage()
    await there.write("1_1", {})
    lines = numbered([Record("1_1", {}, datetime.now(UTC) + timedelta(hours=1)), 1])

    assert (await imported(there, lines))[0] == {"kept": 1}
    assert (await imported(there, lines, overwrite=True))[0] == {"replaced": 1}
    assert await content(there) == {"1_1": ({}, 60)}


async def test_what_has_expired_on_the_way_is_counted_and_left_out() -> None:
    there = MemorySessionStorage()
    past = datetime.now(UTC) - timedelta(seconds=1)
    lines = numbered([Record("slot:8", {}, past), Record("slot:9", {}), 2])

    assert await imported(there, lines) == ({"expired": 1, "imported": 1}, [])
    assert [*await content(there)] == ["slot:9"]


async def test_a_malformed_line_is_named_and_all_others_are_imported() -> None:
    there = MemorySessionStorage()
    good = [dump_line(Record(f"{n}", {})).encode() for n in range(300)]
    bad = [b'{"key": "x", "val', b'{"key": "\\ud800", "value": {}}', b'{"key": "n", "value": NaN}']
    lines = [
        *good[:150],
        *bad,
        b"\n",
        *good[150:],
        b'{"key": "n", "value": {"n": NaN}}',
        b'{"records":304}',
    ]

    outcomes, said = await imported(there, enumerate(lines, 1))

    assert outcomes == {"imported": 300, "refused": 4}
    assert [text.split(":")[0] for text in said] == ["line 151", "line 153", "line 152", "line 305"]
    assert len(await content(there)) == 300


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (numbered([Record("1", {}), Record("2", {})]), "the file was cut off"),
        (numbered([Record("1", {}), Record("2", {}), 3]), "3 records were exported, 2 are here"),
        ([], "the file was cut off"),
    ],
)
async def test_a_file_that_lacks_lines_is_noticed(lines: Lines, says: str) -> None:
    _, said = await imported(MemorySessionStorage(), lines)
    assert len(said) == 1
    assert says in said[0]


async def test_two_files_in_one_are_fine_and_the_order_of_lines_decides() -> None:
    there = MemorySessionStorage()
    twice = numbered([Record("1_1", {"n": 1}), 1, Record("1_1", {"n": 2}), Record("2_2", {}), 2])

    assert await imported(there, twice, overwrite=True) == ({"imported": 2, "replaced": 1}, [])
    assert await there.read("1_1") == {"n": 2}


async def test_of_very_many_problems_only_some_are_named() -> None:
    lines = enumerate([b"x"] * 1000, 1)

    outcomes, said = await imported(MemorySessionStorage(), lines)

    assert outcomes == {"refused": 1000}
    assert len(said) == 21


async def test_a_damaged_record_goes_along_as_the_bot_would_set_it_aside() -> None:
    class Damaged(MemorySessionStorage):
        async def read_entry(self, key: str) -> Entry | None:
            if key == "1_1":
                raise SessionUndecodable(key, "it ends too early", b'{"n": \xff')
            return await super().read_entry(key)

    here = Damaged()
    for key in ("1_1", "2_2", "quarantine:1_1"):
        await here.write(key, {"raw": "older"})
    found = [(record, damage) async for record, damage in read_records(here)]

    assert {record.key for record, _ in found} == {"2_2", "quarantine:1_1", "quarantine:1_1:2"}
    (damaged,) = [record for record, damage in found if damage is not None]
    assert (damaged.value["raw"], damaged.value["reason"]) == ('{"n": \\xff', "it ends too early")


async def test_a_store_that_cannot_tell_when_records_expire_is_not_exported() -> None:
    with pytest.raises(NotPortable, match="read_entry"):
        await exported(Verbs(MemorySessionStorage(), *PLAIN))


async def test_such_a_store_can_still_be_imported_into() -> None:
    there = Verbs(MemorySessionStorage(), *PLAIN)
    lines = numbered([Record("1", {}), Record("2", {}, datetime.now(UTC) + timedelta(hours=1)), 2])

    assert await imported(there, lines) == ({"imported": 2}, [])
    assert await imported(there, lines) == ({"there": 2}, [])
    changed = numbered([Record("1", {"n": 1}), 1])
    assert await imported(there, changed, overwrite=True) == ({"replaced": 1}, [])


async def test_overwriting_waits_until_the_bot_has_put_the_session_back() -> None:
    storage = MemorySessionStorage()
    bot = Checkouts(storage)
    await storage.write("1_1", {"by": "nobody"})
    held = await bot.take("1_1", "update 7")
    lines = numbered([Record("1_1", {"by": "import"}), 1])
    importing = asyncio.create_task(imported(storage, lines, overwrite=True))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not importing.done()

    await bot.put(held, {"by": "bot"}, None)

    assert await importing == ({"replaced": 1}, [])
    assert await storage.read("1_1") == {"by": "import"}


async def test_a_record_that_changes_in_between_is_tried_again() -> None:
    class Lively(MemorySessionStorage):
        changes = 3

        async def checkin(self, lease: Lease, *args: Any, **options: Any) -> None:
            if self.changes:
                self.changes -= 1
                await self.write(lease.key, {"by": f"bot {self.changes}"})
            await super().checkin(lease, *args, **options)

    storage = Lively()
    await storage.write("1_1", {"by": "nobody"})
    lines = numbered([Record("1_1", {"by": "import"}), 1])

    assert await imported(storage, lines, overwrite=True) == ({"replaced": 1}, [])
    assert await storage.read("1_1") == {"by": "import"}


async def test_no_more_than_a_few_lines_are_in_memory() -> None:
    class Counting(MemorySessionStorage):
        added = 0

        async def add(self, *args: Any, **options: Any) -> bool:
            self.added += 1
            return await super().add(*args, **options)

    storage = Counting()
    ahead = 0

    def lines() -> Iterator[tuple[int, bytes]]:
        nonlocal ahead
        for number in range(5_000):
            ahead = max(ahead, number - storage.added)
            yield number, dump_line(Record(f"{number}", {"text": "x" * 1000})).encode()
        yield 5_000, dump_line(5_000).encode()

    assert await imported(storage, lines()) == ({"imported": 5_000}, [])
    assert ahead <= 100


async def test_no_more_than_a_few_records_are_read_before_they_are_asked_for() -> None:
    class Counting(MemorySessionStorage):
        reads = 0

        async def read_entry(self, key: str) -> Entry | None:
            self.reads += 1
            return await super().read_entry(key)

    storage = Counting()
    for number in range(1_000):
        await storage.write(f"{number}", {})
    taken = 0
    async for _ in read_records(storage):
        assert storage.reads - taken <= 100
        taken += 1
    assert taken == 1_000


def test_every_outcome_has_a_name_of_its_own() -> None:
    assert len({outcome.value for outcome in Outcome}) == 6
