"""Four replicas behind nginx share one store: every update counts once, no slot is given twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.delivery_kit import SOURCE
from tests.delivery_kit.world import PATIENCE, World
from tests.replica_kit.firehose import post
from tests.replica_kit.nginx import Nginx
from tests.stores import running, store_url
from tests.support import ROOT
from toolkit.harness.fake_telegram.server import serve
from toolkit.storage import open_storage

pytestmark = pytest.mark.slow

USERS, EACH, RIVALS = 500, 8, 10
"""People, messages of each, and how many of them want each slot."""


class Replicas:
    """Processes of one bot."""

    def __init__(self, nursery: asyncio.subprocess.Process) -> None:
        self._nursery = nursery

    async def start(self, port: int) -> int:
        """Start one; returns its process id. It need not be ready then."""
        return await self._ask(f"start {port}")

    async def end(self, pid: int, signum: signal.Signals) -> int:
        """Send it a signal and wait for its end; returns its exit status."""
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
async def replicas(world: World, nginx: Nginx, storage_url: str) -> AsyncIterator[Replicas]:
    """The nursery of replicas, and the Telegram that delivers to them by the way of the proxy."""
    async with serve(world.telegram, retry_delay=0.1, max_retry_delay=1.0) as api_url:
        nursery = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.replica_kit.nursery"),
            *(api_url, storage_url, nginx.url),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{SOURCE}:{ROOT}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            processes = Replicas(nursery)
            assert await processes.answer() == "ready"
            yield processes
        finally:
            os.killpg(nursery.pid, signal.SIGKILL)
            await nursery.wait()


def want_slots(world: World) -> None:
    """Have every user name `EACH` slots, half of them in a group and at the same time.

    Both share one session, but Telegram delivers chats side by side: to whichever replica is next.
    """
    for number in range(0, EACH, 2):
        for user in range(1, USERS + 1):
            slot = user % (USERS // RIVALS)
            world.telegram.send_text(user, f"{number}-{slot}")
            world.telegram.send_text(user, f"{number + 1}-{slot}", chat_id=-user)


@pytest.fixture(params=["redis", "postgres"])
def storage_url(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    with store_url(request.param, tmp_path, monkeypatch) as url:
        yield url


async def test_one_is_killed_and_one_drained_and_every_count_and_every_slot_is_right(
    storage_url: str,
) -> None:
    world = World()
    want_slots(world)
    with running(Nginx(replicas=4)) as nginx:
        async with replicas(world, nginx, storage_url) as processes:
            begun = time.monotonic()
            pids = [await processes.start(port) for port in nginx.ports]
            await world.until(lambda: len(world.telegram.updates) <= 0.75 * USERS * EACH)
            assert await processes.end(pids[0], signal.SIGKILL) == -signal.SIGKILL
            await world.until(lambda: len(world.telegram.updates) <= 0.5 * USERS * EACH)
            assert await processes.end(pids[1], signal.SIGTERM) == 0
            await world.until_confirmed()
            print(f"{USERS * EACH:,} updates in {time.monotonic() - begun:.1f} s")  # noqa: T201
            for pid in pids[2:]:
                assert await processes.end(pid, signal.SIGTERM) == 0

    storage = open_storage(storage_url)
    owners: dict[str, int] = {}
    claimed: list[tuple[str, int]] = []
    async for key in storage.read_all_keys():
        record = await storage.read(key)
        assert record is not None
        if key.startswith("slot:"):
            owners[key] = record["owner"]
        else:
            user = int(key.partition("_")[0])
            assert record["session"]["count"] == EACH, key
            claimed += [(slot, user) for slot in record["session"]["slots"]]
    await storage.close()
    assert len(owners) == USERS * EACH // RIVALS
    assert sorted(claimed) == sorted(owners.items())


async def test_the_throughput_of_two_replicas_is_reported_beside_that_of_one(
    storage_url: str,
) -> None:
    speeds = []
    for number in (1, 2):
        world = World()
        with running(Nginx(replicas=number)) as nginx:
            async with replicas(world, nginx, storage_url) as processes:
                pids = [await processes.start(port) for port in nginx.ports]
                await asyncio.gather(*map(until_ready, nginx.ports))
                users = range(number * 1_000, number * 1_000 + USERS)
                begun = time.monotonic()
                await post(nginx.url, users, [f"{number}-{text}" for text in range(EACH // 4)])
                speeds.append(USERS * EACH / 4 / (time.monotonic() - begun))
                for pid in pids:
                    assert await processes.end(pid, signal.SIGTERM) == 0
    one, two = speeds
    cores = len(os.sched_getaffinity(0))
    print(  # noqa: T201
        f"{one:,.0f} updates/s with one replica, {two:,.0f} with two, {two / one:.2f} times as "
        f"many, on {cores} cores that sender, proxy and database share"
    )


async def until_ready(port: int) -> None:
    """Wait until a replica takes updates."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.01)
