"""A bot that is killed again and again: every update takes effect on its session exactly once."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from tests.delivery_kit.counting_bot import POISONED
from tests.delivery_kit.world import World, counts
from toolkit.storage.sqlite import SqliteSessionStorage

USERS, EACH, KILLS = 200, 10, 50


async def _survive(storage: Path, mode: str, signum: signal.Signals) -> World:
    """Serve all updates with a bot that gets `signum` at random moments."""
    world = World()
    world.say(USERS, EACH)
    chance = random.Random(f"{mode} {signum}")  # noqa: S311 - no secret
    moments = sorted(chance.sample(range(USERS * EACH), KILLS))
    async with world.bot(f"sqlite:///{storage}", mode) as bot:
        for moment in moments:
            await bot.start()
            await world.until_answered(moment)
            # A signal may also come before the bot listens for any.
            assert await bot.end(signum) in (0, -signum)
        await bot.start()
        await world.until_confirmed()
        assert await bot.end(signal.SIGTERM) in (0, -signal.SIGTERM)
    return world


EVERY_COUNTER_EXACT = {f"{user}_{user}": EACH for user in range(1, USERS + 1)}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_after_50_kills_every_counter_is_exact(mode: str, tmp_path: Path) -> None:
    await _survive(tmp_path / "bot.db", mode, signal.SIGKILL)

    assert await counts(SqliteSessionStorage(tmp_path / "bot.db")) == EVERY_COUNTER_EXACT


@pytest.mark.slow
async def test_kills_set_no_slow_update_aside_that_had_nothing_to_do_with_them(
    tmp_path: Path,
) -> None:
    world = World()
    for user in range(1, 21):
        world.telegram.send_text(user, "slow")
    storage = SqliteSessionStorage(tmp_path / "bot.db")

    async def is_in_progress() -> bool:
        records = [await storage.read(key) async for key in storage.read_all_keys("parked:")]
        return any(record["begun"] for record in records if record)

    async with world.bot(f"sqlite:///{tmp_path}/bot.db", "polling") as bot:
        await bot.start()
        await world.until_confirmed()
        for _ in range(4):
            while not await is_in_progress():  # noqa: ASYNC110 - a store raises no event
                await asyncio.sleep(0.02)
            await bot.end(signal.SIGKILL)
            await bot.start()
        await world.until_answered(20)
        assert await bot.end(signal.SIGTERM) in (0, -signal.SIGTERM)

    assert await counts(storage) == {f"{user}_{user}": 1 for user in range(1, 21)}
    await storage.close()


@pytest.mark.slow
@pytest.mark.parametrize(("before", "deaths"), [(0, 2), (20, 3)])
async def test_a_message_that_kills_the_process_is_set_aside_and_the_others_are_served(
    before: int, deaths: int, tmp_path: Path
) -> None:
    world = World()
    for user in range(1, before + 1):
        world.telegram.send_text(user, "hello")
    world.telegram.send_text(999, "poison")
    for user in range(before + 1, 51):
        world.telegram.send_text(user, "hello")

    async with world.bot(f"sqlite:///{tmp_path}/bot.db", "polling") as bot:
        for _ in range(deaths):
            await bot.start()
            assert await bot.ended() == POISONED
        await bot.start()
        await world.until_confirmed()
        assert await bot.end(signal.SIGTERM) in (0, -signal.SIGTERM)

    storage = SqliteSessionStorage(tmp_path / "bot.db")
    dead = [key async for key in storage.read_all_keys("dead:")]
    assert dead == [f"dead:{before + 1}"]
    letter = await storage.read(*dead)
    assert letter is not None
    assert letter["update"]["message"]["text"] == "poison"
    await storage.delete(*dead)
    assert await counts(storage) == {f"{user}_{user}": 1 for user in range(1, 51)}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_an_orderly_stop_waits_for_what_handlers_have_started(
    mode: str, tmp_path: Path
) -> None:
    world = World()
    for user in range(1, 21):
        world.telegram.send_text(user, "later")
    async with world.bot(f"sqlite:///{tmp_path}/bot.db", mode) as bot:
        await bot.start()
        await world.until(lambda: world.answers_with("later") == 20)
        assert await bot.end(signal.SIGTERM) in (0, -signal.SIGTERM)

    storage = SqliteSessionStorage(tmp_path / "bot.db")
    assert await counts(storage) == {f"{user}_{user}": 11 for user in range(1, 21)}
    assert world.answers_with("counted on") == 20
    await storage.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_after_50_orderly_stops_every_message_was_sent_once(
    mode: str, tmp_path: Path
) -> None:
    world = await _survive(tmp_path / "bot.db", mode, signal.SIGTERM)

    assert await counts(SqliteSessionStorage(tmp_path / "bot.db")) == EVERY_COUNTER_EXACT
    assert len(world.answers) == USERS * EACH
    assert set(world.answers.values()) == {1}
