"""The memory store passes what every store passes, and forgets what has expired."""

from __future__ import annotations

import pytest

from toolkit.harness.conformance import (
    OpenStore,
    PortableStorageConformance,
    SharedStorageConformance,
    WakingStorageConformance,
    until_absent,
)
from toolkit.storage.memory import MemorySessionStorage


class TestMemory(SharedStorageConformance, PortableStorageConformance, WakingStorageConformance):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        return MemorySessionStorage


async def test_expired_records_that_nobody_asks_for_are_forgotten() -> None:
    storage = MemorySessionStorage()
    for number in range(100):
        await storage.write(f"old {number}", {}, expires_in=0.01)
    await until_absent(storage, "old 99")
    for number in range(60):
        await storage.write(f"new {number}", {}, expires_in=600)
    assert len(storage._records) < 70
