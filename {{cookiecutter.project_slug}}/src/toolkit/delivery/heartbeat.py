"""A file that is touched while the bot's event loop runs, for a container's health check."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiogram import Dispatcher

EVERY = 5.0
"""Seconds between two beats."""


def keep_heartbeat(app: Dispatcher, file: Path) -> None:
    """Touch `file` while `app` runs.

    An old file tells that the event loop is stuck, which a restart cures. That Telegram or the
    store cannot be reached is no reason to restart, so it does not show here.
    """
    timers: list[asyncio.TimerHandle] = []

    def beat() -> None:
        file.touch()
        timers[:] = [asyncio.get_running_loop().call_later(EVERY, beat)]

    async def start() -> None:
        beat()

    async def stop() -> None:
        for timer in timers:
            timer.cancel()

    app.startup.register(start)
    app.shutdown.register(stop)
