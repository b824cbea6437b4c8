"""One timer for many deadlines of the same length.

``asyncio.timeout`` sets and cancels a timer of its own each time. On the path of every update that
costs more than the session itself, and all deadlines here are equally long: the oldest is always
the first to pass.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from types import TracebackType


class Deadlines:
    """Bounds work to ``seconds``: ``with deadlines.bound() as limit: await work``.

    Like ``asyncio.timeout`` it cancels the task and raises `TimeoutError`; ``limit.expired`` tells
    it from a `TimeoutError` of the work itself.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: dict[Limit, None] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._running)

    def bound(self) -> Limit:
        """A limit that starts when its ``with`` block is entered."""
        return Limit(self)

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        loop.call_later(seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        now = monotonic()
        for limit in self._running:
            if limit.at > now:
                self._wait(loop, limit.at - now)
                return
            if not limit.expired:
                limit.expired = True
                limit.task.cancel()


class Limit:
    """The time limit of one ``with`` block."""

    __slots__ = ("_cancelling", "_deadlines", "at", "expired", "task")
    task: asyncio.Task[object]
    at: float

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.expired = False

    def __enter__(self) -> Limit:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a time limit needs a running task")
        self.task = task
        self._cancelling = task.cancelling()
        deadlines = self._deadlines
        self.at = monotonic() + deadlines.seconds
        deadlines._running[self] = None
        if deadlines._loop is not loop:
            deadlines._wait(loop, deadlines.seconds)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The timer is left to run: it finds the next oldest, or nothing, at most once a period.
        del self._deadlines._running[self]
        if (
            self.expired
            and self.task.uncancel() <= self._cancelling
            and kind is not None
            and issubclass(kind, asyncio.CancelledError)
        ):
            raise TimeoutError from error
