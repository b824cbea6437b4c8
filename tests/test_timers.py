"""Bots that are killed again and again handle each of many timers exactly once.

TIMERS says how many timers there are over a twentieth as many sessions, TIMER_SECONDS over how long
they come due, and TIMER_KILLS how often a process is killed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.delivery_kit import SOURCE
from tests.delivery_kit.world import PATIENCE
from tests.stores import store_url
from tests.support import ROOT
from tests.timer_kit import make_bot

pytestmark = pytest.mark.slow

TIMERS = int(os.environ.get("TIMERS", "1000"))
KILLS = int(os.environ.get("TIMER_KILLS", "8"))
SECONDS = float(os.environ.get("TIMER_SECONDS", KILLS * 0.6))
EACH = 20
"""Timers of a session."""

REPLICAS = {"sqlite": 1, "redis": 3, "postgres": 3}


class Bots:
    """Processes that handle timers."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery
        self.pids: list[int] = []

    async def start(self) -> None:
        """Start one more."""
        self.pids.append(await self._ask("start"))

    async def end(self, signum: signal.Signals) -> int:
        """End one of them by a signal; returns its exit status."""
        pid = self.pids.pop(0)
        os.kill(pid, signum)
        return await self._ask(f"wait {pid}")

    async def _ask(self, line: str) -> int:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(f"{line}\n".encode())
        return int(await self.answer())

    async def answer(self) -> str:
        """The next line that it prints."""
        assert self._nursery.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self._nursery.stdout.readline()).decode().strip()


@contextlib.asynccontextmanager
async def bots(url: str) -> AsyncIterator[Bots]:
    """The process that starts bots."""
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.timer_kit", url),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:{ROOT}"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        found = Bots(nursery)
        assert await found.answer() == "ready"
        yield found
    finally:
        os.killpg(nursery.pid, signal.SIGKILL)
        await nursery.wait()


async def set_timers(app: Any, begin: datetime) -> dict[tuple[int, str], float]:
    """Set all timers, due at random moments after `begin`; return these moments."""
    chance, due = random.Random(7), {}  # noqa: S311 - no secret

    async def of_session(user: int) -> None:
        async with app.sessions.checkout(f"{user}_{user}") as context:
            for number in range(EACH):
                at = begin + timedelta(seconds=chance.uniform(0, SECONDS))
                due[user, str(number)] = at.timestamp()
                context.timers.set(f"count:{number}", at=at)

    for first in range(1, TIMERS // EACH + 1, 20):
        users = range(first, min(first + 20, TIMERS // EACH + 1))
        await asyncio.gather(*map(of_session, users))
    return due


async def until_none_is_left(app: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while await app.session_storage.due(float("inf"), 1):  # noqa: ASYNC110 - a store is silent
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("store", REPLICAS)
async def test_each_of_many_timers_is_handled_once_though_bots_are_killed(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(store)  # noqa: S311 - no secret
    with store_url(store, tmp_path, monkeypatch) as url:
        app = make_bot(url)
        begin = datetime.now(UTC) + timedelta(seconds=1)
        due = await set_timers(app, begin)
        async with bots(url) as processes:
            for _ in range(REPLICAS[store]):
                await processes.start()
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.33, 1.33) * SECONDS / KILLS)
                assert await processes.end(signal.SIGKILL) == -signal.SIGKILL
                await processes.start()
            recovered = time.time()
            await until_none_is_left(app)
            while processes.pids:
                assert await processes.end(signal.SIGTERM) == 0
        late: dict[tuple[int, str], float] = {}
        for user in range(1, TIMERS // EACH + 1):
            record = await app.session_storage.read(f"{user}_{user}")
            assert record is not None
            session = record["session"]
            assert session["times"] == {str(number): 1 for number in range(EACH)}, user
            assert "timers" not in record
            late |= {(user, name): at - due[user, name] for name, at in session["at"].items()}
        assert [key async for key in app.session_storage.read_all_keys("dead:")] == []
        await app.close()
    after = [seconds for timer, seconds in late.items() if due[timer] > recovered]
    print(  # noqa: T201
        f"{store}: {len(late):,} timers, {KILLS} kills; at most {max(late.values()):.1f} s late, "
        f"{max(after, default=0.0):.1f} s of the {len(after):,} that were due after the last kill"
    )


async def test_a_timer_that_comes_due_while_no_bot_runs_is_handled_when_one_does(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    app = make_bot(url)
    async with app.sessions.checkout("5_5") as context:
        context.timers.set("count:late", at=datetime.now(UTC) - timedelta(hours=24))
        context.timers.set(
            "count:daily", at=datetime.now(UTC) - timedelta(days=9), every=timedelta(days=1)
        )
    async with bots(url) as processes:
        await processes.start()
        async with asyncio.timeout(PATIENCE):
            while True:
                record = await app.session_storage.read("5_5")
                assert record is not None
                if sum(record["session"]["times"].values()) == 2:
                    break
                await asyncio.sleep(0.05)
        assert await processes.end(signal.SIGTERM) == 0
    assert record["session"]["times"] == {"late": 1, "daily": 1}
    assert time.time() < record["wake_at"] <= time.time() + 86_400
    await app.close()


def has_died(pid: int) -> bool:
    """Tell whether a process has ended and waits to be asked how."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("store", REPLICAS)
async def test_a_timer_that_kills_the_process_is_set_aside_and_the_others_are_handled(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_url(store, tmp_path, monkeypatch) as url:
        await set_one_aside(url)


async def set_one_aside(url: str) -> None:
    """Have processes handle timers, one of which none of them survives."""
    app: Any = make_bot(url)
    for user in range(1, 21):
        async with app.sessions.checkout(f"{user}_{user}") as context:
            context.timers.set("die" if user == 7 else f"count:{user}", after=0)
    deaths = 0
    async with bots(url) as processes, asyncio.timeout(PATIENCE):
        await processes.start()
        while await app.session_storage.due(float("inf"), 1):
            await asyncio.sleep(0.05)
            if has_died(processes.pids[0]):
                deaths += 1
                assert deaths < 10
                await processes.end(signal.SIGKILL)
                await processes.start()
        assert await processes.end(signal.SIGTERM) == 0
    letter = await app.session_storage.read("dead:timer:7_7:die")
    assert letter is not None
    assert "the process has died 3 times at this timer alone" in letter["error"]
    assert [key async for key in app.session_storage.read_all_keys("dead:")] == [
        "dead:timer:7_7:die"
    ]
    for user in (*range(1, 7), *range(8, 21)):
        record = await app.session_storage.read(f"{user}_{user}")
        assert record is not None
        assert record["session"]["times"] == {str(user): 1}
    await app.close()
