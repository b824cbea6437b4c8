"""What the bot remembers about one user in one chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    """The question that the next answer is about."""

    idle = "idle"
    choosing_service = "choosing_service"
    choosing_time = "choosing_time"


@dataclass
class Session:
    """The fields and what a new user starts with: each needs a default."""

    step: Step = Step.idle
    service: str = ""
    menu: int = 0  # id of the message with the current question and its buttons
    asked_at: datetime | None = None
    language: str = ""  # where one was chosen; else it is that of the user's Telegram
    name: str = ""  # that of the user's Telegram, at the last visit that was booked
    phone: str = ""
    giving_phone: bool = False  # the next message answers the question for it
    asked_for_phone: bool = False  # which happens once

    def finish(self) -> None:
        """Leave the dialogue, however it went."""
        self.step = Step.idle
        self.service = ""
        self.menu = 0
        self.asked_at = None
