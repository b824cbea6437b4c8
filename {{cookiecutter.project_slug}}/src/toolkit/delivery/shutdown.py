"""SIGTERM and SIGINT end a bot in order; a second one ends it at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` on the first SIGTERM or SIGINT, and leave without ceremony on the second.

    Leaving like that loses nothing: what was not committed is not confirmed either.
    """
    loop = asyncio.get_running_loop()

    def ask(signum: int) -> None:
        if stop.is_set():
            logger.warning("second signal: ending at once")
            logging.shutdown()
            os._exit(128 + signum)
        logger.info("%s: finishing what is in work", signal.Signals(signum).name)
        stop.set()

    signals = (signal.SIGTERM, signal.SIGINT)
    for signum in signals:
        loop.add_signal_handler(signum, ask, signum)
    try:
        yield
    finally:
        for signum in signals:
            loop.remove_signal_handler(signum)
