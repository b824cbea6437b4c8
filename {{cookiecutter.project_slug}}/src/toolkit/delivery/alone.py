"""Work that one process does at a time, on any store: a record that expires says whose it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable

from toolkit.errors import BroadcastRefused, StorageError
from toolkit.sessions.checkout import Checkouts

logger = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def alone(
    checkouts: Checkouts, key: str, run: str, lease: float, lost: Callable[[Exception], object]
) -> AsyncIterator[None]:
    """Have `key` to oneself for a block, as `run`; wait for a process that has died with it.

    Raises BroadcastRefused when another one is at work; `lost` is told when one has taken over.
    """
    bounded, storage = checkouts.bounded, checkouts.storage
    here = f"process {os.getpid()} on {socket.gethostname()}"
    mine = {"run": run, "by": here, "beat": 0}
    seen = None
    while not await bounded(storage.add(key, mine, expires_in=lease)):
        found = await bounded(storage.read(key))
        if seen is None:
            logger.info("%s may be at work by another process: waiting for its end", key)
        elif found not in (None, seen):
            raise BroadcastRefused(f"{found and found.get('by')} is at work on it")
        seen = found
        await asyncio.sleep(lease / 30)

    async def renew() -> None:
        beat = 0
        while True:
            await asyncio.sleep(lease / 3)
            beat += 1
            try:
                found = await bounded(storage.read(key))
                if found is not None and found.get("run") != run:
                    lost(BroadcastRefused(f"{found.get('by')} has taken it over"))
                    return
                await bounded(storage.write(key, {**mine, "beat": beat}, expires_in=lease))
            except StorageError as error:
                logger.warning("%s was not renewed: %s", key, error)

    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait((renewing,))
        with contextlib.suppress(StorageError):
            found = await bounded(storage.read(key))
            if found is not None and found.get("run") == run:
                await bounded(storage.delete(key))
