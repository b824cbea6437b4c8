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
    games,
    gifts,
    media,
    members,
    owned_gifts,
    payments,
    people,
    photos,
    pinning,
    polls,
    profile,
    receiving,
    sending,
    stars,
    sticker_sets,
    stickers,
    topics,
)
from toolkit.harness.fake_telegram.methods.registry import METHODS, run

__all__ = ["METHODS", "run"]
