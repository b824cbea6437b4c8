"""How often an update is tried, and where it goes when it never works."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import Update

from toolkit.delivery.failures import is_outage
from toolkit.delivery.requests import Effects, effects
from toolkit.sessions.middleware import HandlerTimedOut

if TYPE_CHECKING:
    from toolkit.app import BotApp

logger = logging.getLogger(__name__)

TRIES = 3
DEAD_LETTERS_KEPT = 30 * 24 * 3600.0
"""Seconds that a dead-letter record stays in the store."""


async def deliver(app: BotApp[Any], update: Update) -> None:
    """Apply ``update``; when this returns it is settled and may be confirmed to Telegram.

    A handler that raises is tried three times, but only as long as nothing it did has reached
    Telegram: a message must not be sent twice. Then the user is told and the update is set aside
    under ``dead:{update_id}``. A handler that timed out is not tried again. While the store is away
    nothing is settled: that error is raised (see `is_outage`), and nobody has been told yet.
    """
    for attempt in range(1, TRIES + 1):
        done = Effects()
        token = effects.set(done)
        try:
            await app.apply_update(app.bot, update)
        except (TelegramForbiddenError, HandlerTimedOut) as error:
            await app.report(error, update)
        except Exception as error:
            if is_outage(error):
                raise
            if attempt < TRIES and done.calls == 0:
                logger.warning(
                    "update %d failed (%r), try %d of %d", update.update_id, error, attempt, TRIES
                )
                await app.bot.sleep(0.1 * 4**attempt)
                continue
            raw = update.model_dump(mode="json", exclude_none=True, by_alias=True)
            await set_aside(app, update.update_id, raw, error, app.session_key(update))
            await app.report(error, update)
        finally:
            effects.reset(token)
        return


async def set_aside(
    app: BotApp[Any], update_id: int, raw: Any, error: Exception, key: str | None = None
) -> None:
    """Keep an update that cannot be applied, with its error, for somebody to look at."""
    record = {
        "update": raw,
        "key": key,
        "error": "".join(traceback.format_exception(error))[-10_000:],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    await app.session_storage.write(f"dead:{update_id}", record, expires_in=DEAD_LETTERS_KEPT)
    logger.error("update %d was set aside as dead:%d", update_id, update_id)


class Lanes:
    """Runs ``work`` on updates: those of one key one after another, different keys at once.

    The line at the session itself keeps that order too, but an update that is waiting to be tried
    again does not stand in it.
    """

    def __init__(self, work: Callable[[Update], Awaitable[None]]) -> None:
        self._work = work
        self._lanes: dict[str, deque[Update]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, key: str | None, update: Update) -> None:
        """Begin with ``update``, or queue it behind those of its key."""
        if key is not None and (lane := self._lanes.get(key)) is not None:
            lane.append(update)
            return
        lane = deque((update,))
        if key is not None:
            self._lanes[key] = lane
        task = asyncio.create_task(self._run(key, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, limit: float) -> None:
        """Wait ``limit`` seconds for what has begun, then cancel it."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=limit)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, key: str | None, lane: deque[Update]) -> None:
        try:
            while lane:
                await self._work(lane.popleft())
        finally:
            if key is not None:
                del self._lanes[key]
