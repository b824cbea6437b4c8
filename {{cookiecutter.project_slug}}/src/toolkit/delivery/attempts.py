"""Which updates are in progress, how often each is tried, and what settles it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from aiogram.dispatcher.event.bases import CancelHandler
from aiogram.exceptions import TelegramForbiddenError
from aiogram.types import Update

from toolkit.delivery.base import ServedApp
from toolkit.delivery.dead_letters import as_json, set_aside
from toolkit.delivery.outgoing import effects
from toolkit.errors import TRANSIENT, HandlerTimedOut
from toolkit.waiting import Backoff, KeyedLock, retrying, sleep_unless

logger = logging.getLogger(__name__)

TRIES = 3
BACKOFF = Backoff(TRANSIENT)


class UpdateTasks:
    """Runs `work` on updates: those of one key in order of arrival, those of others meanwhile.

    The lock of the session keeps that order too, but an update that waits to be tried again does
    not hold it. `work` must not raise.
    """

    def __init__(self, work: Callable[[Update], Awaitable[None]]) -> None:
        self._work = work
        self._lock = KeyedLock()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, key: str | None, update: Update) -> None:
        """Begin with the update, or queue it behind those of its key."""
        task = asyncio.create_task(self._run(key, update))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self, limit: float, grace: float = 0.5) -> None:
        """Let everything run for `limit` seconds, then cancel what is left.

        What does not even end when it is cancelled is left behind after `grace` seconds.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit)
        late = [*self._tasks]
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=grace)

    async def _run(self, key: str | None, update: Update) -> None:
        async with self._lock.hold(key):
            await self._work(update)


class Attempts:
    """Settles updates: each is applied, or stored as a dead letter.

    A handler that raises is tried three times, but only as long as nothing it did may have reached
    Telegram: a message must not be sent twice. Then the update is set aside under
    `dead:{update_id}` and the user is told. A handler that timed out is not tried again.
    """

    def __init__(self, app: ServedApp) -> None:
        self._app = app
        self._failed: dict[int, Exception] = {}
        self._told: set[str | None] = set()

    async def settle(self, update: Update) -> None:
        """Apply the update or set it aside; when this returns, it may be confirmed to Telegram.

        While the store is away nothing is settled: one of `TRANSIENT` is raised, after the user was
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
        except TRANSIENT as outage:
            if key not in self._told:
                self._told.add(key)
                await self._app.report(outage, update)
            raise
        self._told.discard(key)

    async def until_settled(self, update: Update, stop: asyncio.Event) -> bool:
        """`settle`, again and again while the store is away; `False` when `stop` came first."""
        try:
            await retrying(lambda: self.settle(update), BACKOFF, partial(sleep_unless, stop))
        except TRANSIENT:
            return False
        return True

    async def _apply(self, update: Update) -> Exception | None:
        """Run the handler; return the error that the update is to be set aside for."""
        done: list[str] = []

        async def call() -> None:
            done.clear()
            token = effects.set(done)
            try:
                await self._app.apply_update(self._app.bot, update)
            finally:
                effects.reset(token)

        def pause(error: Exception, attempt: int) -> float | None:
            final = (CancelHandler, TelegramForbiddenError, HandlerTimedOut, *TRANSIENT)
            if isinstance(error, final) or attempt == TRIES or done:
                return None
            logger.warning(
                "update %d failed (%r), try %d of %d", update.update_id, error, attempt, TRIES
            )
            return 0.1 * 4.0**attempt

        try:
            await retrying(call, pause, self._app.bot.sleep)
        except CancelHandler:
            return None
        except (TelegramForbiddenError, HandlerTimedOut) as error:
            await self._app.report(error, update)
            return None
        except TRANSIENT:
            raise
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return error
        return None
