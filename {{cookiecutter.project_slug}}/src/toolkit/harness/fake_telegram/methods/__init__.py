"""The Bot API methods. A new one is a decorated function in the module of its subject."""

from __future__ import annotations

from toolkit.harness.fake_telegram.methods import (  # noqa: F401 - importing registers methods
    answers,
    business,
    chats,
    contents,
    deleting,
    drafts,
    editing,
    files,
    forwarding,
    games,
    gifts,
    managed_bots,
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
    rich,
    sending,
    stars,
    sticker_sets,
    stickers,
    stories,
    suggested_posts,
    topics,
)
from toolkit.harness.fake_telegram.methods.registry import METHODS, run

__all__ = ["METHODS", "run"]
