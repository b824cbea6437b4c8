"""Floods: what a user sends beyond a limit is turned away before anything is done for it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update
from aiogram.types.update import UpdateTypeLookupError

from toolkit import clock
from toolkit.delivery.base import ServedApp
from toolkit.delivery.failures import say

logger = logging.getLogger(__name__)

WRITTEN: Final = (
    *("message", "edited_message", "business_message", "edited_business_message"),
    "guest_message",
)
REACTION: Final = "message_reaction"
THROTTLED: Final = frozenset(
    (*WRITTEN, REACTION, "callback_query", "inline_query", "chosen_inline_result")
)
"""Types of updates that a user makes as many of as they like. Payments, members and the like, and
answers to polls, are let through."""

CONTENTS: Final = frozenset(
    (
        *("text", "animation", "audio", "document", "live_photo", "paid_media", "photo"),
        *("sticker", "story", "video", "video_note", "voice", "checklist", "contact", "dice"),
        *("game", "poll", "venue", "location"),
    )
)
"""What users write. All else, service messages and payments, is let through."""

KEPT = 50_000
"""Users whose updates are counted at once. Beyond that the first of them begins anew."""

LATE, LATEST = 5.0, 86_400.0
"""Seconds: a message that is older when it comes has waited, as after a stop, and counts for when
it was sent. Telegram keeps it for a day."""


class Throttle:
    """At most `limit` updates of a user in `per` seconds: `throttle=Throttle(20, per=10)`.

    The others are confirmed to Telegram, and dropped. With `tell` the user is told once in that
    time, with the text or with what it returns for the update. An album counts as one; payments,
    service messages, changes of members and the like neither count nor are dropped. Each process
    counts for itself. Raises `ValueError` for what cannot work.
    """

    def __init__(
        self, limit: int, *, per: float, tell: str | Callable[[Update], str] | None = None
    ) -> None:
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            words = "limit is how many updates of a user are let through, a whole number from 1"
            raise ValueError(f"{words}; got {limit!r}")
        if not (isinstance(per, int | float) and 0 < per < math.inf):
            raise ValueError(f"per is a number of seconds, more than 0; got {per!r}")
        if not (tell is None or callable(tell) or (isinstance(tell, str) and tell.strip())):
            words = "tell is a text for the user, or a function that returns one for an update"
            raise ValueError(f"{words}; leave it out to tell them nothing; got {tell!r}")
        self.limit, self.per, self.tell = limit, per, tell


@dataclass(slots=True)
class _Window:
    """The updates of a user that were let through since `begun`."""

    begun: float
    passed: set[int | str]
    told: bool = False


class Floods:
    """Counts the updates of each user of `app`, and drops those of a flood."""

    def __init__(self, throttle: Throttle, app: ServedApp) -> None:
        self._throttle = throttle
        self._app = app
        self._windows: dict[int, _Window] = {}
        """Those whose time is not over, in the order in which they began."""
        self._late = 0.0

    def __len__(self) -> int:
        return len(self._windows)

    def drops(self, update: Update) -> bool:
        """Count the update; tell whether it is one too many."""
        try:
            kind = update.event_type
        except UpdateTypeLookupError:
            return False
        # What code makes has no number.
        if kind not in THROTTLED or update.update_id <= 0:
            return False
        event: Any = getattr(update, kind)
        if kind in WRITTEN:
            if not event.text and event.content_type not in CONTENTS:
                return False
            sender = event.sender_chat or event.from_user
        else:
            sender = event.user or event.actor_chat if kind == REACTION else event.from_user
        if sender is None:
            return False
        window = self._window(sender.id, self._sent(event))
        # An update that comes again, since it could not be settled, is no other one.
        mark = getattr(event, "media_group_id", None) or update.update_id
        if mark in window.passed:
            return False
        if len(window.passed) < self._throttle.limit:
            window.passed.add(mark)
            return False
        self._drop(update, sender.id, window)
        return True

    def _sent(self, event: Any) -> float:
        """Return when the event was sent, by the clock; what has no date is as late as the last."""
        date = getattr(event, "date", None)
        if date is not None:
            late = time.time() - (getattr(event, "edit_date", None) or date.timestamp())
            self._late = min(late, LATEST) if late > LATE else 0.0
        return clock.monotonic() - self._late

    def _window(self, user: int, sent: float) -> _Window:
        over = sent - self._throttle.per
        window = self._windows.get(user)
        if window is None or window.begun <= over:
            self._windows.pop(user, None)
            while self._windows:
                oldest = next(iter(self._windows))
                if self._windows[oldest].begun > over and len(self._windows) < KEPT:
                    break
                del self._windows[oldest]
            window = self._windows[user] = _Window(sent, set())
        return window

    def _drop(self, update: Update, user: int, window: _Window) -> None:
        self._app.on_outcome("throttled", update)
        if window.told:
            return
        window.told = True
        throttle = self._throttle
        logger.warning(
            "user %d has sent more than %d updates within %g s: update %d and what else comes in "
            "that time is dropped",
            *(user, throttle.limit, throttle.per, update.update_id),
        )
        if throttle.tell is not None:
            self._app.tasks.start(self._tell(update, throttle.tell), name="notice of a throttle")

    async def _tell(self, update: Update, tell: str | Callable[[Update], str]) -> None:
        text = tell if isinstance(tell, str) else tell(update)
        try:
            if (query := update.callback_query) is not None:
                await self._app.bot.answer_callback_query(query.id, text)
            else:
                await say(update, text, self._app.bot)
        except TelegramAPIError as unreachable:
            words = "the user of update %d was not told: %s"
            logger.warning(words, update.update_id, unreachable)
