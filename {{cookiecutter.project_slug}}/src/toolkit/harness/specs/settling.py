"""Wait for what handlers started and did not await, without sleeping.

A handler may float a call: `asyncio.create_task(message.answer("…"))`. Such tasks belong to the
update that started them, so the harness lets them run until they are done. A task that waits for
time (`asyncio.sleep`) or for another task's signal (a queue, a lock, an event) is left alone: it
is a reminder or a worker, and may wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import iscoroutine, isgenerator
from types import CoroutineType
from typing import Any

Task = asyncio.Task[Any]

GRACE = 1.0
"""Seconds that a floated task may wait for a thread or a socket."""

QUIET_ROUNDS = 5
"""Turns of the loop without progress before tasks count as waiting; waking takes one or two."""

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
    while True:
        await _run_until_still(tasks)
        running = [task for task in tasks if not task.done() and not _waits_for_a_signal(task)]
        if not running:
            break
        done, _ = await asyncio.wait(running, timeout=GRACE, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            break
    errors = [error for task in tasks if (error := _unseen_error(task)) is not None]
    tasks[:] = [task for task in tasks if not task.done()]
    return errors


async def _run_until_still(tasks: list[Task]) -> None:
    places: list[object] = []
    still = 0
    while still < QUIET_ROUNDS:
        now = [_place(task) for task in tasks if not task.done()]
        if not now:
            return
        still = still + 1 if now == places else 0
        places = now
        await asyncio.sleep(0)


def _innermost(task: Task) -> CoroutineType[Any, Any, Any] | None:
    """Return the coroutine in which a task is suspended."""
    found: Any = task.get_coro()
    while iscoroutine(inner := getattr(found, "cr_await", None)):
        found = inner
    return found if iscoroutine(found) else None


def _place(task: Task) -> object:
    coroutine = _innermost(task)
    frame = coroutine.cr_frame if coroutine is not None else None
    return task, id(coroutine), frame.f_lasti if frame is not None else None


def _waits_for_a_signal(task: Task) -> bool:
    coroutine = _innermost(task)
    if coroutine is None or coroutine.cr_frame is None:
        return False
    module = coroutine.cr_frame.f_globals.get("__name__")
    if module == "asyncio.tasks" and coroutine.cr_code.co_name == "sleep":
        # sleep(0) awaits a bare generator and goes on in the next turn.
        return not isgenerator(coroutine.cr_await)
    return module in ("asyncio.locks", "asyncio.queues")


def _unseen_error(task: Task) -> BaseException | None:
    # asyncio keeps this flag until the exception is retrieved; there is no public name for it.
    # An error that another task awaited and handled is no failure.
    if task.done() and not task.cancelled() and getattr(task, "_log_traceback", False):
        return task.exception()
    return None
