"""A Bot API server in this process: it keeps chats and refuses what Telegram refuses."""

from __future__ import annotations

from .errors import ApiError, NetworkFailure, NotModelled
from .faults import Fault, Faults
from .methods import Upload
from .people import Button, NoSuchButton
from .state import CallbackQuery, Chat, Event
from .telegram import Call, FakeTelegram
from .updates import UpdateQueue

__all__ = [
    "ApiError",
    "Button",
    "Call",
    "CallbackQuery",
    "Chat",
    "Event",
    "FakeTelegram",
    "Fault",
    "Faults",
    "NetworkFailure",
    "NoSuchButton",
    "NotModelled",
    "UpdateQueue",
    "Upload",
]
