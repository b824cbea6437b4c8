"""The Bot API methods. A new one is a decorated function in the module of its subject."""

from __future__ import annotations

from toolkit.harness.fake_telegram.methods import (  # imported so that they register their methods
    answers,
    chats,
    contents,
    editing,
    ephemeral,
    forwarding,
    media,
    members,
    payments,
    polls,
    profile,
    receiving,
    sending,
    topics,
)
from toolkit.harness.fake_telegram.methods.registry import METHODS, Request, Upload, method, run

__all__ = [
    "METHODS",
    "Request",
    "Upload",
    "answers",
    "chats",
    "contents",
    "editing",
    "ephemeral",
    "forwarding",
    "media",
    "members",
    "method",
    "payments",
    "polls",
    "profile",
    "receiving",
    "run",
    "sending",
    "topics",
]
