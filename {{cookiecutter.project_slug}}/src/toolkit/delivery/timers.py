"""Finds the timers that are due, and has each handled as an update is.

Every process asks the store, once a second and when a timer is due that it has set itself. Whoever
checks the session out first handles the timer, and the commit removes it: it takes effect once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import cast

from aiogram.types import Update

from toolkit.delivery.attempts import Attempts, UpdateTasks
from toolkit.delivery.base import ServedApp
from toolkit.delivery.poison import TimerStart
from toolkit.errors import TRANSIENT, SessionBusy, StorageError
from toolkit.sessions.keys import is_session_key
from toolkit.sessions.middleware import TIMER_PATIENCE
from toolkit.storage.base import Due, WakingSessionStorage
from toolkit.timers.events import TimerUpdate
from toolkit.timers.timers import FIELD, due_names
from toolkit.waiting import sleep_unless

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks for timers that other processes have set."""

AT_ONCE = 50
"""Sessions whose timers are handled at the same time."""

PAGE = 4 * AT_ONCE
"""Records asked for at once: several processes meet them, and each begins with others."""

NEAR = 0.001
"""Seconds that a timer may be early: what wakes up by the loop's clock meets no date exactly."""

ALONE_FOR = 0.5
"""Seconds that a timer has to itself of which the process may have died."""

DEATHS = 3
"""Deaths at the timers of one session alone, after which the earliest is set aside."""

SURVIVED_AFTER = 2.0
"""Seconds from the first timers on in which a death of the process is laid to them."""

REST = 30.0
"""Seconds in which a record that makes trouble is left alone."""


