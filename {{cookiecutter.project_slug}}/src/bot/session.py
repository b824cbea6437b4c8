"""What the bot remembers about one person in one chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    """What the bot has asked, and so what the next answer is about."""

    idle = "idle"
    choosing_service = "choosing_service"
    choosing_time = "choosing_time"


@dataclass
class Session:
    """Give every field a default: they are what a new person starts with."""

    step: Step = Step.idle
    service: str = ""
    menu: int = 0  # id of the message that asks, whose buttons are the answers
    asked_at: datetime | None = None

    def finish(self) -> None:
        """Leave the dialogue, however it went."""
        self.step = Step.idle
        self.service = ""
        self.menu = 0
        self.asked_at = None
