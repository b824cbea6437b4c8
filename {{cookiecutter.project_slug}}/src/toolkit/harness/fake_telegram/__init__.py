"""A Bot API server in this process: it keeps chats and refuses what Telegram refuses."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure, NotModelled
from toolkit.harness.fake_telegram.faults import Fault, Faults
from toolkit.harness.fake_telegram.model import CallbackQuery, Chat, Event, PersonError, Query
from toolkit.harness.fake_telegram.request import Upload
from toolkit.harness.fake_telegram.telegram import Call, FakeTelegram
from toolkit.harness.fake_telegram.update_queue import UpdateQueue, Webhook
from toolkit.harness.fake_telegram.users import Button, NoSuchButton

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
