"""Leases are renewed while their handlers work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

H = TypeVar("H")


class Renewals(Generic[H]):
    """Calls ``renew`` on all that is held, every ``period`` seconds, for as long as that says so.

    One timer serves all: most are put back long before it rings.
    """

    def __init__(self, renew: Callable[[H], Awaitable[bool]], period: float) -> None:
        self._renew = renew
        self._period = period
        self._due: dict[H, float] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, held: H) -> None:
        """Renew ``held`` from now on."""
        self._due[held] = monotonic() + self._period
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._wait(loop, self._period)

    def end(self, held: H) -> None:
        """Renew ``held`` no longer."""
        self._due.pop(held, None)

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        loop.call_later(seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        now = monotonic()
        for held, due in list(self._due.items()):
            if due > now:
                self._wait(loop, due - now)
                return
            del self._due[held]
            task = loop.create_task(self._again(held))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _again(self, held: H) -> None:
        if await self._renew(held):
            self.begin(held)
