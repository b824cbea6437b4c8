"""Work after the answer: tasks that begin when what their handler has changed is committed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from functools import partial
from inspect import isfunction
from typing import Any, Literal, TypeVar, cast

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from toolkit.delivery.outgoing import effects
from toolkit.errors import HandlerInterrupted
from toolkit.sessions.checkout import hold_nothing
from toolkit.waiting import on_give_up

T = TypeVar("T")

End = Literal["done", "failed", "cut_off"]
"""How a task ended."""


class _Try:
    """One try of an update, and the tasks that wait until it is committed; `None` once it ended."""

    __slots__ = ("committed", "update", "waiting")

    def __init__(self, update: Update) -> None:
        self.update = update
        self.waiting: list[asyncio.Task[Any]] | None = []
        self.committed: asyncio.Event | None = None


_try: ContextVar[_Try | None] = ContextVar("try_of_the_update_in_work", default=None)


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
        own, gate = _try.get(), None
        if own is not None and own.waiting is not None:
            gate = own.committed = own.committed or asyncio.Event()
        name = name or str(getattr(work, "__qualname__", work))
        running = self._run(work, name, own.update if own else None, gate)
        task = asyncio.create_task(running, name=name)
        task.add_done_callback(partial(self._ended, work))
        (own.waiting.append if own and own.waiting is not None else self.running.add)(task)
        return task

    def cancel(self) -> None:
        """Cancel all that run."""
        for task in self.running:
            task.cancel()

    def cut_off(self) -> None:
        """Cancel all that run, as there is no more time for them; none can begin any more."""
        self.stopped = True
        self.cancel()

    def _begin(self, own: _Try) -> None:
        """Let the tasks of an update begin, which is committed."""
        waiting, own.waiting = own.waiting, None
        if waiting and own.committed is not None:
            self.running.update(waiting)
            own.committed.set()
            if self.stopped:
                self.cancel()

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


class TasksMiddleware(BaseMiddleware):
    """Lets the tasks of a handler begin once the middlewares within have committed its session."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler; drop what it has started if it fails."""
        own = _Try(cast(Update, event))
        token = _try.set(own)
        try:
            result = await handler(event, data)
        except BaseException:
            dropped, own.waiting = own.waiting, None
            for task in dropped or ():
                task.cancel()
            raise
        finally:
            _try.reset(token)
        self._tasks._begin(own)
        return result


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
