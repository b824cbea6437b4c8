"""Wait for what handlers do and for what they started, without sleeping.

A handler may float a call: `asyncio.create_task(message.answer("…"))`. Such tasks belong to the
update that started them, so the harness lets them run until they are done. A task that waits for
time (`asyncio.sleep`) or for another task's signal (a queue, a lock, an event) is left alone: it
is a reminder or a worker, and may wait for ever. When the handler itself waits for time, the clock
is moved on to the next timer; what waits for a thread or a socket gets the time that it takes.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import iscoroutine, isgenerator
from types import FrameType
from typing import Any

from toolkit.harness.clock import VirtualClock, clock_of

Task = asyncio.Task[Any]

GRACE = 1.0
"""Seconds that a floated task may wait for a thread or a socket."""

QUIET_ROUNDS = 5
"""Turns of the loop without progress before tasks count as waiting; waking takes one or two."""

UNSEEN_ROUNDS = 20
"""Turns of the loop that nearly all handlers end in: to look at what they wait for costs more."""

MOST_ROUNDS = 1000
"""Turns of the loop after which tasks are looked at although they get on, as in an endless loop."""

SIGNALS = ("asyncio.locks", "asyncio.queues", "asyncio.taskgroups")
LONGEST_NAP = 0.002

started: ContextVar[list[Task] | None] = ContextVar("tasks_started_here", default=None)
"""Where tasks are noted that code in this context starts, and the tasks that those start."""


@contextmanager
def noting_tasks() -> Iterator[None]:
    """Note new tasks of the running loop in `started`."""
    loop = asyncio.get_running_loop()
    make = loop.get_task_factory()

    def note(loop: asyncio.AbstractEventLoop, work: Any, /, **options: Any) -> Any:
        task = make(loop, work, **options) if make else asyncio.Task(work, loop=loop, **options)
        tasks = started.get()
        if tasks is not None and isinstance(task, asyncio.Task):
            tasks.append(task)
        return task

    loop.set_task_factory(note)
    try:
        yield
    finally:
        loop.set_task_factory(make)


async def settle(tasks: list[Task]) -> list[BaseException]:
    """Run `tasks`, which may grow, until they end or wait, and return what they raised.

    Tasks that have ended are taken off the list.
    """
    wait, running = _Wait(), -1
    while tasks:
        await _run_until_still(tasks)
        busy = [task for task in tasks if not task.done() and not _waits_for_others(task)]
        if not busy or (len(busy) == running and wait.seconds > GRACE):
            break
        if len(busy) != running:
            wait, running = _Wait(), len(busy)
        await wait.nap()
    errors = [error for task in tasks if (error := _unseen_error(task)) is not None]
    tasks[:] = [task for task in tasks if not task.done()]
    return errors


async def finish(awaited: Sequence[Task], tasks: list[Task], limit: float) -> bool:
    """Run `awaited` to their end, and let time pass while they and `tasks`, which may grow, wait.

    After `limit` real seconds they are cancelled; tell whether that was necessary.
    """
    clock = clock_of(asyncio.get_running_loop())
    idle = {_place(each) for each in tasks if each not in awaited}
    threads, begun, cancelled = clock.in_threads, time.monotonic(), False
    places, wait = list[object](), _Wait()
    for _ in range(UNSEEN_ROUNDS):
        if all(each.done() for each in awaited):
            return False
        await asyncio.sleep(0)
    while True:
        moved = clock.moved
        before, places = places, await _run_until_still([*awaited, *tasks], awaited)
        left = [each for each in awaited if not each.done()]
        if not left:
            break
        if clock.moved != moved:  # for another task that is waited for at the same time
            continue
        wait = wait if places == before else _Wait()
        passed = time.monotonic() - begun
        if passed > limit + GRACE:
            break
        if passed > limit and not cancelled:
            cancelled = True
            for each in left:
                each.cancel()
        running = [each for each in tasks if not each.done() and _place(each) not in idle]
        busy = [each for each in running if not _waits_for_others(each)]
        waits = all(map(_waits_for_others, left)) and clock.in_threads <= threads and not busy
        if waits and not cancelled and (when := clock.next_timer()) is not None:
            clock.move_to(when)
            continue
        napped = await wait.nap()
        if wait.seconds > GRACE:
            # What waits that long may wait for a timer after all: time passes as it does outside.
            idle |= {_place(each) for each in busy if each not in awaited}
            clock.go_on(napped)
    return cancelled


async def pass_time(clock: VirtualClock, seconds: float, tasks: list[Task], limit: float) -> None:
    """Let `seconds` pass, from timer to timer, and let `tasks` settle at each.

    Raises what they raise, and TimeoutError when that takes more than `limit` real seconds.
    """
    end, until = clock.time() + seconds, time.monotonic() + limit
    timers = 0
    while True:
        # The loop runs a timer in the second turn, and that may only ask for another.
        for _ in range(QUIET_ROUNDS):
            await asyncio.sleep(0)
        if errors := await settle(tasks):
            raise errors[0]
        if clock.time() >= end:
            return
        if time.monotonic() > until:
            raise TimeoutError(
                f"{timers} timers took {limit:g} seconds, and {end - clock.time():.0f} of "
                f"{seconds:.0f} seconds are left; advance less, or let the bot wake up less often"
            )
        when = clock.next_timer()
        clock.move_to(end if when is None else min(when, end))
        timers += 1


class _Wait:
    """A wait for a thread or a socket, in naps that begin short."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    async def nap(self) -> float:
        """Nap, and return how long it took."""
        begun = time.monotonic()
        # The loop's own sleep would wait for virtual time.
        time.sleep(min(max(self.seconds / 4, 0.00005), LONGEST_NAP))  # noqa: ASYNC251
        await asyncio.sleep(0)
        return time.monotonic() - begun


