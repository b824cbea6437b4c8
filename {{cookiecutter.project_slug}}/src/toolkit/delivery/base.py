"""What delivery needs of the app that it serves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from aiogram import Bot
from aiogram.types import Update
from aiohttp import web

from toolkit.albums import Albums
from toolkit.delivery.outgoing import RetryingBot
from toolkit.delivery.shutdown import Work
from toolkit.delivery.tasks import Tasks
from toolkit.sessions.middleware import Sessions

Outcome = Literal["done", "retried", "failed", "dead", "throttled"]
"""What became of one try of an update: `retried` is tried again at once, `failed` when the store
answers; `dead` was set aside, unread if there is no update to tell of; `throttled` was dropped."""


class ServedApp(Protocol):
    """The side of a `BotApp` that updates are delivered to."""

    bot: RetryingBot
    sessions: Sessions[Any]
    routes: web.RouteTableDef
    albums: Albums
    tasks: Tasks
    on_outcome: Callable[[Outcome, Update | None], object]

    @property
    def works(self) -> Sequence[Work]:
        """What a stop waits for besides the updates: tasks, and timers in work."""

    def session_key(self, update: Update, *, in_line: bool = False) -> str | None:
        """Return the key of the update's session, `None` where it has none, or does not wait."""

    def drops(self, update: Update) -> bool:
        """Tell whether the update is one too many of its user, and is dropped."""

    async def apply_update(self, bot: Bot, update: Update) -> Any:
        """Take the update through sessions and handlers; raise what goes wrong."""

    async def report(self, error: Exception, update: Update, *, tell: bool = True) -> None:
        """Log the failure of the update and `tell` its user."""

    def timer_names(self) -> set[str]:
        """Return the names of the timers that have a handler."""

    def wanted_updates(self) -> list[str] | None:
        """Return the types of updates to ask Telegram for."""
