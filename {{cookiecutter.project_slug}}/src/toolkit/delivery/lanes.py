"""Updates of one key one after another, those of different keys at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from aiogram.types import Update


class Lanes:
    """Runs ``work`` on updates, in order of arrival within a key.

    The line at the session itself keeps that order too, but an update that is waiting to be tried
    again does not stand in it. ``work`` must not raise.
    """

    def __init__(self, work: Callable[[Update], Awaitable[None]]) -> None:
        self._work = work
        self._lanes: dict[str, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, key: str | None, update: Update) -> None:
        """Begin with ``update``, or queue it behind those of its key."""
        if key is not None and (lane := self._lanes.get(key)) is not None:
            lane.append(update)
            return
        lane = deque((update,))
        if key is not None:
            self._lanes[key] = lane
        task = asyncio.create_task(self._run(key, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, limit: float, last_words: float = 0.5) -> None:
        """Let everything run for ``limit`` seconds, then cancel what is left.

        What does not even end when it is cancelled is left behind after ``last_words`` seconds.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit)
        late = [*self._tasks]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=last_words)

    async def _run(self, key: str | None, lane: deque[Update]) -> None:
        try:
            while lane:
                await self._work(lane.popleft())
        finally:
            if key is not None:
                del self._lanes[key]
