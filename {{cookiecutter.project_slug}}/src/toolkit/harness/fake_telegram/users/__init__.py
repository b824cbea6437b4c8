"""The users' side: what users do, as the updates a bot receives for it."""

from __future__ import annotations

from toolkit.harness.fake_telegram.users.boosts import Boosts
from toolkit.harness.fake_telegram.users.business import Business
from toolkit.harness.fake_telegram.users.buttons import Button, NoSuchButton
from toolkit.harness.fake_telegram.users.chat_services import ChatServices
from toolkit.harness.fake_telegram.users.contents import Contents
from toolkit.harness.fake_telegram.users.direct_messages import DirectMessages
from toolkit.harness.fake_telegram.users.drafts import Drafts
from toolkit.harness.fake_telegram.users.gifts import Gifts
from toolkit.harness.fake_telegram.users.giveaways import Giveaways
from toolkit.harness.fake_telegram.users.guests import Guests
from toolkit.harness.fake_telegram.users.managed_bots import ManagedBots
from toolkit.harness.fake_telegram.users.membership import Membership
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.fake_telegram.users.payments import Payments
from toolkit.harness.fake_telegram.users.polls import Polls
from toolkit.harness.fake_telegram.users.profiles import Profiles
from toolkit.harness.fake_telegram.users.queries import Queries
from toolkit.harness.fake_telegram.users.raw_updates import RawUpdates
from toolkit.harness.fake_telegram.users.sharing import Sharing


class Users(
    Business,
    DirectMessages,
    ManagedBots,
    Sharing,
    Contents,
    ChatServices,
    Guests,
    Messages,
    Membership,
    Queries,
    Payments,
    Polls,
    Gifts,
    Giveaways,
    Boosts,
    Profiles,
    Drafts,
    RawUpdates,
):
    """Acts as any user. Every action queues its update for the bot and returns it."""


__all__ = ["Button", "NoSuchButton", "Users"]
