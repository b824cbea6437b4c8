"""What is said at start of a store that does not answer, or that may lose records."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from toolkit.sessions.checkout import Checkouts
from toolkit.storage.base import WarningSessionStorage

logger = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between two looks at a store that does not answer."""


@contextlib.asynccontextmanager
async def store_reported(checkouts: Checkouts) -> AsyncIterator[None]:
    """Look at the store beside a block, until it answers; the block does not wait for it."""
    report = asyncio.create_task(report_store(checkouts))
    try:
        yield
    finally:
        report.cancel()
        await asyncio.wait((report,))


async def report_store(checkouts: Checkouts) -> None:
    """Log once that the store does not answer, when it does again, and what it warns of."""
    is_away = False
    while not await _answers(checkouts, quiet=is_away):
        is_away = True
        await asyncio.sleep(PAUSE)
    if is_away:
        logger.info("the store answers")
    storage = checkouts.storage
    if isinstance(storage, WarningSessionStorage):
        with contextlib.suppress(Exception):
            for warning in await checkouts.bounded(storage.read_warnings()):
                logger.warning("%s", warning)


async def _answers(checkouts: Checkouts, *, quiet: bool) -> bool:
    try:
        await checkouts.bounded(checkouts.storage.has("healthz"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the next look may find it mended
        if not quiet:
            logger.error("the store does not answer, and the bot waits for it: %s", error)
        return False
    return True
