"""What the harness makes of a store in memory: it outlives its bots, and goes back."""

from __future__ import annotations

import math

from toolkit.harness import PersistentStorage
from toolkit.harness.storage import RewindableStorage
from toolkit.storage.base import Due, WakingSessionStorage
from toolkit.storage.memory import MemorySessionStorage


async def test_a_store_that_outlives_its_bots_finds_what_is_due() -> None:
    storage = PersistentStorage(MemorySessionStorage())
    assert isinstance(storage, WakingSessionStorage)
    await storage.write("1_1", {"wake_at": 1})
    await storage.close()
    assert await storage.due(math.inf, 9) == [Due(1, "1_1")]


async def test_what_is_due_goes_back_with_its_records() -> None:
    storage = RewindableStorage()
    await storage.write("1_1", {"wake_at": 1})
    await storage.write("2_2", {"wake_at": 2})
    before = storage.snapshot()
    for _ in range(2):
        await storage.delete("1_1")
        await storage.write("2_2", {"wake_at": 5})
        await storage.write("3_3", {"wake_at": 3})
        assert await storage.due(math.inf, 9) == [Due(3, "3_3"), Due(5, "2_2")]
        storage.restore(before)
        assert await storage.due(math.inf, 9) == [Due(1, "1_1"), Due(2, "2_2")]
        assert await storage.read("3_3") is None
