"""Runs bots that only handle timers, forked from one process that has imported everything once.

    python -m tests.timer_kit STORAGE_URL

A line `start` starts one and is answered with its process id; `wait PID` is answered with its exit
status when it has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field

import tests.delivery_kit  # noqa: F401 - finds the toolkit
from toolkit import Timer, create_bot, on_timer, open_storage
from toolkit.app import BotApp
from toolkit.delivery.shutdown import drain
from toolkit.quick_aiogram import warm_up

LEASE_FOR = 2.0
"""Seconds that a store keeps what a killed bot has checked out."""


@dataclass
class Fired:
    """How often each timer of a session was handled, and when last."""

    times: dict[str, int] = field(default_factory=dict)
    at: dict[str, float] = field(default_factory=dict)


def make_bot(storage_url: str) -> BotApp[Fired]:
    """Return a bot that counts its timers."""
    app = create_bot("42:fake", initial=Fired, storage=open_storage(storage_url))
    checkouts = app.sessions.checkouts
    checkouts.lease_for = LEASE_FOR
    checkouts._renewals.seconds = LEASE_FOR / 3

    @on_timer(app, "count")
    async def count(timer: Timer, session: Fired) -> None:
        await asyncio.sleep(0.005)
        session.times[timer.part] = session.times.get(timer.part, 0) + 1
        session.at[timer.part] = time.time()

    @on_timer(app, "die")
    async def die(timer: Timer) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return app


async def serve(storage_url: str) -> None:
    """Handle timers until SIGTERM."""
    app, stop = make_bot(storage_url), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with app.timers_handled(stop):
        await stop.wait()
        await drain(5.0, *app.works)
    await app.close()


def main(storage_url: str) -> None:
    """Do what each line says."""
    warm_up()
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        verb, *number = line.split()
        if verb == "wait":
            _, status = os.waitpid(int(number[0]), 0)
            answer = os.waitstatus_to_exitcode(status)
        else:
            answer = os.fork()
            if not answer:
                code = 1
                try:
                    logging.basicConfig(level=logging.ERROR)
                    asyncio.run(serve(storage_url))
                    code = 0
                finally:
                    os._exit(code)
        print(answer, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
