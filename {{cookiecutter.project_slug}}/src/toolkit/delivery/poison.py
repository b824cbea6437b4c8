"""Poison messages: an update or a timer with which the process dies is found, and set aside.

Nothing of such an update is in the store yet, so that Telegram brings it to every process that
starts. One record notes what a process begins with, until it has lived long enough.
"""

from __future__ import annotations

import logging
from typing import Any

from toolkit.delivery.base import ServedApp
from toolkit.errors import StorageError

logger = logging.getLogger(__name__)

KEY = "polling:start"
DEATHS = 2
"""Deaths of the process at one update, with nothing else in work, after which that is set aside."""


class StartRecord:
    """What this bot's last process began with, and what this one does."""

    def __init__(self, app: ServedApp) -> None:
        self._checkouts = app.sessions.checkouts
        self._last: dict[str, Any] = {}

    async def read(self) -> None:
        """Learn how the last process ended; while the store is away it counts as well."""
        try:
            last = await self._checkouts.bounded(self._checkouts.storage.read(KEY))
        except StorageError as error:
            logger.warning("how the last process ended is not known: %s", error)
        else:
            self._last = last or {}

    def is_suspicious(self, update_ids: list[int]) -> bool:
        """Tell whether the last process died before it had got beyond one of these updates."""
        return self._last.get("update") in update_ids

    def deaths(self, update_id: int) -> int:
        """Return how often in a row the process died at this update, with nothing else in work."""
        if self._last.get("update") != update_id:
            return 0
        deaths = self._last.get("deaths", 0)
        return deaths if isinstance(deaths, int) else 0

    async def begin(self, update_id: int, *, alone: bool) -> None:
        """Note that this update is the one in work, the only one if it is `alone`.

        A death counts from here on, unless `survived` comes first.
        """
        deaths = self.deaths(update_id) + 1 if alone else 0
        await self._write({"update": update_id, "deaths": deaths})

    async def survived(self) -> None:
        """Forget what was noted, here or by an earlier process: this one lives."""
        await self._write(None)

    async def _write(self, record: dict[str, Any] | None) -> None:
        storage = self._checkouts.storage
        try:
            if record is None:
                await self._checkouts.bounded(storage.delete(KEY))
            else:
                await self._checkouts.bounded(storage.write(KEY, record))
        except StorageError as error:
            logger.warning("what this process begins with was not noted: %s", error)


class TimerStart:
    """Whose timers this bot's last process began with, where it died soon after its start.

    How often a process has died at a timer alone is noted with the timer (`Timers.begin_alone`):
    several processes may start at a time.
    """

    KEY = "timers:start"

    def __init__(self, app: ServedApp) -> None:
        self._checkouts = app.sessions.checkouts
        self.suspects: set[str] = set()
        """The keys of their sessions."""

    async def read(self) -> None:
        """Learn how the last process ended. Raises `StorageError`."""
        last = await self._checkouts.bounded(self._checkouts.storage.read(self.KEY)) or {}
        self.suspects = set(last.get("begun", ()))

    async def begin(self, keys: list[str]) -> None:
        """Note that these are in work now, or suspected still. Raises `StorageError`."""
        note = {"begun": [*keys, *self.suspects]}
        await self._checkouts.bounded(self._checkouts.storage.write(self.KEY, note))

    async def survived(self) -> None:
        """Forget what was noted: this process lives. Raises `StorageError`."""
        await self._checkouts.bounded(self._checkouts.storage.delete(self.KEY))
