"""A store that fails at the 1st, 2nd, … nth call: nothing is lost, overwritten or left locked."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from itertools import count
from operator import eq
from pathlib import Path
from typing import Any

import pytest

from tests.delivery_kit.failing import FailingSharedStorage, FailingStorage
from tests.delivery_kit.pace import _at_a_quicker_pace  # noqa: F401 - a fixture
from tests.delivery_kit.world import World, counts
from toolkit import MemorySessionStorage
from toolkit.storage.sqlite import SqliteSessionStorage

USERS, EACH = 3, 3
STORES = ["memory", "sqlite", "plain verbs only"]
HOW = ["refused", "lost", "hangs", "hangs after"]

pytestmark = pytest.mark.slow


async def _talk(storage: Any) -> None:
    """Have all users talk to the bot, check their sessions, and go on talking."""
    world = World()
    world.say(USERS, EACH)
    async with world.bot_here(storage) as app:
        app.sessions.checkouts._deadlines.seconds = 0.05
        await world.until_confirmed()
        expected = {f"{user}_{user}": EACH for user in range(1, USERS + 1)}
        assert await counts(storage.inner) == expected
        assert len(app.sessions.checkouts.lock) == 0
        assert len(storage.inner._leases) == 0
        world.say(USERS, 1)
        await world.until_confirmed()
        assert await counts(storage.inner) == dict.fromkeys(expected, EACH + 1)


def _store(kind: str, path: Path, when: Callable[[int], bool], how: str) -> FailingStorage:
    if kind == "sqlite":
        return FailingSharedStorage(SqliteSessionStorage(path), when, how)
    wrapper = FailingStorage if kind == "plain verbs only" else FailingSharedStorage
    return wrapper(MemorySessionStorage(), when, how)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", STORES)
async def test_a_failure_of_any_single_call_costs_nothing(
    kind: str, how: str, tmp_path: Path
) -> None:
    for number in count(1):
        storage = _store(kind, tmp_path / f"{number}.db", partial(eq, number), how)
        await _talk(storage)
        await storage.inner.close()
        if not storage.failures:
            break
    assert number > 2 * USERS * EACH


def _one_call_in_three(call: int) -> bool:
    # Not every third: that could be the same step of every attempt, for ever.
    return random.Random(call).random() < 1 / 3  # noqa: S311 - no secret


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("kind", STORES)
async def test_a_store_that_fails_at_one_call_in_three_loses_nothing(
    kind: str, how: str, tmp_path: Path
) -> None:
    storage = _store(kind, tmp_path / "bot.db", _one_call_in_three, how)
    await _talk(storage)
    await storage.inner.close()
    assert storage.failures > USERS