class DueTimers:
    """Handles the timers of a bot until it is told to stop.

    `settle` handles one, and returns why it could not be handled; by default it is tried and set
    aside as an update. Where nobody else uses the store, `look_every` may be without end.
    """

    def __init__(
        self,
        app: ServedApp,
        settle: Callable[[Update], Awaitable[object]] | None = None,
        *,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._app = app
        self._attempts = Attempts(app)
        self._settle = settle or self._attempts.settle
        self._look_every = look_every
        self.tasks = UpdateTasks(self._work, self._give_up)
        self._in_work: dict[str, set[int]] = {}
        self._resting: dict[str, float] = {}
        self._next = 0.0
        self._sooner = asyncio.Event()
        self._left_over = False
        self._stop = asyncio.Event()
        self._away = False
        self._started = getattr(app.sessions.storage, "forgets", False)
        self._start: TimerStart | None = None
        self._alone: str | None = None
        self._alone_left = asyncio.Event()
        self._survival: asyncio.Task[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Handle timers until `stop`; those in work then are left in `tasks`."""
        self._stop = stop
        self._app.sessions.on_wake = self._expect
        # Without handlers one look is enough, for what an earlier release has set.
        look_every = self._look_every if self._app.timer_names() else math.inf
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._sooner.clear()
                if self._next <= time.time() + NEAR:
                    self._next = time.time() + look_every
                    await self._look()
                sooner = asyncio.create_task(self._sooner.wait())
                limit = max(0.0, self._next - time.time())
                await asyncio.wait(
                    (sooner, stopped),
                    timeout=None if limit == math.inf else limit,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                sooner.cancel()
        finally:
            stopped.cancel()

    def _expect(self, at: float) -> None:
        """Look by then, for a timer that is due."""
        if at < self._next:
            self._next = at
            self._sooner.set()

    async def _look(self) -> None:
        checkouts = self._app.sessions.checkouts
        # A store without the verb is wrapped in one that scans.
        storage = cast(WakingSessionStorage, self._app.sessions.storage)
        try:
            found = await checkouts.bounded(storage.due(math.inf, PAGE))
        except Exception as error:  # noqa: BLE001 - whatever it is, timers go on when it passes
            if not self._away:
                # Updates say it louder, and so does the report at start.
                logger.info("timers wait until the store answers: %r", error)
            self._away = True
            self._expect(time.time() + LOOK_EVERY)
            return
        self._away = False
        now = time.time() + NEAR
        due = [each for each in found if each.at <= now]
        if len(due) < len(found):
            self._expect(found[len(due)].at)
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        chosen = self._choose(due)
        if chosen and not self._started:
            chosen = await self._begin_carefully(chosen, due)
        await asyncio.gather(*map(self._begin, chosen))

    async def _begin_carefully(self, keys: list[str], due: list[Due]) -> list[str]:
        """Begin with each alone that the last process may have died of; return the others.

        One that the store keeps for a process that has died is left for later.
        """
        try:
            if self._start is None:
                start = TimerStart(self._app)
                await start.read()
                self._start = start
            start = self._start
            for key in [*start.suspects]:
                if all(key != each.key for each in due) or await self._begin_alone(key):
                    start.suspects.discard(key)
            others = [key for key in keys if key not in start.suspects]
            await start.begin(others)
        except StorageError as error:
            logger.info("timers wait until the store answers: %r", error)
            self._expect(time.time() + LOOK_EVERY)
            return []
        if not start.suspects:
            self._started = True
            self._survival = asyncio.create_task(self._survive(start))
        return others

    async def _begin_alone(self, key: str) -> bool:
        """Handle the timers of a session with nothing else in work, or set the earliest aside.

        Returns whether the store let go of the session.
        """
        sessions, deaths = self._app.sessions, 0
        try:
            context = await sessions.begin(key, "its timers, alone", TIMER_PATIENCE / 10)
        except SessionBusy:
            return False
        try:
            for name in due_names({FIELD: context.timers.entries}, time.time() + NEAR)[:1]:
                deaths = context.timers.begin_alone(name)
        finally:
            # Where they cannot be counted, they are handled as others.
            await sessions.commit(context)
        if deaths > DEATHS:
            await self._set_aside(key, DEATHS)
            return True
        self._alone, self._alone_left = key, asyncio.Event()
        await self._begin(key)
        if key in self._in_work:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._alone_left.wait(), ALONE_FOR)
        return True

    async def _survive(self, start: TimerStart) -> None:
        await sleep_unless(self._stop, SURVIVED_AFTER)
        with contextlib.suppress(StorageError):
            await start.survived()

    async def _set_aside(self, key: str, deaths: int) -> None:
        """Set the earliest timer aside that is due: those before it were handled."""
        sessions = self._app.sessions
        record = await sessions.checkouts.bounded(sessions.storage.read(key))
        for name in due_names(record, time.time() + NEAR)[:1]:
            update = TimerUpdate.of(key, name, record or {}, self._app.bot)
            error = RuntimeError(f"the process has died {deaths} times at this timer alone")
            if await self._attempts.until_set_aside(update, error, self._stop):
                await self._drop(update)

    def _choose(self, due: list[Due]) -> list[str]:
        """Return the keys to begin with now; the others are looked for again."""
        keys = [key for _, key in due if key not in self._resting]
        free = [key for key in keys if key not in self._in_work]
        random.shuffle(free)
        chosen = free[: max(0, AT_ONCE - len(self._in_work))]
        self._left_over = len(chosen) < len(keys)
        return chosen

    async def _begin(self, key: str) -> None:
        """Put the due timers of a record to work, in their order."""
        sessions, now = self._app.sessions, time.time() + NEAR
        try:
            record = await sessions.checkouts.bounded(sessions.storage.read(key))
            names = due_names(record, now) if is_session_key(key) else []
            if not names:
                await self._correct(key)
                return
        except TRANSIENT:
            self._expect(now + LOOK_EVERY)
            return
        except Exception as error:  # noqa: BLE001 - others have timers, too
            self._rest(key, error)
            return
        updates = [TimerUpdate.of(key, name, record or {}, self._app.bot) for name in names]
        self._in_work[key] = {update.update_id for update in updates}
        for update in updates:
            self.tasks.put(key, update)

    async def _correct(self, key: str) -> None:
        """Write anew when a record wants to be woken: what it says is not what it has."""
        if not is_session_key(key):
            raise ValueError("wake_at is for sessions; name the field otherwise in other records")
        # Checking it out sets a record aside that cannot be read.
        async with self._app.sessions.checkout(key, holder="its timers") as context:
            context.timers.changed = True

    async def _work(self, update: Update) -> None:
        if not isinstance(update, TimerUpdate):
            raise TypeError(f"a timer is a TimerUpdate, not {update!r}")
        timer = update.timer
        try:
            if not self._stop.is_set():
                await self._settle(update)
                if not timer.is_settled:
                    await self._drop(update)
        except TRANSIENT as error:
            logger.info("timer %s of %s waits: %s", timer.name, timer.key, error)
            self._expect(time.time() + LOOK_EVERY)
        except Exception as error:  # noqa: BLE001 - others have timers, too
            self._rest(timer.key, error)
        finally:
            self._leave(update)

    async def _drop(self, update: TimerUpdate) -> None:
        """Be done with a timer whose handler did not commit: it was set aside, or is blocked."""
        timer = update.timer
        async with self._app.sessions.checkout(timer.key, holder=f"timer {timer.name}") as context:
            entry = context.timers.entry(timer.name)
            if entry is not None and entry["at"] == timer.due_at_seconds:
                context.timers.finish(timer.name, entry)
        timer.is_settled = True

    async def _give_up(self, update: Update) -> None:
        if isinstance(update, TimerUpdate) and await self._attempts.give_up(update, self._stop):
            await self._drop(update)
            self._leave(update)

    def _leave(self, update: TimerUpdate) -> None:
        key = update.timer.key
        left = self._in_work.get(key, set())
        left.discard(update.update_id)
        if not left:
            self._in_work.pop(key, None)
            if key == self._alone:
                self._alone_left.set()
            # Half of the places at a time, so that many do not take a look each.
            if self._left_over and len(self._in_work) <= AT_ONCE // 2:
                self._expect(0.0)

    def _rest(self, key: str, error: Exception) -> None:
        logger.error("the timers of %s are left alone for %g s", key, REST, exc_info=error)
        self._resting[key] = time.time() + REST
        self._expect(self._resting[key])
