"""The users' side: what people do, as the updates a bot receives for it."""

from __future__ import annotations

from .asking import Asking
from .buttons import Button, NoSuchButton
from .meeting import Meeting
from .moving import Moving
from .talking import Talking


class People(Talking, Moving, Asking, Meeting):
    """Acts as any user. Every action queues its update for the bot and returns it."""


__all__ = ["Button", "NoSuchButton", "People"]
