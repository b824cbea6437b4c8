"""A clock that tests move: the time of an event loop, and the date that goes with it.

The loop and `toolkit.clock` go by it, so that `asyncio.sleep`, limits and leases do. time-machine
moves the date along, which is `datetime.now(UTC)` and `time.time()` in all modules of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import math
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from toolkit import clock

if TYPE_CHECKING:
    from time_machine import Traveller, travel

DURATION = "(?=.*[1-9])" + "".join(f"(?:([0-9]{{1,6}}){unit})?" for unit in "dhms")
"""What a duration looks like, for Python and for JavaScript."""
MOMENT = r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})"
"""What a moment looks like."""
ELSEWHERE = timezone(timedelta(hours=1))
"""Not UTC: at a date in UTC, time-machine sets the zone of the process as well."""
INSTALL = "moving the date needs the package time-machine: install the extra `dev` of the project"


def seconds_of(duration: str | timedelta) -> float:
    """Turn 90s, 15m, 24h, 30d or 1d12h into seconds. Raises ValueError that says what it may be."""
    if isinstance(duration, timedelta):
        seconds = duration.total_seconds()
    else:
        found = re.fullmatch(DURATION, duration)
        days, hours, minutes, rest = map(int, found.groups("0")) if found else (0, 0, 0, 0)
        seconds = ((days * 24 + hours) * 60 + minutes) * 60.0 + rest
    if seconds <= 0:
        raise ValueError(f"a duration is like 90s, 15m, 24h, 30d or 1d12h, not {duration!r}")
    return seconds


def duration_of(seconds: float) -> str:
    """Write whole seconds as `seconds_of` reads them: 5400 is 1h30m."""
    rest, parts = int(seconds), ""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        parts += f"{number}{unit}" if number else ""
    return parts


def moment_of(moment: str | datetime) -> datetime:
    """Read a moment with its offset from UTC. Raises ValueError that says what it looks like."""
    found = moment if isinstance(moment, datetime) else None
    if isinstance(moment, str):
        with contextlib.suppress(ValueError):
            found = datetime.fromisoformat(moment) if re.fullmatch(MOMENT, moment) else None
    if found is None or found.utcoffset() is None:
        raise ValueError(f"a moment is like 2026-11-23T10:30:00+01:00, not {moment}")
    return found


class VirtualClock:
    """The time of an event loop. It runs as the real one does, except in `held()`.

    `clock_of` returns it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.in_threads = 0
        """How many calls in threads the loop waits for."""
        self.moved = 0
        """How often it was moved."""
        self._ahead = 0.0
        self._held: float | None = None
        self._holders = self._users = 0
        self._numbers = count()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._travel: travel | None = None
        self._traveller: Traveller | None = None
        self._frozen: tuple[datetime, float] | None = None
        self._left_at = 0.0
        self._call_at, self._run_in_executor = loop.call_at, loop.run_in_executor
        self.moves = isinstance(loop, asyncio.BaseEventLoop)
        """Whether the loop goes by it: one that is not Python's own, as uvloop's, does not."""
        if self.moves:
            for method in (self.time, self.call_at, self.run_in_executor):
                setattr(loop, method.__name__, method)

    def time(self) -> float:
        """Return the time of the loop."""
        return time.monotonic() + self._ahead if self._held is None else self._held

    def call_at(self, when: float, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        """Do what the loop's method does, and note the timer."""
        handle = self._call_at(when, *arguments, **options)
        self.next_timer()
        heapq.heappush(self._timers, (when, next(self._numbers), handle))
        return handle

    def run_in_executor(self, *arguments: Any) -> asyncio.Future[Any]:
        """Do what the loop's method does, and count it while it runs."""
        future = self._run_in_executor(*arguments)
        self.in_threads += 1
        future.add_done_callback(self._leave_thread)
        return future

    def _leave_thread(self, _: asyncio.Future[Any]) -> None:
        self.in_threads -= 1

    def next_timer(self) -> float | None:
        """Return when the next timer of the loop is due; None where there is none."""
        now = self.time()
        while self._timers and (self._timers[0][0] <= now or self._timers[0][2].cancelled()):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    @contextmanager
    def used(self, now: datetime | None) -> Iterator[None]:
        """Let the toolkit go by this clock for a block; with `now`, the date stands still at it.

        Raises ValueError where that is not possible.
        """
        self._users += 1
        clock.monotonic = self.time
        try:
            if now is not None:
                self.check_moves()
                self._left_at = self.time()
                self._frozen = now.astimezone(ELSEWHERE), self._left_at
                self._show_date()
            yield
        finally:
            self._users -= 1
            if not self._users:
                clock.monotonic = time.monotonic
                self._frozen = self._traveller = None
                if self._travel is not None:
                    self._travel.stop()
                    self._travel = None

    def check_moves(self) -> None:
        """Raise ValueError where the time of the loop or the date cannot be moved."""
        if not self.moves:
            raise ValueError("time passes at once on asyncio's own event loop only")
        if _time_machine() is None:
            raise ValueError(INSTALL)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the time of the loop stand still for a block, but for `move_to`."""
        self._holders += 1
        if self._holders == 1 and self.moves:
            # What a test does between two updates takes no time where the date stands still.
            self._held = self._left_at if self._frozen else self.time()
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders and self._held is not None:
                self._left_at, self._held = self._held, None
                self._ahead = self._left_at - time.monotonic()

    def move_to(self, when: float) -> None:
        """Move the time of the loop, while it is held, and the date where that is possible."""
        before, self.moved = self.time(), self.moved + 1
        # The loop takes a timer for due when it is before now.
        self._held = math.nextafter(max(when, before), math.inf)
        self._show_date(self._held - before)

    def go_on(self, seconds: float) -> None:
        """Let the time of the loop, which is held, pass as it has passed outside."""
        if self._held is not None:
            self._held += seconds
            if self._frozen:
                self._show_date()

    def _show_date(self, passed: float = 0.0) -> None:
        if self._traveller is None and (module := _time_machine()) is not None:
            self._travel = module.travel(time.time())
            self._traveller = self._travel.start()
        if self._traveller is not None:
            if self._frozen:
                date, since = self._frozen
                passed = (self._left_at if self._held is None else self._held) - since
                self._traveller.move_to(date + timedelta(seconds=passed), tick=False)
            else:
                self._traveller.shift(passed)


def clock_of(loop: asyncio.AbstractEventLoop) -> VirtualClock:
    """Return the clock of a loop, which has it from the first time that this is asked."""
    found = getattr(loop, "virtual_clock", None)
    if found is None:
        found = VirtualClock(loop)
        setattr(loop, "virtual_clock", found)  # noqa: B010 - a loop has no such attribute
    return found


@contextmanager
def dated(now: datetime | None, *, tick: bool = False) -> Iterator[None]:
    """Begin a block at the date `now`; with `tick` time goes on. Raises ValueError if it cannot."""
    if now is None:
        yield
    elif (module := _time_machine()) is None:
        raise ValueError(INSTALL)
    else:
        with module.travel(now.astimezone(ELSEWHERE), tick=tick):
            yield


def _time_machine() -> Any:
    # It imports pytest where it is installed, which takes longer than all specs of a bot.
    absent = "pytest" not in sys.modules
    if absent:
        sys.modules["pytest"] = None  # type: ignore[assignment]
    try:
        import time_machine
    except ModuleNotFoundError:
        return None
    finally:
        if absent:
            del sys.modules["pytest"]
    return time_machine
