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
    managed_bots,
    media,
    members,
    payments,
    pinning,
    polls,
    profile,
    receiving,
    rich,
    sending,
    stories,
    suggested_posts,
    topics,
)
from toolkit.harness.fake_telegram.methods.registry import METHODS, run

__all__ = ["METHODS", "run"]
