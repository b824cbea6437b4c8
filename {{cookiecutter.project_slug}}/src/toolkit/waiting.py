"""Locks per key, deadlines, and pauses between tries."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from toolkit import clock
from toolkit.errors import SessionBusy

T = TypeVar("T")


class _Line:
    __slots__ = ("holder", "since", "waiters")

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.since = clock.monotonic()
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

    def waiting(self, key: str) -> int:
        """Return how many wait for the key behind its holder."""
        line = self._lines.get(key)
        return len(line.waiters) if line and line.waiters else 0

    def holder(self, key: str) -> str:
        """Return who holds the key, `""` for nobody."""
        line = self._lines.get(key)
        return line.holder if line else ""

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
            # The limit is per holder: a long queue that moves is no error.
            while not turn.done():
                left = line.since + patience - clock.monotonic()
                if left <= 0:
                    raise SessionBusy(key, line.holder)
                await asyncio.wait((turn,), timeout=None if left == math.inf else left)
        except BaseException:
            if turn.done():
                self.release(key)
            else:
                line.waiters.remove(entry)
            raise

    def release(self, key: str, holder: str | None = None) -> None:
        """Give the key to the next in line; with a `holder`, only if that one still has it."""
        line = self._lines.get(key) if holder is not None else self._lines[key]
        if line is None or (holder is not None and line.holder != holder):
            return
        if not line.waiters:
            del self._lines[key]
            return
        line.holder, turn = line.waiters.popleft()
        line.since = clock.monotonic()
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
            self.release(key, holder)


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
        self._items[item] = clock.monotonic() + self.seconds
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._wait(loop, self.seconds)

    def remove(self, item: T) -> None:
        """Forget an item; one that was due already is fine."""
        # The timer is left to run: it finds the next oldest, or nothing, at most once a period.
        self._items.pop(item, None)

    def _wait(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        # In no context: it serves many, and what it starts is not about the one that came first.
        loop.call_later(seconds, self._look, loop, context=Context())

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        now = clock.monotonic()
        for item, at in list(self._items.items()):
            if at > now:
                self._wait(loop, at - now)
                return
            del self._items[item]
            self._due(item)


class Deadlines(SharedTimer["TimeLimit"]):
    """Bounds work to `seconds`: `with deadlines.bound() as limit: await work`.

    Like `asyncio.timeout` it cancels the task and raises `TimeoutError`; `limit.expired` tells it
    from a `TimeoutError` of the work itself. Work that swallows its cancellation is cancelled again
    every `grace` seconds, and raises when it returns all the same; after `ATTEMPTS` times it is
    given up, and `give_up()` is called.
    """

    ATTEMPTS = 3

    def __init__(self, seconds: float, grace: float = 1.0) -> None:
        super().__init__(seconds, self._expire)
        self._again = SharedTimer[TimeLimit](grace, self._expire)

    def bound(self, give_up: Callable[[], object] = lambda: None) -> TimeLimit:
        """Return a limit that starts when its `with` block is entered."""
        return TimeLimit(self, give_up)

    def remove(self, item: TimeLimit) -> None:
        """Forget a limit, whether it has passed or not."""
        super().remove(item)
        if item.expired:
            self._again.remove(item)

    def _expire(self, limit: TimeLimit) -> None:
        limit.expired += 1
        if limit.expired > self.ATTEMPTS:
            limit.give_up()
            return
        limit.task.cancel()
        self._again.add(limit)


class TimeLimit:
    """The time limit of one `with` block; `expired` counts how often its work was cancelled."""

    __slots__ = ("_begun", "_cancelling", "_deadlines", "expired", "give_up", "task")
    task: asyncio.Task[object]

    def __init__(self, deadlines: Deadlines, give_up: Callable[[], object]) -> None:
        self._deadlines = deadlines
        self.give_up = give_up
        self.expired = 0

    @property
    def is_over(self) -> bool:
        """Whether the time is over, also where a blocked loop kept that from being noticed."""
        return self.expired > 0 or clock.monotonic() - self._begun >= self._deadlines.seconds

    def __enter__(self) -> TimeLimit:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a running task")
        self.task = task
        self._cancelling = task.cancelling()
        self._begun = clock.monotonic()
        self._deadlines.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._deadlines.remove(self)
        if not self.expired:
            return
        for _ in range(min(self.expired, self._deadlines.ATTEMPTS)):
            left = self.task.uncancel()
        if left <= self._cancelling and (kind is None or issubclass(kind, asyncio.CancelledError)):
            raise TimeoutError from error


on_give_up: ContextVar[Callable[[asyncio.Task[Any] | None], object]] = ContextVar(
    "on_give_up", default=lambda _: None
)
"""What else is to be done when work of this context is given up: it is told whose, if known."""


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
