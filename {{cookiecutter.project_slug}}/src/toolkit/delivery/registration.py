"""Keeps the webhook set: at start, and when it was removed later."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from aiogram.exceptions import AiogramError, TelegramBadRequest

from toolkit.delivery.base import ServedApp
from toolkit.delivery.outgoing import unknown_token
from toolkit.delivery.webhook_url import check_webhook_url, shown
from toolkit.errors import CannotServe
from toolkit.waiting import Backoff, retrying, sleep_unless

logger = logging.getLogger(__name__)

LOOK_EVERY = 60.0
"""Seconds between two looks at where Telegram delivers."""

BACKOFF = Backoff((AiogramError,))


class Registration:
    """Sees to it that Telegram delivers to this webhook."""

    def __init__(self, app: ServedApp, url: str, secret: str, max_connections: int) -> None:
        self._app = app
        self._url = url
        self._secret = secret
        self._max_connections = max_connections
        self.state = "not set yet"
        """`not set yet`, `set`, `removed`, or the server that Telegram delivers to instead."""

    @property
    def elsewhere(self) -> bool:
        """Whether another webhook has been set since."""
        return self.state not in ("not set yet", "set", "removed")

    async def keep(self, stop: asyncio.Event) -> None:
        """Set the webhook as soon as Telegram can be reached, and look after it until `stop`.

        Raise CannotServe when Telegram refuses it, or when another process changes it at once.
        """
        try:
            await retrying(self._set_first, _pause, partial(sleep_unless, stop))
        except BACKOFF.on:
            return
        while not await sleep_unless(stop, LOOK_EVERY):
            try:
                await self._look()
            except AiogramError as error:
                if hopeless := unknown_token(error):
                    raise hopeless from error
                logger.warning("the webhook was not looked at: %s", error)

    async def _set(self) -> None:
        await self._app.bot.set_webhook(
            self._url,
            secret_token=self._secret,
            max_connections=self._max_connections,
            allowed_updates=self._app.wanted_updates(),
        )
        self.state = "set"

    async def _set_first(self) -> None:
        try:
            await self._set()
        except TelegramBadRequest as error:
            raise CannotServe(
                f"Telegram refuses the webhook at {shown(self._url)}: {error.message}"
            ) from error
        info = await self._app.bot.get_webhook_info()
        if not self._is_ours(info.url):
            raise CannotServe(
                f"Telegram delivers to {shown(info.url) if info.url else 'no webhook'}, not to "
                f"{shown(self._url)}: another process with this token has just changed it. "
                "Stop that one, or this one"
            )
        logger.info(
            "serving %s, %d updates are waiting", shown(self._url), info.pending_update_count
        )
        if info.last_error_message:
            logger.warning("Telegram's last failed delivery: %s", info.last_error_message)

    async def _look(self) -> None:
        """Set the webhook again where there is none; leave another one, but say so."""
        info = await self._app.bot.get_webhook_info()
        if self._is_ours(info.url):
            if self.state != "set":
                logger.warning("Telegram delivers to this webhook again")
            self.state = "set"
        elif info.url:
            self.state = shown(info.url)
            logger.error(
                "Telegram delivers to %s, and nothing to this process any more: "
                "stop what has set that webhook, and start this process anew; or stop this one",
                self.state,
            )
        else:
            self.state = "removed"
            logger.error("somebody has removed the webhook, it is set again")
            await self._set()

    def _is_ours(self, url: str) -> bool:
        try:
            return check_webhook_url(url) == self._url
        except ValueError:
            return False


def _pause(error: Exception, attempt: int) -> float | None:
    if hopeless := unknown_token(error):
        raise hopeless from error
    seconds = BACKOFF(error, attempt)
    if seconds is not None:
        logger.warning("setWebhook: %s; again in %.1f s", error, seconds)
    return seconds
