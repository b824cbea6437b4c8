"""Signs of life of the event loop: a file that stays fresh, and an end to a process that is stuck.

A container's health check reads the file. Docker shows what is unhealthy, and restarts nothing but
a process that has ended: that is what the watchdog is for.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
from collections.abc import Callable
from pathlib import Path

from aiogram import Dispatcher

logger = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two beats."""


def keep_heartbeat(app: Dispatcher, file: Path | None, *, exit_after: float | None = None) -> None:
    """Touch `file` while `app` runs, and end the process once its event loop is stuck.

    That Telegram or the store cannot be reached is no reason to restart, so it does not show here;
    nor is a file that cannot be touched, which is logged once. After `exit_after` seconds without a
    turn of the event loop the process writes to standard error where each of its threads is, and
    ends with 1. What was in work is not confirmed, and comes again.
    """
    if file is None and exit_after is None:
        return
    timers: list[asyncio.TimerHandle] = []
    touch = _toucher(file) if file else lambda: None

    def beat() -> None:
        if exit_after is not None:
            # A thread of its own waits, without Python's lock: it works whatever holds the loop.
            faulthandler.dump_traceback_later(exit_after, exit=True, file=2)
        touch()
        timers[:] = [asyncio.get_running_loop().call_later(EVERY, beat)]

    async def start() -> None:
        beat()

    async def stop() -> None:
        for timer in timers:
            timer.cancel()
        if exit_after is not None:
            faulthandler.cancel_dump_traceback_later()

    app.startup.register(start)
    app.shutdown.register(stop)


def _toucher(file: Path) -> Callable[[], None]:
    """Return what touches the file, and logs the first of the failures in a row."""
    failing = False

    def touch() -> None:
        nonlocal failing
        try:
            file.touch()
        except OSError as error:
            if not failing:
                logger.error("the heartbeat cannot be written, the bot goes on: %s", error)
            failing = True
        else:
            failing = False

    return touch
