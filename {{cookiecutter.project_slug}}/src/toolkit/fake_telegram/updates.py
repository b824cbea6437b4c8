"""The updates that wait for the bot: numbered, confirmed by offset, waited for."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

Json = dict[str, Any]


class UpdateQueue:
    """Updates in order, kept until confirmed; `put` wakes whoever waits."""

    def __init__(self, first_id: int = 1) -> None:
        self._pending: OrderedDict[int, Json] = OrderedDict()
        self._next_id = first_id
        self._waiters: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._pending)

    def put(self, kind: str, content: Json) -> Json:
        """Number an update, queue it and return it."""
        update = {"update_id": self._next_id, kind: content}
        self._pending[self._next_id] = update
        self._next_id += 1
        self._wake()
        return update

    def confirm(self, before: int) -> None:
        """Forget every update with an id lower than `before`."""
        while self._pending and next(iter(self._pending)) < before:
            self._pending.popitem(last=False)

    def take(self) -> list[Json]:
        """Remove and return everything that waits."""
        waiting = list(self._pending.values())
        self._pending.clear()
        return waiting

    def peek(self, limit: int = 100) -> list[Json]:
        """The first `limit` updates, left in the queue."""
        return [update for update, _ in zip(self._pending.values(), range(limit), strict=False)]

    async def wait(self, timeout: float | None = None) -> None:
        """Return as soon as something is queued, or after `timeout` seconds."""
        if self._pending:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout)
        finally:
            self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
