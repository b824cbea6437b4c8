"""What the bot remembers about one user in one chat."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """The question that the next answer is about."""

    idle = "idle"
    asking_name = "asking_name"


@dataclass
class Session:
    """The fields and what a new user starts with: each needs a default."""

    step: Step = Step.idle
    name: str = ""
