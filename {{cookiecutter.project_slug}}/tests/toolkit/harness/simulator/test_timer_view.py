"""The timers that are set, of all sessions."""

from __future__ import annotations

import time

from .tea_house import Desk


async def test_timers_of_all_sessions_show_the_next_one_first(desk: Desk) -> None:
    assert await desk.ask("timers") == []
    await desk.say("/order", 2)
    await desk.say("/order", 1)
    found = await desk.ask("timers")
    assert [each["key"] for each in found] == ["2_2", "1_1"]
    assert 3500 < found[0]["at"] - time.time() <= 3600
    assert "timeout" in found[0]["name"]
