"""Records of the bot's own: one holder at a time, one commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from toolkit import MemorySessionStorage, SessionConflict, Sessions


@dataclass
class Talk:
    """No session is looked at here."""


def sessions_in(storage: MemorySessionStorage) -> Sessions[Talk]:
    return Sessions(storage, Talk)


async def test_what_is_changed_is_committed_as_the_block_is_left() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    async with sessions.record("day:1") as record:
        assert record.value == {}
        record.value["visits"] = [1]
        record.expires_in = 60
        assert await storage.read("day:1") is None
    entry = await storage.read_entry("day:1")
    assert entry is not None
    assert entry.value == {"visits": [1]}
    assert 0 < (entry.expires_in or 0) <= 60


async def test_processes_that_share_a_store_count_right() -> None:
    storage = MemorySessionStorage()
    processes = [sessions_in(storage), sessions_in(storage)]

    async def count(number: int) -> None:
        async with processes[number % 2].record("count") as record:
            before = record.value.get("n", 0)
            await asyncio.sleep(0)
            record.value["n"] = before + 1

    await asyncio.gather(*(count(number) for number in range(20)))
    assert await storage.read("count") == {"n": 20}


async def test_an_exception_writes_nothing_and_lets_the_next_one_in() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    with pytest.raises(ZeroDivisionError):
        async with sessions.record("day:1") as record:
            record.value["n"] = 1 / 0
    async with sessions.record("day:1") as record:
        assert record.value == {}
    assert await storage.read("day:1") is None


async def test_an_empty_record_is_removed_and_an_unchanged_one_not_written() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    await storage.write("day:1", {"visits": [1]}, expires_in=60)
    async with sessions.record("day:1"):
        pass
    entry = await storage.read_entry("day:1")
    assert entry is not None
    assert entry.expires_in is not None
    async with sessions.record("day:1") as record:
        record.value["visits"].clear()
        del record.value["visits"]
    assert not await storage.has("day:1")


async def test_what_was_overwritten_meanwhile_is_a_conflict() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())

    async def overtaken() -> None:
        async with sessions.record("day:1") as record:
            record.value["n"] = 1
            await storage.write("day:1", {"n": 2})

    with pytest.raises(SessionConflict):
        await overtaken()
    assert await storage.read("day:1") == {"n": 2}


async def test_the_key_of_a_session_is_refused() -> None:
    sessions = sessions_in(MemorySessionStorage())
    with pytest.raises(ValueError, match=r"use sessions.checkout\('1_2'\)"):
        async with sessions.record("1_2"):
            pass
