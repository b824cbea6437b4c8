"""Storms: bot and server are killed, connections cut and stalled, answers lost, all at random."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.delivery_kit.world import PATIENCE, BotProcess, World, counts
from tests.stores import SERVERS, Proxy, Server, running
from toolkit import open_storage

pytestmark = pytest.mark.slow

ROUNDS, KILL_EVERY = 15, 5
"""In each round everybody says something, and then there is trouble. Every fifth time the trouble
is the end of the bot, and somebody has just said something slow."""

USERS = {"sqlite": 50, "redis": 50, "postgres": 50, "mongodb": 10}
"""By store; the MongoDB of the tests is a small one."""

Trouble = Callable[[float], Awaitable[None]]
"""Lasts about so many seconds."""


@pytest.mark.parametrize("mode", ["polling", "webhook"])
@pytest.mark.parametrize("store", USERS)
async def test_a_storm_loses_nothing_doubles_nothing_and_sets_nothing_aside(
    store: str, mode: str, tmp_path: Path
) -> None:
    chance = random.Random(f"{store} {mode}")  # noqa: S311 - no secret
    world = World()
    users = USERS[store]
    said = Counter(dict.fromkeys(range(1, users + 1), ROUNDS))
    async with contextlib.AsyncExitStack() as stack:
        environment = {}
        if store == "sqlite":
            url = bot_url = f"sqlite:///{tmp_path}/bot.db"
            troubles: list[Trouble] = [partial(_lock, tmp_path / "bot.db")]
        else:
            server: Any = stack.enter_context(running(SERVERS[store]()))
            proxy = await stack.enter_async_context(Proxy(server.port))
            url = server.url
            bot_url = url.replace(f":{server.port}", f":{proxy.port}")
            troubles = [
                partial(_restart, server),
                partial(_cut, proxy),
                partial(_stall, proxy),
                partial(_lose_answers, proxy),
            ]
            environment["LEASE_FOR"] = "6"
        if store == "mongodb":
            # Else the driver asks the server where it is, and goes there past the proxy.
            bot_url += "/bot?directConnection=true"
            url += "/bot"
        bot = await stack.enter_async_context(world.bot(bot_url, mode, **environment))
        async with _supervised(bot) as kill:
            for number in range(ROUNDS):
                world.say(users, 1)
                if number % KILL_EVERY == 0:
                    user = chance.randint(1, users)
                    world.telegram.send_text(user, "slow")
                    said[user] += 1
                await asyncio.sleep(chance.random())
                trouble = kill if number % KILL_EVERY == 1 else chance.choice(troubles)
                await trouble(chance.uniform(0.1, 2))
            await world.until_confirmed()
            storage = open_storage(url)
            async with asyncio.timeout(PATIENCE):
                # A store raises no event.
                while [key async for key in storage.read_all_keys("parked:")]:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        found = await counts(storage)
        await storage.close()
    assert found == {f"{user}_{user}": times for user, times in said.items()}


@contextlib.asynccontextmanager
async def _supervised(bot: BotProcess) -> AsyncIterator[Trouble]:
    """Start the bot whenever it has ended, as a service manager does; yields what kills it."""
    calm = False

    async def keep_running() -> None:
        while not calm:
            await bot.start()
            await bot.ended()

    async def kill(seconds: float) -> None:
        bot.signal(signal.SIGKILL)
        await asyncio.sleep(seconds)

    keeper = asyncio.create_task(keep_running())
    try:
        yield kill
        calm = True
        bot.signal(signal.SIGTERM)
        await keeper
    finally:
        keeper.cancel()


async def _restart(server: Server, seconds: float) -> None:
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(server.start)


async def _cut(proxy: Proxy, seconds: float) -> None:
    proxy.cut()
    await asyncio.sleep(seconds)


async def _stall(proxy: Proxy, seconds: float) -> None:
    proxy.speaks.clear()
    await asyncio.sleep(seconds)
    proxy.speaks.set()


async def _lose_answers(proxy: Proxy, seconds: float) -> None:
    proxy.loses_answers = True
    await asyncio.sleep(seconds)
    proxy.loses_answers = False


async def _lock(path: Path, seconds: float) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
        database.execute("ROLLBACK")
