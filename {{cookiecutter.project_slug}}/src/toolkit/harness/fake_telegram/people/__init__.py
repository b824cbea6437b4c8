"""The users' side: what people do, as the updates a bot receives for it."""

from __future__ import annotations

from toolkit.harness.fake_telegram.people.buttons import Button, NoSuchButton
from toolkit.harness.fake_telegram.people.membership import Moving
from toolkit.harness.fake_telegram.people.messages import Talking
from toolkit.harness.fake_telegram.people.queries import Asking
from toolkit.harness.fake_telegram.people.raw_updates import Meeting


class People(Talking, Moving, Asking, Meeting):
    """Acts as any user. Every action queues its update for the bot and returns it."""


__all__ = ["Button", "NoSuchButton", "People"]
