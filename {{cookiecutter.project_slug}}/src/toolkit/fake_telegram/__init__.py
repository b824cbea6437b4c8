"""A Bot API server in this process: it keeps chats and refuses what Telegram refuses."""

from __future__ import annotations

from .errors import ApiError, NetworkFailure, NotModelled
from .faults import Fault, Faults
from .methods import Upload
from .model import CallbackQuery, Chat, Event, PersonError, Query
from .people import Button, NoSuchButton
from .telegram import Call, FakeTelegram
from .updates import UpdateQueue, Webhook

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
    "PersonError",
    "Query",
    "UpdateQueue",
    "Upload",
    "Webhook",
]
