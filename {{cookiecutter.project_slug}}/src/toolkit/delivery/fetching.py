"""`getUpdates`: what is asked, and what becomes of every answer that is none."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.methods import GetUpdates
from aiogram.types import Update
from pydantic import ValidationError

from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import set_aside
from toolkit.delivery.outgoing import in_short, pause_of, unknown_token
from toolkit.delivery.webhook_url import shown
from toolkit.errors import TRANSIENT, CannotServe
from toolkit.waiting import Backoff, retrying

logger = logging.getLogger(__name__)

AT_ONCE = 0.5
"""An empty answer that took less seconds was not waited for: Telegram holds an empty one back."""

BACKOFF = Backoff((Exception,))


class KnownUpdates(Protocol):
    """Which updates were fetched before."""

    def knows(self, update_id: int) -> bool:
        """Tell whether the update was fetched before."""

    def settle(self, update_id: int) -> None:
        """Let the offset pass this update."""


class Fetcher:
    """Asks for updates until there is an answer, with growing pauses.

    `timeout` is how long Telegram holds an empty answer, in seconds. With `take_over` a webhook
    that stands in the way is removed, once.
    """

    def __init__(
        self, app: ServedApp, known: KnownUpdates, *, timeout: float, take_over: bool
    ) -> None:
        self._app = app
        self._known = known
        self._timeout = timeout
        self._take_over = take_over

    async def fetch(self, offset: int | None) -> tuple[list[Update], int | None]:
        """Return the updates from `offset` on, and the last id of the answer.

        Raise CannotServe where waiting would not help.
        """
        return await retrying(lambda: self._ask(offset), _pause)

    async def _ask(self, offset: int | None) -> tuple[list[Update], int | None]:
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            updates = await self._app.bot.get_updates(
                offset=offset,
                timeout=int(self._timeout),
                allowed_updates=self._app.wanted_updates(),
                request_timeout=int(self._timeout) + 10,
            )
        except ClientDecodeError as error:
            return await self._salvage(error)
        except TelegramConflictError as conflict:
            if "webhook" not in conflict.message:
                raise
            await self._remove_webhook()
            return await self._ask(offset)
        if updates:
            return updates, updates[-1].update_id
        # A server that answers null comes this far too.
        if not isinstance(updates, list) or (self._timeout >= 1 and clock() - begun < AT_ONCE):
            raise TelegramNetworkError(GetUpdates(), "an empty answer came at once")
        return [], None

    async def _salvage(self, error: ClientDecodeError) -> tuple[list[Update], int | None]:
        """Set aside what cannot be read of an answer, and return the rest."""
        answer = error.data.get("result") if isinstance(error.data, dict) else None
        if not isinstance(answer, list) or not answer or not all(map(_is_numbered, answer)):
            raise error
        updates = []
        for raw in answer:
            try:
                updates.append(Update.model_validate(raw, context={"bot": self._app.bot}))
            except ValidationError as unreadable:
                if not self._known.knows(raw["update_id"]):
                    await set_aside(self._app, raw["update_id"], raw, unreadable)
                    self._known.settle(raw["update_id"])
        return updates, answer[-1]["update_id"]

    async def _remove_webhook(self) -> None:
        """Remove the webhook if that was asked for, and not done before; else raise CannotServe."""
        bot = self._app.bot
        address = shown((await bot.get_webhook_info()).url)
        if not self._take_over:
            raise CannotServe(
                f"Telegram delivers the updates of this bot to {address}, and polling would take "
                "them from there. Use another token here; or, if nothing runs there any more, "
                "poll with `--take-over`, which removes that webhook."
            )
        # Somebody who sets it again means it.
        self._take_over = False
        await bot.delete_webhook()
        logger.warning("the webhook at %s is removed, because this process takes over", address)


def _is_numbered(raw: Any) -> bool:
    return isinstance(raw, dict) and isinstance(raw.get("update_id"), int)


def _pause(error: Exception, attempt: int) -> float | None:
    if isinstance(error, CannotServe):
        return None
    if hopeless := unknown_token(error):
        raise hopeless from error
    if isinstance(error, TelegramRetryAfter):
        logger.warning("getUpdates: %s", error)
        return pause_of(error)
    seconds = BACKOFF(error, attempt)
    if isinstance(error, TelegramConflictError):
        words = "another process is polling with this token: stop it, or this one"
        logger.error("%s; again in %.1f s", words, seconds)
    else:
        expected = isinstance(error, (AiogramError, UnicodeDecodeError, *TRANSIENT))
        logger.warning(
            "getUpdates: %s; again in %.1f s",
            in_short(error),
            seconds,
            exc_info=None if expected else error,
        )
    return seconds
