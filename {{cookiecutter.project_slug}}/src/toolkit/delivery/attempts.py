"""Which updates are in progress, how often each is tried, and what settles it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiogram.dispatcher.event.bases import CancelHandler
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import Update

from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import as_json, set_aside
from toolkit.delivery.failures import is_blocked
from toolkit.delivery.outgoing import effects
from toolkit.errors import (
    TRANSIENT,
    HandlerInterrupted,
    HandlerTimedOut,
    SessionBusy,
    StorageUnavailable,
)
from toolkit.logs import update_in_work
from toolkit.timers.events import TimerUpdate
from toolkit.waiting import Backoff, KeyedLock, on_give_up, retrying, sleep_unless

logger = logging.getLogger(__name__)

TRIES = 3
BACKOFF = Backoff(TRANSIENT)

FRESH = 4.0
"""Seconds after which a message behind a webhook has come again, and its user was told before."""


class UpdateTasks:
    """Runs `work` on updates: those of one key in order of arrival, those of others meanwhile.

    The lock of the session keeps that order too, but an update that waits to be tried again does
    not hold it. `work` must not raise. An update whose handler cannot be ended is left behind;
    `given_up` takes it from there, and the next of its key goes on.
    """

    def __init__(
        self,
        work: Callable[[Update], Awaitable[None]],
        given_up: Callable[[Update], Coroutine[Any, Any, None]],
    ) -> None:
        self._work = work
        self._given_up = given_up
        self._lock = KeyedLock()
        self.running: set[asyncio.Task[Any]] = set()
        """Those that run or wait."""
        self.begun: set[int] = set()
        """Ids of the updates in work, those that wait in line aside."""

    def __len__(self) -> int:
        return len(self.running)

    def put(self, key: str | None, update: Update) -> None:
        """Begin with the update, or queue it behind those of its key."""
        self._start(self._run(key, update))

    def waiting(self, key: str | None) -> int:
        """Return how many updates wait behind the one of their key that is in work."""
        return 0 if key is None else self._lock.waiting(key)

    def cut_off(self) -> None:
        """Cancel all that run or wait."""
        for task in self.running:
            task.cancel()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def _run(self, key: str | None, update: Update) -> None:
        holder = f"update {update.update_id}"
        on_give_up.set(partial(self._give_up, key, update, asyncio.current_task()))
        async with self._lock.hold(key, holder):
            self.begun.add(update.update_id)
            try:
                await self._work(update)
            finally:
                self.begun.discard(update.update_id)

    def _give_up(
        self,
        key: str | None,
        update: Update,
        task: asyncio.Task[Any] | None,
        late: asyncio.Task[Any] | None,
    ) -> None:
        if late is not None and late is not task:
            # It was an update that a handler of this one has made.
            return
        if task is not None:
            self.running.discard(task)
        self._start(self._given_up(update))
        if key is not None:
            self._lock.release(key, f"update {update.update_id}")


class Attempts:
    """Settles updates: each is applied, or stored as a dead letter.

    A handler that raises is tried three times, but only as long as nothing it did may have reached
    Telegram: a message must not be sent twice. Then the update is set aside under
    `dead:{update_id}` and the user is told. So is one whose handler timed out, or was cut off by a
    stop after it had sent something; those are not tried again.

    Where Telegram repeats updates, as behind a webhook, several processes meet the same outage:
    with `repeated` only the first time counts.
    """

    def __init__(self, app: ServedApp, *, repeated: bool = False) -> None:
        self._app = app
        self._repeated = repeated
        self._failed: dict[int, Exception] = {}
        self._given_up: set[int] = set()
        self._told: set[str | None] = set()

    async def settle(self, update: Update) -> Exception | None:
        """Apply the update or set it aside; when this returns, it may be confirmed to Telegram.

        Returns what it was set aside for.
        While the store is away nothing is settled: one of `TRANSIENT` is raised, after the user was
        told once. An error that nobody expected counts as an outage too.
        """
        key = self._app.session_key(update)
        try:
            error = self._failed.get(update.update_id) or await self._apply(update)
            if update.update_id in self._given_up:
                self._given_up.discard(update.update_id)
            elif error is not None:
                await self._set_aside(update, error)
            else:
                self._app.on_outcome("done", update)
        except TRANSIENT as outage:
            first = key not in self._told
            self._told.add(key)
            self._app.on_outcome("failed", update)
            # A timer that another process handles at this moment is no failure.
            if not (isinstance(outage, SessionBusy) and isinstance(update, TimerUpdate)):
                await self._app.report(outage, update, tell=first and self._would_answer(update))
            raise
        except Exception as error:
            logger.exception("update %s is not settled", update.update_id)
            self._app.on_outcome("failed", update)
            raise StorageUnavailable("delivery", repr(error)) from error
        self._told.discard(key)
        return error

    async def until_settled(self, update: Update, stop: asyncio.Event) -> bool:
        """`settle`, again and again while the store is away; `False` when `stop` came first."""
        return await _until(lambda: self.settle(update), stop)

    async def give_up(self, update: Update, stop: asyncio.Event) -> bool:
        """Set an update aside whose handler cannot be ended; `False` when `stop` came first."""
        self._given_up.add(update.update_id)
        error = HandlerTimedOut("the handler went on although it was cancelled three times")
        return await self.until_set_aside(update, error, stop)

    async def until_set_aside(self, update: Update, error: Exception, stop: asyncio.Event) -> bool:
        """Set an update aside as soon as the store answers; `False` when `stop` came first."""
        return await _until(lambda: self._set_aside(update, error), stop)

    async def _set_aside(self, update: Update, error: Exception) -> None:
        # Should the store go away now, the handler must not run again.
        self._failed[update.update_id] = error
        context = update_in_work.set((update.update_id, self._app.session_key(update)))
        try:
            await set_aside(self._app, update.update_id, as_json(update), error, update)
            del self._failed[update.update_id]
            await self._app.report(error, update)
        finally:
            update_in_work.reset(context)

    def _would_answer(self, update: Update) -> bool:
        """Tell whether the bot would have answered, as far as that is known without the session."""
        message = update.message or update.business_message
        if message is None:
            return update.callback_query is not None
        age = (datetime.now(UTC) - message.date).total_seconds()
        if self._repeated and age > FRESH:
            return False
        replied = message.reply_to_message.from_user if message.reply_to_message else None
        entities = message.entities or message.caption_entities or ()
        return (
            message.chat.type == ChatType.PRIVATE
            or (replied is not None and replied.id == self._app.bot.id)
            or any(entity.type in ("bot_command", "mention") for entity in entities)
        )

    async def _apply(self, update: Update) -> Exception | None:
        """Run the handler; return the error that the update is to be set aside for."""
        done: list[str] = []

        async def call() -> None:
            done.clear()
            # Left set, for what the user is told afterwards.
            effects.set(done)
            await self._app.apply_update(self._app.bot, update)

        def pause(error: Exception, attempt: int) -> float | None:
            final = (CancelHandler, TelegramForbiddenError, HandlerTimedOut, *TRANSIENT)
            if isinstance(error, final) or attempt == TRIES or done:
                return None
            logger.warning(
                "update %s failed (%r), try %d of %d", update.update_id, error, attempt, TRIES
            )
            self._app.on_outcome("retried", update)
            return 0.1 * 4.0**attempt

        try:
            await retrying(call, pause, self._app.bot.sleep)
        except CancelHandler:
            return None
        except TRANSIENT:
            raise
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                # The handler awaited what somebody else had cancelled.
                words = "the handler was cut off: what it waited for had been cancelled"
                interrupted = HandlerInterrupted(words)
                interrupted.__cause__ = error
                return interrupted
            # A stop. What was sent must not be sent again by the next process.
            if not done:
                raise
            return HandlerInterrupted(f"a stop cut the handler off after {', '.join(done)}")
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            if not is_blocked(error, update):
                return error
            await self._app.report(error, update)
        return None


async def _until(work: Callable[[], Awaitable[object]], stop: asyncio.Event) -> bool:
    try:
        await retrying(work, BACKOFF, partial(sleep_unless, stop))
    except TRANSIENT:
        return False
    return True
