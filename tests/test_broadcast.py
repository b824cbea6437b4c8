"""A broadcast whose process is killed again and again reaches everybody, and nobody twice.

BROADCAST_CHATS says how many chats there are, BROADCAST_PER_SECOND the ceiling; 100,000 chats at
20,000 a second take minutes on each store.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.delivery_kit import SOURCE
from tests.delivery_kit.counting_bot import NEWS, make_bot
from tests.delivery_kit.world import BotProcess, World
from tests.stores import store_url
from tests.support import ROOT
from toolkit import open_storage
from toolkit.harness.fake_telegram.server import serve

pytestmark = pytest.mark.slow

CHATS = int(os.environ.get("BROADCAST_CHATS", "600"))
KILLS = 10
PER_SECOND = int(os.environ.get("BROADCAST_PER_SECOND", "100"))
IN_FLIGHT = 16
"""Messages that are on their way at a time."""


class Arrivals:
    """What has arrived at Telegram: for whom, and when."""

    def __init__(self, world: World, chats: int = CHATS) -> None:
        self.of: Counter[int] = Counter()
        self.times: list[float] = []
        self.refused = {chat for chat in range(1, chats + 1) if chat % 50 == 0}
        telegram = world.telegram
        for chat in range(1, chats + 1):
            telegram.private_chat(chat)
            telegram.users[chat].started = True
            telegram.users[chat].blocked = chat in self.refused
        telegram.observe(self._note)

    def _note(self, event: Any) -> None:
        if event.kind == "call" and event.data.method == "sendMessage":
            self.times.append(event.data.at)
            if event.data.error is None:
                self.of[event.data.payload["chat_id"]] += 1

    def reach(self, number: int) -> bool:
        """Tell whether that many have come."""
        return len(self.times) >= number

    def busiest(self) -> int:
        """How many messages have come in the fullest second."""
        begin = most = 0
        for end, at in enumerate(self.times):
            while self.times[begin] <= at - 1:
                begin += 1
            most = max(most, end - begin + 1)
        return most


async def fill(url: str, count: int = CHATS) -> None:
    """Put all chats into the audience."""
    storage = open_storage(url)
    record = {"since": "2026-11-23T10:30:00+00:00", "language": "en"}
    for begin in range(1, count + 1, 50):
        chats = range(begin, min(begin + 50, count + 1))
        await asyncio.gather(*(storage.write(f"audience:{chat}", record) for chat in chats))
    await storage.close()


async def run_until(bot: BotProcess, reached: Coroutine[Any, Any, object]) -> None:
    """Start the bot, and again where a busy store has ended it; return when it is through, too."""
    waiting = asyncio.create_task(reached)
    for _ in range(20):
        await bot.start()
        ended = asyncio.create_task(bot.ended())
        await asyncio.wait((waiting, ended), return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            ended.cancel()
            await asyncio.wait((ended,))
            return
        if await ended == 0:
            waiting.cancel()
            return
    raise AssertionError("the broadcast does not get through")


@pytest.mark.timeout(120 + CHATS // 20)
@pytest.mark.parametrize("store", ["sqlite", "redis", "postgres"])
async def test_after_10_kills_everybody_has_it_once_but_those_reported_as_unknown(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.delivery_kit.world.PATIENCE", 300 + CHATS / 20)
    world = World()
    arrivals = Arrivals(world)
    everybody = set(range(1, CHATS + 1)) - arrivals.refused
    chance = random.Random(store)  # noqa: S311 - no secret
    # What is under way at a kill may never arrive, so that the last messages are not waited for.
    moments = sorted(chance.sample(range(CHATS - KILLS * IN_FLIGHT), KILLS))
    limits = {"PER_SECOND": str(PER_SECOND), "LEASE_FOR": "0.5"}
    with store_url(store, tmp_path, monkeypatch) as url:
        await fill(url)
        async with world.bot(url, "broadcast", **limits) as bot:
            for moment in moments:
                await run_until(bot, world.until(partial(arrivals.reach, moment)))
                assert await bot.end(signal.SIGKILL) == -signal.SIGKILL
            await run_until(bot, asyncio.Event().wait())

        app = make_bot(open_storage(url), audience=True)
        world.telegram.attach(app.bot)
        report = await app.broadcast(NEWS, name="news")
        unknown = set(report.unknown_chats)
        before = arrivals.of.copy()
        repeated = await app.broadcast(NEWS, name="news", repeat_unknown=True)
        await app.close()

    print(f"{store}: {report}; {arrivals.busiest()} in a second")  # noqa: T201
    assert report.left == repeated.left == 0
    assert len(unknown) <= KILLS * IN_FLIGHT
    assert set(before.values()) == {1}
    assert everybody - set(before) <= unknown
    assert set(arrivals.of) == everybody
    assert {chat for chat, times in arrivals.of.items() if times > 1} <= unknown
    # What a busy machine holds up on its way arrives together with what comes after it.
    assert arrivals.busiest() <= PER_SECOND + IN_FLIGHT


def begin_command(address: str, url: str, file: Path) -> Awaitable[asyncio.subprocess.Process]:
    """Start the command with the text of a file, in a process of its own."""
    file.write_text(NEWS)
    return asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.delivery_kit.broadcasting", address, url, str(file)),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:{ROOT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # What a shell starts in the background ignores Ctrl-C, and so would this.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.timeout(120)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_command_leaves_nothing_unknown_and_says_how_to_go_on(
    signum: signal.Signals, tmp_path: Path
) -> None:
    world = World()
    arrivals = Arrivals(world, 300)
    url, file = f"sqlite:///{tmp_path}/bot.db", tmp_path / "news.html"
    await fill(url, 300)

    async with serve(world.telegram) as address:
        first = await begin_command(address, url, file)
        await world.until(partial(arrivals.reach, 20))
        first.send_signal(signum)
        _, err = await first.communicate()
        assert (first.returncode, len(arrivals.of) < 294) == (130, True)
        assert "Go on with: python -m bot broadcast" in err.decode()

        second = await begin_command(address, url, file)
        out, err = await second.communicate()

    assert (second.returncode, err.decode()) == (0, "")
    assert out.decode() == "294 sent, 6 blocked, 0 failed, 0 unknown, 0 left\n"
    assert set(arrivals.of.values()) == {1}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("store", ["sqlite", "redis", "postgres"])
async def test_two_commands_at_once_send_to_nobody_twice(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    arrivals = Arrivals(world, 300)
    with store_url(store, tmp_path, monkeypatch) as url:
        await fill(url, 300)
        async with serve(world.telegram) as address:
            both = [await begin_command(address, url, tmp_path / "news.html") for _ in range(2)]
            await asyncio.gather(*(one.communicate() for one in both))
        app = make_bot(open_storage(url), audience=True)
        report = await app.broadcast(NEWS, name="news")
        await app.close()

    assert set(arrivals.of.values()) == {1}
    assert report.left == 0
    missed = set(range(1, 301)) - arrivals.refused - set(arrivals.of)
    assert missed <= set(report.unknown_chats)
    if store != "sqlite":  # where a second process takes over
        assert [one.returncode for one in both] == [0, 0]
        assert report.unknown == 0