async def _run_until_still(tasks: list[Task], until: Sequence[Task] = ()) -> list[object]:
    """Let the loop turn until no task gets on, or `until` are done; return where they are then."""
    places: list[object] = []
    still = 0
    for _ in range(MOST_ROUNDS):
        now = [_place(task) for task in tasks if not task.done()]
        still = still + 1 if now == places else 0
        places = now
        if not now or still == QUIET_ROUNDS or (until and all(each.done() for each in until)):
            break
        await asyncio.sleep(0)
    return places


def _innermost(task: Task) -> tuple[FrameType | None, Any]:
    """Return the frame in which a task is suspended, and what it awaits."""
    found: Any = task.get_coro()
    while True:
        inner = getattr(found, "cr_await", None) or getattr(found, "gi_yieldfrom", None)
        if type(inner).__name__ == "coroutine_wrapper":  # of `__await__`, as aiogram's methods have
            inner = gc.get_referents(inner)[0]
        if not (iscoroutine(inner) or isgenerator(inner)):
            break
        found = inner
    return getattr(found, "cr_frame", None) or getattr(found, "gi_frame", None), inner


def _place(task: Task) -> object:
    frame, _ = _innermost(task)
    if frame is None:
        return task
    # What has only given way goes on in the next turn.
    return object() if _is_of(frame, "__sleep0") else (task, id(frame), frame.f_lasti)


def _waits_for_others(task: Task) -> bool:
    """Tell whether a task waits for time, or for what another task does."""
    frame, awaited = _innermost(task)
    if frame is None:
        return False
    found = gc.get_referents(awaited) if awaited is not None else ()
    futures = [each for each in found if isinstance(each, asyncio.Future)]
    if any(each.done() for each in futures):  # it goes on in the next turn
        return False
    if _is_of(frame, "sleep", "_wait", "wait_for") or frame.f_globals.get("__name__") in SIGNALS:
        return True
    # A task and what gather returns are futures of kinds of their own.
    return any(type(each) is not asyncio.Future for each in futures)


def _is_of(frame: FrameType, *names: str) -> bool:
    return frame.f_globals.get("__name__") == "asyncio.tasks" and frame.f_code.co_name in names


def _unseen_error(task: Task) -> BaseException | None:
    # asyncio keeps this flag until the exception is retrieved; there is no public name for it.
    # An error that another task awaited and handled is no failure.
    if task.done() and not task.cancelled() and getattr(task, "_log_traceback", False):
        return task.exception()
    return None
