"""Long polling that confirms an update only after its session is committed.

``getUpdates(offset=n)`` confirms everything below ``n`` and answers with up to 100 updates from
there (Bot API, "getUpdates"). So the offset follows the oldest update that is not settled yet, not
the newest one that was seen. What was in work when the process died comes again; the ids in the
session's record tell whether it had been applied.

One slow handler holds the offset, but nobody else: up to 99 later updates are served meanwhile,
within `WINDOW` seconds of their arrival.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiogram.exceptions import (
    ClientDecodeError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import Update
from aiogram.utils.backoff import Backoff, BackoffConfig
from pydantic import ValidationError

from toolkit.delivery.attempts import Lanes, deliver, set_aside
from toolkit.delivery.failures import is_outage

if TYPE_CHECKING:
    from toolkit.app import BotApp

logger = logging.getLogger(__name__)

WINDOW = 0.5
"""Longest pause, in seconds, between two looks at the queue while an update is still in work."""

BACKOFF = BackoffConfig(min_delay=0.5, max_delay=30.0, factor=2.0, jitter=0.1)


class Poller:
    """Fetches updates and has them delivered until it is told to stop.

    ``timeout`` is how long Telegram holds an empty ``getUpdates``, ``drain`` how long handlers may
    still take after the stop; both in seconds.
    """

    def __init__(self, app: BotApp[Any], *, timeout: float = 30.0, drain: float = 7.0) -> None:
        self.app = app
        self.timeout = timeout
        self.drain = drain
        self._lanes = Lanes(self._settle)
        self._working: set[int] = set()
        self._settled: set[int] = set()
        self._next: int | None = None
        self._quiet = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until ``stop``, then let what is in work finish and confirm it."""
        logger.info("polling for updates")
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                fetch = asyncio.create_task(self._fetch())
                await asyncio.wait((fetch, stopped), return_when=asyncio.FIRST_COMPLETED)
                if not fetch.done():
                    fetch.cancel()
                    await asyncio.wait((fetch,))
                    break
                self._begin(fetch.result())
                await self._breathe(stopped)
        finally:
            stopped.cancel()
            self._stopping.set()
            await self._lanes.drain(self.drain)
            await self._confirm()

    @property
    def _offset(self) -> int | None:
        return min(self._working, default=self._next)

    async def _fetch(self) -> list[Update]:
        """The updates from the oldest unsettled one on; waits and tries again until it has them."""
        backoff = Backoff(BACKOFF)
        while True:
            offset = self._offset
            try:
                updates = await self.app.bot.get_updates(
                    offset=offset,
                    timeout=int(self.timeout),
                    allowed_updates=self.app.resolve_used_update_types(),
                    request_timeout=int(self.timeout) + 10,
                )
            except ClientDecodeError as error:
                updates = await self._salvage(error.data)
            except TelegramConflictError as error:
                await self._explain(error)
                await backoff.asleep()
                continue
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
                continue
            except (TelegramNetworkError, TelegramServerError) as error:
                logger.warning("getUpdates: %s; again in %.1f s", error, backoff.next_delay)
                await backoff.asleep()
                continue
            if offset is not None:
                self.app.sessions.confirmed = offset - 1
                self._settled = {known for known in self._settled if known >= offset}
            return updates

    def _begin(self, updates: list[Update]) -> None:
        for update in updates:
            if update.update_id in self._working or update.update_id in self._settled:
                continue
            if update.update_id <= self.app.sessions.confirmed:
                # After a week without updates Telegram starts again from a random number.
                self.app.sessions.confirmed = 0
            self._next = update.update_id + 1
            self._working.add(update.update_id)
            self._quiet.clear()
            self._lanes.put(self.app.session_key(update), update)

    async def _breathe(self, stopped: asyncio.Task[Any]) -> None:
        """Give handlers time, or the next ``getUpdates`` would only bring what is in work."""
        if self._working:
            quiet = asyncio.create_task(self._quiet.wait())
            await asyncio.wait(
                (quiet, stopped), timeout=WINDOW, return_when=asyncio.FIRST_COMPLETED
            )
            quiet.cancel()

    async def _settle(self, update: Update) -> None:
        backoff = Backoff(BACKOFF)
        told = False
        while True:
            try:
                await deliver(self.app, update)
                break
            except Exception as error:
                if not is_outage(error):
                    logger.exception("update %d could not be set aside", update.update_id)
                    break
                if not told:
                    await self.app.report(error, update)
                    told = True
            if self._stopping.is_set():
                return
            # It stays unconfirmed: should the process end now, Telegram sends it again.
            await backoff.asleep()
        self._working.discard(update.update_id)
        self._settled.add(update.update_id)
        if not self._working:
            self._quiet.set()

    async def _salvage(self, answer: Any) -> list[Update]:
        """The updates that can be read from an answer in which one cannot; that one is set aside."""
        updates = []
        for raw in answer["result"]:
            try:
                updates.append(Update.model_validate(raw, context={"bot": self.app.bot}))
            except ValidationError as error:
                await set_aside(self.app, raw["update_id"], raw, error)
                self._settled.add(raw["update_id"])
                self._next = raw["update_id"] + 1
        return updates

    async def _explain(self, conflict: TelegramConflictError) -> None:
        if "webhook" in conflict.message:
            logger.warning("this bot has a webhook, which is removed now: this process polls")
            await self.app.bot.delete_webhook()
        else:
            logger.error("another process is polling with this token; stop it, or this one")

    async def _confirm(self) -> None:
        """Confirm what is settled, so that the next process does not have to recognise it."""
        if self._offset is None:
            return
        try:
            await self.app.bot.get_updates(
                offset=self._offset, limit=1, timeout=0, request_timeout=2
            )
        except Exception as error:  # noqa: BLE001 - what comes again is recognised
            logger.warning("the last updates were not confirmed and will come again: %s", error)
