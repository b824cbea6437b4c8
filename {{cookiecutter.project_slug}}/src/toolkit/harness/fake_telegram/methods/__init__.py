"""The Bot API methods. A new one is a decorated function in the module of its subject."""

from __future__ import annotations

from toolkit.harness.fake_telegram.methods import (  # noqa: F401 - importing registers methods
    answers,
    chats,
    contents,
    deleting,
    editing,
    files,
    forwarding,
    media,
    members,
    payments,
    pinning,
    polls,
    profile,
    receiving,
    sending,
    topics,
)
from toolkit.harness.fake_telegram.methods.registry import METHODS, run

__all__ = ["METHODS", "run"]
