"""How often an update is tried, and where it goes when it never works."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiogram.dispatcher.event.bases import CancelHandler
from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import Update
from aiogram.utils.backoff import Backoff, BackoffConfig

from toolkit.delivery.requests import Effects, effects
from toolkit.sessions.middleware import OUTAGES, HandlerTimedOut
from toolkit.storage.base import StorageError

if TYPE_CHECKING:
    from toolkit.app import BotApp

logger = logging.getLogger(__name__)

TRIES = 3
DEAD_LETTERS_KEPT = 30 * 24 * 3600.0
"""Seconds that a dead-letter record stays in the store."""

BACKOFF = BackoffConfig(min_delay=0.5, max_delay=30.0, factor=2.0, jitter=0.1)


class Attempts:
    """Settles updates: each is applied, or set aside for good reason.

    A handler that raises is tried three times, but only as long as nothing it did may have reached
    Telegram: a message must not be sent twice. Then the update is set aside under
    ``dead:{update_id}`` and the user is told. A handler that timed out is not tried again.
    """

    def __init__(self, app: BotApp[Any]) -> None:
        self._app = app
        self._failed: dict[int, Exception] = {}
        self._told: set[str | None] = set()

    async def settle(self, update: Update) -> None:
        """Apply ``update`` or set it aside; when this returns, it may be confirmed to Telegram.

        While the store is away nothing is settled: one of `OUTAGES` is raised, after the user was
        told once.
        """
        key = self._app.session_key(update)
        try:
            error = self._failed.get(update.update_id) or await self._apply(update)
            if error is not None:
                # Should the store go away now, the handler must not run again.
                self._failed[update.update_id] = error
                await set_aside(self._app, update.update_id, as_json(update), error, key)
                del self._failed[update.update_id]
                await self._app.report(error, update)
        except OUTAGES as outage:
            if key not in self._told:
                self._told.add(key)
                await self._app.report(outage, update)
            raise
        self._told.discard(key)

    async def until_settled(self, update: Update, stop: asyncio.Event) -> bool:
        """`settle`, again and again while the store is away; ``False`` when ``stop`` came first."""
        backoff = Backoff(BACKOFF)
        while True:
            try:
                await self.settle(update)
            except OUTAGES:
                if await pause(stop, next(backoff)):
                    return False
            else:
                return True

    async def _apply(self, update: Update) -> Exception | None:
        """Run the handler; the answer is the error that the update is to be set aside for."""
        attempt = 1
        while True:
            done = Effects()
            token = effects.set(done)
            try:
                await self._app.apply_update(self._app.bot, update)
            except CancelHandler:
                return None
            except (TelegramForbiddenError, HandlerTimedOut) as error:
                await self._app.report(error, update)
                return None
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises
                if attempt == TRIES or done.calls:
                    return error
                failure = error
            else:
                return None
            finally:
                effects.reset(token)
            logger.warning(
                "update %d failed (%r), try %d of %d", update.update_id, failure, attempt, TRIES
            )
            await self._app.bot.sleep(0.1 * 4**attempt)
            attempt += 1


async def set_aside(
    app: BotApp[Any], name: int | str, raw: Any, error: Exception, key: str | None = None
) -> None:
    """Keep an update that cannot be applied, with its error, for somebody to look at.

    Raises one of `OUTAGES` while the store is away.
    """
    record = {
        "update": raw,
        "key": key,
        "error": "".join(traceback.format_exception(error))[-10_000:],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write = app.session_storage.write(f"dead:{name}", record, expires_in=DEAD_LETTERS_KEPT)
    try:
        await app.sessions.checkouts.bounded(write)
    except OUTAGES:
        raise
    except StorageError:
        logger.exception("update %s can neither be applied nor stored: %s", name, raw)
    else:
        logger.error("update %s was set aside as dead:%s", name, name)


def as_json(update: Update) -> Any:
    """``update`` as Telegram sent it: `Update.model_validate` reads it back."""
    return update.model_dump(mode="json", exclude_unset=True, by_alias=True)


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait, but not longer than until ``stop``; whether that is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
