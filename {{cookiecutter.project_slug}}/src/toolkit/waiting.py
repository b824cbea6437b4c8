"""Waiting: in line for a key, never longer than allowed, and before the next try."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Generic, TypeVar

from toolkit.errors import SessionBusy

T = TypeVar("T")


class _Line:
    __slots__ = ("holder", "since", "waiters")

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.since = monotonic()
        self.waiters: deque[tuple[str, asyncio.Future[None]]] | None = None


class KeyedLock:
    """A lock per key, first come first served; nothing is kept for a key without a holder."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def try_acquire(self, key: str, holder: str) -> bool:
        """Take the key if it is free; tell whether it was."""
        if key in self._lines:
            return False
        self._lines[key] = _Line(holder)
        return True

    async def acquire(self, key: str, holder: str, patience: float = math.inf) -> None:
        """Take the key, behind all who wait for it.

        Raises `SessionBusy` when one holder keeps it for `patience` seconds.
        """
        if self.try_acquire(key, holder):
            return
        line = self._lines[key]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (holder, turn)
        if line.waiters is None:
            line.waiters = deque()
        line.waiters.append(entry)
        try:
            # The clock runs against the present holder: a long line that moves is no fault.
            while not turn.done():
                left = line.since + patience - monotonic()
                if left <= 0:
                    raise SessionBusy(key, line.holder)
                await asyncio.wait((turn,), timeout=None if left == math.inf else left)
        except BaseException:
            if turn.done():
                self.release(key)
            else:
                line.waiters.remove(entry)
            raise

    def release(self, key: str) -> None:
        """Give the key to the next in line."""
        line = self._lines[key]
        if not line.waiters:
            del self._lines[key]
            return
        line.holder, turn = line.waiters.popleft()
        line.since = monotonic()
        turn.set_result(None)

    @asynccontextmanager
    async def hold(self, key: str | None, holder: str = "") -> AsyncIterator[None]:
        """Hold the key during a block; `None` is no key, and waits for nothing."""
        if key is None:
            yield
            return
        await self.acquire(key, holder)
        try:
            yield
        finally:
            self.release(key)


class SharedTimer(Generic[T]):
    """Calls `due(item)` `seconds` after each item was added, unless it was removed before.

    A timer of the event loop per item would cost more than the session itself, as every update
    meets several limits. Limits of one kind are equally long, so that the oldest is always the
    first to pass, and one timer serves them all.
    """

    def __init__(self, seconds: float, due: Callable[[T], object]) -> None:
        self.seconds = seconds
        self._due = due
        self._items: dict[T, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item: T) -> bool:
        return item in self._items

    def add(self, item: T) -> None:
        """Start the time of an item."""
        self._items[item] = monotonic() + self.seconds
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._wait(loop, self.seconds)

    def remove(self, item: T) -> None:
        """Forget an item; one that was due already is fine."""
        # The timer is left to run: it finds the next oldest, or nothing, at most once a period.
        self._items.pop(item, None)

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        loop.call_later(seconds, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        now = monotonic()
        for item, at in list(self._items.items()):
            if at > now:
                self._wait(loop, at - now)
                return
            del self._items[item]
            self._due(item)


class Deadlines(SharedTimer["TimeLimit"]):
    """Bounds work to `seconds`: `with deadlines.bound() as limit: await work`.

    Like `asyncio.timeout` it cancels the task and raises `TimeoutError`; `limit.expired` tells it
    from a `TimeoutError` of the work itself.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds, TimeLimit.expire)

    def bound(self) -> TimeLimit:
        """Return a limit that starts when its `with` block is entered."""
        return TimeLimit(self)


class TimeLimit:
    """The time limit of one `with` block."""

    __slots__ = ("_cancelling", "_deadlines", "expired", "task")
    task: asyncio.Task[object]

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self.expired = False

    def expire(self) -> None:
        """End the block."""
        self.expired = True
        self.task.cancel()

    def __enter__(self) -> TimeLimit:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a running task")
        self.task = task
        self._cancelling = task.cancelling()
        self._deadlines.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._deadlines.remove(self)
        if (
            self.expired
            and self.task.uncancel() <= self._cancelling
            and kind is not None
            and issubclass(kind, asyncio.CancelledError)
        ):
            raise TimeoutError from error


@dataclass(frozen=True)
class Backoff:
    """Growing pauses after errors of the kinds `on`; calling it with any other error gives `None`.

    The pause is in seconds, at random between half and all of `first`, `2 * first`, … up to
    `longest`, so that clients of one server do not come back at the same time.
    """

    on: tuple[type[Exception], ...]
    first: float = 1.0
    longest: float = 30.0

    def __call__(self, error: Exception, attempt: int) -> float | None:
        """Return the pause after the failed `attempt`, which counts from 1."""
        if not isinstance(error, self.on):
            return None
        whole = min(self.first * 2.0 ** min(attempt - 1, 32), self.longest)
        return random.uniform(0.5, 1.0) * whole  # noqa: S311 - no secret


async def retrying(
    work: Callable[[], Awaitable[T]],
    pause: Callable[[Exception, int], float | None],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Await `work()` again and again until it returns.

    `pause` is given each error and the number of the failed attempt; it returns the seconds to wait
    before the next one, or `None` where there is none. The error is raised then, and also when
    `sleep` returns something true.
    """
    attempt = 1
    while True:
        try:
            return await work()
        except Exception as error:
            seconds = pause(error, attempt)
            if seconds is None or await sleep(seconds):
                raise
        attempt += 1


async def sleep_unless(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but not longer than until `stop` is set; tell whether it is."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
