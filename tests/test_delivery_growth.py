"""Many users come by once: what was held for them is let go."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from tests.delivery_kit.counting_bot import make_bot
from tests.delivery_kit.flood import Flood
from toolkit.storage.sqlite import SqliteSessionStorage

USERS = 20_000
WARM = 5_000
"""Users after whom caches and the allocator have taken what they take."""


def _resident_memory() -> int:
    """In bytes; Linux only."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
async def test_20_000_keys_leave_no_lock_no_task_and_no_memory_behind(tmp_path: Path) -> None:
    storage = SqliteSessionStorage(tmp_path / "bot.db")
    app = make_bot(storage)
    app.bot.session = flood = Flood(USERS)
    stop = asyncio.Event()
    polling = asyncio.create_task(app.start_polling(stop=stop, handle_signals=False))
    await flood.reached(WARM)
    warm = _resident_memory()
    tasks_at_most = len(asyncio.all_tasks())
    await flood.reached(USERS)
    stop.set()
    await polling

    assert _resident_memory() < 1.1 * warm
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert tasks_at_most < 300
    assert len(app.sessions.checkouts.lock) == 0
    assert len(storage._leases) == 0
    again = SqliteSessionStorage(tmp_path / "bot.db")
    assert (await again.read(f"{USERS}_{USERS}") or {})["session"] == {"count": 1}
    await again.close()
