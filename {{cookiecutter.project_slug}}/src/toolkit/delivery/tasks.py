"""Work after the answer: tasks that begin when what their handler has changed is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from inspect import isfunction
from typing import Any, Literal, TypeVar, cast

from aiogram.types import Update

from toolkit.delivery.outgoing import effects
from toolkit.errors import HandlerInterrupted
from toolkit.sessions.checkout import hold_nothing
from toolkit.sessions.ending import ending
from toolkit.waiting import on_give_up

T = TypeVar("T")

End = Literal["done", "failed", "cut_off"]
"""How a task ended."""


class Tasks:
    """Work that goes on after the handler: `app.tasks`, or what a handler gets that asks for it.

    A task lives in this process. A stop waits for it as for handlers, and then cuts it off; a kill
    loses it.
    """

    def __init__(self, report: Callable[[Exception, Update | None, str], Awaitable[None]]) -> None:
        self.running: set[asyncio.Task[Any]] = set()
        """Those that have begun."""
        self.stopped = False
        """Whether none can begin any more."""
        self.on_end: Callable[[End], object] = lambda _: None
        """Is told how each task has ended; `serve_metrics` counts them."""
        self.leaves_errors = False
        """Whether an error that was reported still counts as unseen: the harness looks for it."""
        self._report = report

    def start(self, work: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        """Run a coroutine beside everything else: `tasks.start(work(message.chat.id))`.

        In a handler it begins when what the handler has changed is committed; it never begins where
        the handler fails. Elsewhere it begins at once. It may check out any session. An error of it
        is logged under its `name`, and told to the user by `on_error`; it is not tried again.

        Raises `TypeError` for what is no coroutine, and `RuntimeError` after the bot has stopped.
        """
        _check(work)
        if self.stopped:
            work.close()
            raise RuntimeError("the bot has stopped, and waits for no task: await the work itself")
        own = ending.get()
        gate = asyncio.Event() if own is not None and not own.over else None
        name = name or str(getattr(work, "__qualname__", work))
        running = self._run(work, name, own.update if own is not None else None, gate)
        task = asyncio.create_task(running, name=name)
        task.add_done_callback(partial(self._ended, work))
        if own is not None and gate is not None:
            own.append(partial(self._decide, task, gate))
        else:
            self.running.add(task)
        return task

    def cancel(self) -> None:
        """Cancel all that run."""
        for task in self.running:
            task.cancel()

    def cut_off(self) -> None:
        """Cancel all that run, as there is no more time for them; none can begin any more."""
        self.stopped = True
        self.cancel()

    def _decide(self, task: asyncio.Task[Any], gate: asyncio.Event, committed: bool) -> None:
        """Let a task begin whose handler has ended, or never."""
        if task.done():  # it was cancelled meanwhile
            return
        if committed:
            self.running.add(task)
            gate.set()
        if self.stopped or not committed:
            task.cancel()

    async def _run(
        self,
        work: Coroutine[Any, Any, T],
        name: str,
        update: Update | None,
        gate: asyncio.Event | None,
    ) -> T:
        try:
            if gate is not None:
                await gate.wait()
            # It is on its own: nothing of the handler is its, whatever that still has.
            hold_nothing()
            effects.set([])
            on_give_up.set(lambda _: None)
            result = await work
        except asyncio.CancelledError as error:
            if gate is None or gate.is_set():
                await self._note_cancelled(error, name, update)
            raise
        except Exception as error:
            await self._fail("failed", error, name, update)
            raise
        self.on_end("done")
        return result

    async def _note_cancelled(
        self, error: asyncio.CancelledError, name: str, update: Update | None
    ) -> None:
        task = cast(asyncio.Task[Any], asyncio.current_task())
        if self.stopped:
            interrupted = HandlerInterrupted("a stop of the bot cut it off")
            await self._fail("cut_off", interrupted, name, update)
        elif not task.cancelling():
            interrupted = HandlerInterrupted("what it waited for had been cancelled")
            interrupted.__cause__ = error
            await self._fail("failed", interrupted, name, update)
        # Else somebody has cancelled it on purpose.

    async def _fail(self, end: End, error: Exception, name: str, update: Update | None) -> None:
        self.on_end(end)
        await self._report(error, update, name)

    def _ended(self, work: Coroutine[Any, Any, Any], task: asyncio.Task[Any]) -> None:
        self.running.discard(task)
        work.close()  # one that has never begun would be warned of
        if not (task.cancelled() or self.leaves_errors):
            task.exception()  # or asyncio would report it once more


def _check(work: Any) -> None:
    """Raise what says how it is done right."""
    if not asyncio.iscoroutine(work):
        got = f"the function {work.__qualname__}" if isfunction(work) else repr(work)[:80]
        raise TypeError(
            "tasks.start() takes a coroutine, which is what an `async def` function returns: "
            f"tasks.start(work(chat_id)), not tasks.start(work); got {got}"
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work.close()
        raise RuntimeError(
            "tasks.start() works where the event loop runs: in a handler that is `async def`"
        ) from None
