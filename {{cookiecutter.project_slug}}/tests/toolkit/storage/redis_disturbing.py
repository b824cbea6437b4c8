"""Writes to a store at random, without end. As a program it does so until it is killed."""

from __future__ import annotations

import asyncio
import math
import random
import sys
from typing import Any

from toolkit.errors import StorageError
from toolkit.storage.base import UNCHANGED
from toolkit.storage.redis import RedisSessionStorage

BOT = "bots:7:"
KEYS = [f"{number}_1" for number in range(12)] + [f"{BOT}{number}_1" for number in range(4)]
MOMENTS = [None, *range(1, 9), math.pi]


async def disturb(storage: RedisSessionStorage, name: str) -> None:
    """Call one verb after the other."""
    chance = random.Random(name)  # noqa: S311 - no secret
    while True:
        key, at = chance.choice(KEYS), chance.choice(MOMENTS)
        value: dict[str, Any] = {"by": name} if at is None else {"by": name, "wake_at": at}
        try:
            verb = chance.randrange(6)
            if verb == 0:
                await storage.write(key, value)
            elif verb == 1:
                await storage.add(key, value)
            elif verb == 2:
                await storage.delete(key)
            elif verb == 3:
                await storage.due(math.inf, chance.choice([1, 3, 100]))
            else:
                lease = await storage.checkout(key, holder=name, lease_for=0.5)
                await storage.checkin(lease, chance.choice([value, value, None, UNCHANGED]))
        except StorageError:
            await asyncio.sleep(0.001)


async def main(url: str, name: str) -> None:
    """Do it in ten tasks, and say when they begin."""
    storage = RedisSessionStorage(url)
    await storage.read("")
    print("begins", flush=True)  # noqa: T201
    await asyncio.gather(*(disturb(storage, f"{name}-{task}") for task in range(10)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
