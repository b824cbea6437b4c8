"""Which session an update belongs to.

A key is text. `chat_user`, the default, is `"{chat}_{user}"`: in a private chat both numbers
are the user's id, in a group every member has a session of their own. `chat` gives a whole group
one shared session, `"{chat}_{chat}"`, which in a private chat is the same key. `user` follows
a user through every chat. The `_topic` scopes add `_t{topic}` inside a forum topic.

=============================================  ==================================================
update                                         chat and user
=============================================  ==================================================
message, edited message, callback query        its chat and its sender
message of an anonymous admin or a channel     its chat and `sender_chat` (all of them share one
                                               technical `from` user), and so a tap of that admin
channel post                                   the channel, twice
inline query, chosen result, button under an   the user, twice: their private session
inline message, shipping, pre-checkout,
paid media, business connection
poll answer                                    the group that the bot sent the poll to, and the user
reaction, boost                                chat and user, or the one there is twice
member changes                                 the chat and the user who acted
join request                                   the user, twice: the bot may write to them there
business message                               its chat and sender, then `_b{connection}`
poll, deleted business messages without chat   none: there is no user to remember
=============================================  ==================================================

Source: Bot API, "Update" and the types it names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from aiogram.types import Update

Scope = Literal["chat_user", "chat", "user", "chat_user_topic", "chat_topic"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

AUDIENCE = "audience:"
"""How the keys of chats begin that the bot can write to; the chat's id follows."""


EXPIRING = ("inline_query", "shipping_query", "pre_checkout_query")
"""Updates that Telegram wants answered within 10 seconds (Bot API, "PreCheckoutQuery")."""


class Origin(NamedTuple):
    """Where an update comes from; `None` where it does not say.

    `business` is the id of a business connection. One that `expires` is not worth anything any more
    after it has waited for the session. `fixed` is the key itself, where that is known.
    """

    chat: int | None = None
    user: int | None = None
    topic: int | None = None
    business: str | None = None
    expires: bool = False
    fixed: str | None = None

    def key(self, scope: Scope = "chat_user") -> str | None:
        """Return the session key under `scope`, `None` when there is neither chat nor user."""
        if self.fixed is not None:
            return self.fixed
        chat = self.user if self.chat is None else self.chat
        user = self.chat if self.user is None else self.user
        if chat is None:
            return None
        if scope == "user":
            chat = user
        elif scope in ("chat", "chat_topic"):
            user = chat
        key = f"{chat}_{user}"
        if self.topic is not None and scope.endswith("_topic"):
            key += f"_t{self.topic}"
        if self.business is not None:
            key += f"_b{self.business}"
        return key


_KEY = re.compile(r"(-?\d+)_(-?\d+)(_t\d+)?(_b.+)?", re.DOTALL)


def parse_key(key: str) -> Origin | None:
    """Return where the session under this key belongs; None for the key of no session."""
    if (found := _KEY.fullmatch(key)) is None:
        return None
    chat, user, topic, business = found.groups()
    thread = int(topic[2:]) if topic else None
    return Origin(int(chat), int(user), thread, business and business[2:])


def is_session_key(key: str) -> bool:
    """Tell whether the key is one that an `Origin` makes, under any scope."""
    return _KEY.fullmatch(key) is not None


def names_user(key: str, user_id: int) -> bool:
    """Tell whether it is the key of a session with this user."""
    found = _KEY.fullmatch(key)
    return found is not None and str(user_id) in found.groups()[:2]


def origin_of(update: Update) -> Origin:
    """Return chat, user, topic and business connection of the update."""
    event: Any
    for name in ("message", "edited_message", "channel_post", "edited_channel_post"):
        if (event := getattr(update, name)) is not None:
            return _of_message(event)
    if (event := update.callback_query) is not None:
        if event.message is None:
            return Origin(user=event.from_user.id)
        place = _of_message(event.message)
        return Origin(place.chat, event.from_user.id, place.topic, place.business)
    return _of_rarer(update)


def _of_message(message: Any) -> Origin:
    # An InaccessibleMessage has only a chat, an id and a date.
    sender = getattr(message, "sender_chat", None) or getattr(message, "from_user", None)
    topic = message.message_thread_id if getattr(message, "is_topic_message", None) else None
    business = getattr(message, "business_connection_id", None)
    return Origin(message.chat.id, sender.id if sender else None, topic, business)


def _of_rarer(update: Update) -> Origin:
    name = update.event_type
    event: Any = update.event
    if name == "timer":
        origin: Origin = event.origin
        return origin
    if name in ("business_message", "edited_business_message", "guest_message"):
        return _of_message(event)
    if name == "business_connection":
        return Origin(user=event.user.id)
    if name == "chat_join_request":
        # "The bot can use this identifier for 5 minutes to send messages" (user_chat_id).
        return Origin(user=event.from_user.id)
    chat = getattr(event, "chat", None) or getattr(event, "voter_chat", None)
    user = (
        getattr(event, "from_user", None)
        or getattr(event, "user", None)
        or getattr(event, "actor_chat", None)
        or getattr(getattr(getattr(event, "boost", event), "source", None), "user", None)
    )
    return Origin(
        chat.id if chat else None,
        user.id if user else None,
        business=getattr(event, "business_connection_id", None),
        expires=name in EXPIRING,
    )
