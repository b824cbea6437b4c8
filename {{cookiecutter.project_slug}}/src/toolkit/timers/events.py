"""A timer that is due, as handlers get it, and the update that it is delivered as."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

from aiogram import Bot
from aiogram.methods import SendMessage
from aiogram.types import Update

from toolkit.sessions.keys import Origin, parse_key
from toolkit.storage.base import Value
from toolkit.timers.timers import FIELD, handler_of

EVENT = "timer"
"""The type of its update, beside "message" and the others of the Bot API."""


@dataclass
class Timer:
    """A timer that is due: what the handlers of `on_timer` are given."""

    name: str
    """Its full name, such as "remind:7"."""
    key: str
    """The key of its session, such as `12345_67890`."""
    due_at_seconds: float = field(repr=False)
    """The moment for which it was set, as a Unix time."""
    data: Any = None
    """What was given when it was set."""
    bot: Bot | None = field(default=None, repr=False)
    is_settled: bool = field(default=False, repr=False)

    @property
    def due_at(self) -> datetime:
        """The moment for which it was set, in UTC."""
        return datetime.fromtimestamp(self.due_at_seconds, UTC)

    @property
    def handler(self) -> str:
        """The name of its handler."""
        return handler_of(self.name)

    @property
    def part(self) -> str:
        """What is behind the colon of its name, "" where there is none."""
        return self.name.partition(":")[2]

    @property
    def late(self) -> timedelta:
        """How long ago it was due."""
        return datetime.now(UTC) - self.due_at

    @property
    def origin(self) -> Origin:
        """Chat, user, topic and business connection of its session."""
        return (parse_key(self.key) or Origin())._replace(fixed=self.key)

    def answer(self, text: str, **options: Any) -> SendMessage:
        """Return the call that sends a text to the chat of the session, to be awaited."""
        origin = self.origin
        given = {
            "message_thread_id": origin.topic,
            "business_connection_id": origin.business,
            **options,
        }
        return SendMessage(chat_id=cast(int, origin.chat), text=text, **given).as_(self.bot)


class TimerNumber(int):
    """The id of a timer's update: below zero, unlike Telegram's, and the timer's name as text."""

    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def of(cls, key: str, name: str, at: float) -> TimerNumber:
        """Return the number of a timer; no two timers of a process have the same."""
        number = cls(-1 - (hash((key, name, at)) & 0xFFFF_FFFF_FFFF))
        number.text = f"{EVENT}:{key}:{name}"
        return number


class TimerUpdate(Update):
    """The update that a timer is delivered as. Telegram knows none of its kind."""

    # `toolkit.quick_aiogram`: to build it would take half a second at each start.
    never_validated: ClassVar[bool] = True

    timer: Any = None

    @classmethod
    def of(cls, key: str, name: str, record: Value, bot: Bot) -> TimerUpdate:
        """Return the update for a timer in the record of `key`."""
        entry = record[FIELD][name]
        timer = Timer(name, key, entry["at"], entry.get("data"), bot)
        number = TimerNumber.of(key, name, entry["at"])
        update = cls.model_construct(update_id=number, timer=timer)
        return update.as_(bot)

    @property
    def event_type(self) -> str:
        """What observers of it are called."""
        return EVENT

    def as_json(self) -> Value:
        """Return what a dead letter keeps of it."""
        timer: Timer = self.timer
        fields = {"name": timer.name, "key": timer.key, "at": timer.due_at_seconds}
        return {EVENT: fields if timer.data is None else {**fields, "data": timer.data}}
