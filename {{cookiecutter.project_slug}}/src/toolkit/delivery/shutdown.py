"""SIGTERM and SIGINT end a bot in order, and within a limit; a second one ends it at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, Protocol

from toolkit.errors import CannotServe

logger = logging.getLogger(__name__)

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

STOP_WITHIN = 9.0
"""Seconds from the first signal to the end of the process. `docker stop` kills after 10."""

CLOSING = 3.0
"""Of these, the last seconds are for closing; handlers have the others to finish."""


@contextlib.contextmanager
def stop_on_signals(
    stop: asyncio.Event, *, within: float = STOP_WITHIN, to_the_end: bool = False
) -> Iterator[None]:
    """Set `stop` on the first SIGTERM or SIGINT; the process ends `within` seconds of it.

    On the second signal, or when the time is over, it ends at once. That loses nothing:
    what was not committed is not confirmed either. With `to_the_end` the time goes on running
    after the block, until the process has really ended.

    The signals are taken outside the event loop, so that a handler which blocks it is ended too.
    """
    loop = asyncio.get_running_loop()
    deadlines: list[threading.Timer] = []

    def ask(signum: int, _: FrameType | None) -> None:
        if deadlines:
            _exit_now("second signal: ending at once", 128 + signum)
        text = f"not finished {within:g} s after the signal: ending now"
        deadline = threading.Timer(within, _exit_now, (text, 1))
        deadline.daemon = True
        deadline.start()
        deadlines.append(deadline)
        loop.call_soon_threadsafe(begin, signum)

    def begin(signum: int) -> None:
        logger.info("%s: finishing what is in work", signal.Signals(signum).name)
        stop.set()

    before = {signum: signal.signal(signum, ask) for signum in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        if not to_the_end:
            for deadline in deadlines:
                deadline.cancel()


def run_until_signal(
    serve: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    within: float,
    loop_factory: LoopFactory | None = None,
) -> None:
    """Run `serve(stop)` as all that this process does; `stop` is set by SIGTERM or SIGINT."""

    async def main() -> None:
        stop = asyncio.Event()
        with stop_on_signals(stop, within=within, to_the_end=True):
            await serve(stop)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def loop_factory(name: str) -> LoopFactory | None:
    """Return what makes event loops of this name, `asyncio` or `uvloop`; `None` is asyncio's own.

    Raises `CannotServe` where uvloop is not installed.
    """
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ModuleNotFoundError:
        raise CannotServe(
            "EVENT_LOOP=uvloop needs the package uvloop: install the extra `uvloop`, with "
            "`uv sync --inexact --extra uvloop` or `pip install -e '.[uvloop]'`"
        ) from None
    factory: LoopFactory = uvloop.new_event_loop
    return factory


def drain_time(stop_within: float) -> float:
    """How long handlers may go on after the stop. Raises `ValueError` when that is no time."""
    if stop_within <= CLOSING:
        raise ValueError(f"stop_within must be more than {CLOSING:g} seconds; got {stop_within!r}")
    return stop_within - CLOSING


class Work(Protocol):
    """Tasks that a stop waits for."""

    running: set[asyncio.Task[Any]]

    def cut_off(self) -> None:
        """Cancel what is still running."""


async def drain(limit: float, *works: Work, grace: float = 1.0) -> None:
    """Let everything run for `limit` seconds, also what begins meanwhile; cancel what is left.

    What does not even end when it is cancelled is left behind after `grace` seconds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limit
    while running := [task for work in works for task in work.running]:
        if (left := end - loop.time()) <= 0:
            break
        await asyncio.wait(running, timeout=left)
    for work in works:
        work.cut_off()
    if running:
        await asyncio.wait(running, timeout=grace)


async def close_within(limit: float, what: str, work: Awaitable[Any]) -> None:
    """Await `work`, but go on without it after `limit` seconds. Raises what it raises."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait((task,), timeout=limit)
    if done:
        task.result()
    else:
        task.cancel()
        logger.error("%s did not close within %g s and is left behind", what, limit)


def _exit_now(text: str, code: int) -> None:
    # A handler of signals may have interrupted anything, the log included.
    os.write(2, f"{text}\n".encode())
    os._exit(code)
