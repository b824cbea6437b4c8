"""The users' side: what users do, as the updates a bot receives for it."""

from __future__ import annotations

from toolkit.harness.fake_telegram.users.boosts import Boosts
from toolkit.harness.fake_telegram.users.buttons import Button, NoSuchButton
from toolkit.harness.fake_telegram.users.gifts import Gifts
from toolkit.harness.fake_telegram.users.membership import Membership
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.fake_telegram.users.payments import Payments
from toolkit.harness.fake_telegram.users.profiles import Profiles
from toolkit.harness.fake_telegram.users.queries import Queries
from toolkit.harness.fake_telegram.users.raw_updates import RawUpdates


class Users(Messages, Membership, Queries, Payments, Gifts, Boosts, Profiles, RawUpdates):
    """Acts as any user. Every action queues its update for the bot and returns it."""


__all__ = ["Button", "NoSuchButton", "Users"]
