"""Long polling that confirms an update only after its session is committed.

One slow handler holds the offset (`Window`), but nothing else: up to 99 later updates are served
meanwhile, each within `THROTTLE` seconds of its arrival. After `STORE_AFTER` seconds the slow one
is stored and confirmed, and polling goes on as if it were done (`Inbox`).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from aiogram.types import Update

from toolkit.delivery.attempts import Attempts, UpdateTasks
from toolkit.delivery.base import ServedApp
from toolkit.delivery.fetching import Fetcher
from toolkit.delivery.inbox import (
    ALONE_FOR,
    STORE_AFTER,
    STORED_AT_MOST,
    WAITING_PER_SESSION,
    Inbox,
)
from toolkit.delivery.poison import DEATHS, StartRecord
from toolkit.delivery.shutdown import drain
from toolkit.waiting import sleep_unless

logger = logging.getLogger(__name__)

THROTTLE = 0.5
"""Longest pause, in seconds, between two `getUpdates` while an update is in progress."""


class Window:
    """The updates between the oldest one in progress and the newest one seen.

    `getUpdates(offset=n)` confirms everything below `n` and answers with up to 100 updates from
    there (Bot API, "getUpdates"). So the offset follows the oldest update that is not settled yet,
    and what is fetched again because of that is recognised here.
    """

    def __init__(self) -> None:
        self.working: dict[int, tuple[Update, float]] = {}
        """Updates in progress, each with its start time."""
        self._settled: set[int] = set()
        self._next: int | None = None

    @property
    def offset(self) -> int | None:
        """What to ask `getUpdates` for; `None` before anything was seen."""
        return min(self.working, default=self._next)

    def knows(self, update_id: int) -> bool:
        """Tell whether the update was fetched before."""
        return update_id in self.working or update_id in self._settled

    def saw(self, last_id: int) -> None:
        """Begin after `last_id`, the last update of an answer, once everything is settled."""
        self._next = last_id + 1

    def begin(self, update: Update, now: float) -> None:
        """Hold the offset at `update`."""
        self.working[update.update_id] = (update, now)

    def settle(self, update_id: int) -> None:
        """Let the offset pass this update."""
        self.working.pop(update_id, None)
        self._settled.add(update_id)

    def confirmed(self, offset: int) -> None:
        """Forget what Telegram will not send again."""
        self._settled = {known for known in self._settled if known >= offset}


class Poller:
    """Fetches updates and has them delivered until it is told to stop.

    `timeout` is how long Telegram holds an empty `getUpdates`, `drain` how long handlers may
    still take after the stop; both in seconds. With `take_over` a webhook is removed first.
    """

    def __init__(
        self,
        app: ServedApp,
        *,
        timeout: float = 30.0,
        drain: float = 6.0,
        take_over: bool = False,
    ) -> None:
        self.app = app
        self.drain = drain
        self._attempts = Attempts(app)
        self.tasks = UpdateTasks(self._work, self._give_up)
        self._inbox = Inbox(app)
        self._start = StartRecord(app)
        self._window = Window()
        self._started = False
        self._survival: asyncio.Task[None] | None = None
        self._fetcher = Fetcher(app, self._window, timeout=timeout, take_over=take_over)
        self._quiet = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop`, then let updates in progress finish, and confirm them."""
        logger.info("polling for updates")
        if len(self.app.routes):
            logger.warning("%d routes are served by a webhook only", len(self.app.routes))
        stopped = asyncio.create_task(stop.wait())
        recovery = asyncio.create_task(
            self._inbox.recover(self._put, self._set_aside, self._stopping)
        )
        try:
            # What the last process has left goes first, unless the store is away.
            looked = asyncio.create_task(self._inbox.looked.wait())
            await _first_of(looked, stopped, limit=THROTTLE)
            looked.cancel()
            while not stop.is_set():
                fetch = asyncio.create_task(self._fetch())
                await _first_of(fetch, stopped)
                if not fetch.done():
                    fetch.cancel()
                    await asyncio.wait((fetch,))
                    break
                await self._begin(*fetch.result())
                await self._throttle(stopped)
        finally:
            stopped.cancel()
            self._stopping.set()
            await drain(self.drain, self.tasks, *self.app.works)
            recovery.cancel()
            await self._shut_down()

    async def _fetch(self) -> tuple[list[Update], int | None]:
        """Return the updates from the oldest unsettled one on, and the last id of the answer.

        Waits and tries again until there is an answer.
        """
        offset = self._window.offset
        answer = await self._fetcher.fetch(offset)
        if offset is not None:
            self._forget_below(offset)
        return answer

    def _forget_below(self, offset: int) -> None:
        """Remember no longer what never comes again, here and in the records of sessions."""
        self._window.confirmed(offset)
        # What is in the inbox may come again from there.
        oldest = min(self._inbox.entries, default=offset) if self._inbox.recovered else 0
        self.app.sessions.confirmed = min(offset, oldest) - 1

    async def _begin(self, updates: list[Update], last_id: int | None) -> None:
        if last_id is None:
            return
        if last_id <= self.app.sessions.confirmed:
            # After a week without updates Telegram starts again from a random number.
            self.app.sessions.confirmed = 0
        self._window.saw(last_id)
        fresh = [update for update in updates if self._is_to_do(update)]
        now = asyncio.get_running_loop().time()
        for update in fresh:
            self._window.begin(update, now)
            self._quiet.clear()
        if fresh and not self._started and self._inbox.survives:
            self._started = True
            fresh = await self._begin_alone(fresh)
        for update in fresh:
            self._put(update)

    def _is_to_do(self, update: Update) -> bool:
        """Tell whether the update is new, and not one too many."""
        if self._window.knows(update.update_id) or update.update_id in self._inbox.entries:
            return False
        if self.app.drops(update):
            self._window.settle(update.update_id)
            return False
        return True

    async def _begin_alone(self, updates: list[Update]) -> list[Update]:
        """Begin with the first update alone, or with each where the last process died of one.

        Returns those that can begin at once.
        """
        await self._start.read()
        ids = [update.update_id for update in updates]
        suspicious = self._start.is_suspicious(ids)
        updates.sort(key=lambda update: -self._start.deaths(update.update_id))
        while updates:
            update, *updates = updates
            deaths = self._start.deaths(update.update_id)
            if deaths >= DEATHS:
                error = RuntimeError(f"the process has died {deaths} times at this update alone")
                await self._set_aside(update, error)
                continue
            await self._start.begin(update.update_id, alone=True)
            self._put(update)
            await self._settled(update.update_id)
            if not suspicious:
                break
        if updates:
            await self._start.begin(updates[0].update_id, alone=False)
        self._survival = asyncio.create_task(self._survive())
        return updates

    async def _settled(self, update_id: int) -> None:
        """Wait until an update is settled, but not long."""
        for _ in range(50):
            if update_id not in self._window.working:
                return
            await asyncio.sleep(ALONE_FOR / 50)

    async def _survive(self) -> None:
        await sleep_unless(self._stopping, STORE_AFTER)
        await self._start.survived()

    def _put(self, update: Update) -> None:
        if self.app.albums.wanted:
            self.app.albums.arrived(update)
        key = self.app.session_key(update, in_line=True)
        self.tasks.put(key, update)
        if self.tasks.waiting(key) > WAITING_PER_SESSION and self._inbox.survives:
            # One busy session must not fill the window, or nobody else would be served.
            self._store(update)

    def _store(self, update: Update) -> None:
        if len(self._inbox.entries) < STORED_AT_MOST:
            begun = update.update_id in self.tasks.begun
            self._inbox.store(update, self._pass, begun=begun)

    async def _set_aside(self, update: Update, error: Exception) -> None:
        if await self._attempts.until_set_aside(update, error, self._stopping):
            self._pass(update.update_id)

    async def _give_up(self, update: Update) -> None:
        if await self._attempts.give_up(update, self._stopping):
            await self._inbox.forget(update.update_id, self._stopping)
            self._pass(update.update_id)

    async def _throttle(self, stopped: asyncio.Task[Any]) -> None:
        """Give handlers time, or the next `getUpdates` would only return updates in progress."""
        if not self._window.working:
            return
        quiet = asyncio.create_task(self._quiet.wait())
        await _first_of(quiet, stopped, limit=THROTTLE)
        quiet.cancel()
        overdue = asyncio.get_running_loop().time() - STORE_AFTER
        for update, begun in list(self._window.working.values()):
            if begun <= overdue:
                self._store(update)

    async def _work(self, update: Update) -> None:
        update_id = update.update_id
        if update_id in self._inbox.entries and not await self._inbox.begin(update_id):
            logger.info("update %d is in work in another process", update_id)
            self._pass(update_id)
        elif await self._attempts.until_settled(update, self._stopping):
            await self._inbox.forget(update_id, self._stopping)
            self._pass(update_id)

    def _pass(self, update_id: int) -> None:
        """Let the offset pass an update that is settled, or in the inbox."""
        self._window.settle(update_id)
        if not self._window.working:
            self._quiet.set()

    async def _shut_down(self) -> None:
        """Store what is unfinished, and confirm everything that Telegram need not repeat."""
        if self._inbox.survives:
            for update, _ in list(self._window.working.values()):
                self._inbox.store(update, self._pass, begun=False, hold=False)
            await self._inbox.written(limit=1.0)
            await self._inbox.release()
            await self._start.survived()
        if self._window.offset is None:
            return
        try:
            async with asyncio.timeout(1.0):
                await self.app.bot.get_updates(offset=self._window.offset, limit=1, timeout=0)
        except Exception as error:  # noqa: BLE001 - what comes again is recognised
            logger.warning("the last updates were not confirmed and will come again: %r", error)


async def _first_of(*tasks: asyncio.Task[Any], limit: float | None = None) -> None:
    await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
