"""Turn what a spec sends into the update that Telegram would deliver for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.deeds import DEEDS, EARLIER, MOVES, Deed, refuse
from toolkit.harness.specs.matching import Chats
from toolkit.harness.specs.sends import Send
from toolkit.harness.types import Json
from toolkit.sessions.keys import origin_of

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram


def rounds(telegram: FakeTelegram, sends: Sequence[Send]) -> Iterator[list[tuple[Send, Json]]]:
    """Have users of the fake Telegram do it, and yield the updates that come of it.

    Those of one round are to be delivered at the same time; the next one begins when that is done,
    as a payment begins when the bot has approved it. Raise `PersonError` when users cannot do it,
    and ValueError for a raw update that Telegram could not send.
    """
    going = [(send, updates_of(telegram, send)) for send in sends]
    while batch := [(send, each) for send, updates in going for each in next(updates, ())]:
        yield batch


def updates_of(telegram: FakeTelegram, send: Send) -> Iterator[Sequence[Json]]:
    """Have a user do one thing, as `rounds` does."""
    if send.kind == "update":
        yield [_take_raw(telegram, send.value)]
        return
    private = send.chat_id is None or send.chat_id > 0
    owner = send.chat_id if private and send.chat_id is not None else send.user_id
    if send.kind in MOVES:
        chat = telegram.chats[telegram.group(send.value)["id"]]
    else:
        chat = telegram.chat_for(owner, send.chat_id)
    # No user can write in another user's private chat, but specs may say so.
    foreign, told = owner != send.user_id, False
    for updates in DEEDS[send.kind](Deed(telegram, chat, owner, send)):
        yield [_from(telegram.user(send.user_id), each) for each in updates] if foreign else updates
        told = True
    if not told:
        refuse("the bot is not told of it")


def _from(user: Json, update: Json) -> Json:
    kind = next(name for name in update if name != "update_id")
    return {**update, kind: {**update[kind], "from": user}}


def chat_of(update: Json) -> int | None:
    """Return the chat that an update comes from, as sessions see it; None for none."""
    from aiogram.types import Update
    from aiogram.types.update import UpdateTypeLookupError

    try:
        return origin_of(Update.model_validate(update)).chat
    except (UpdateTypeLookupError, ValueError):
        return None


def chats_of(updates: Sequence[Json]) -> Chats:
    """Return the chat of a step with these updates, or its chats; None if one has none."""
    chats = [chat_of(update) for update in updates]
    known = tuple(chat for chat in chats if chat is not None)
    if len(known) < len(chats):
        return None
    return known if len(known) > 1 else known[0]


def _take_raw(telegram: FakeTelegram, update: Json) -> Json:
    """Take a complete update; the messages that it mentions are there to be answered or edited."""
    from aiogram.types import Update

    kind = next(name for name in update if name != "update_id")
    update = {**update, kind: _dated(telegram, update[kind])}
    Update.model_validate({"update_id": 0, **update})
    taken = telegram.inject(update)
    content = update[kind]
    inline_id = content.get("inline_message_id")
    if inline_id is not None and inline_id not in telegram.inline_messages:
        sent = telegram.place(content["from"]["id"], EARLIER)
        telegram.inline_messages[inline_id] = (sent["chat"]["id"], sent["message_id"])
    replied = content.get("reply_to_message")
    if replied is not None:
        messages = telegram.chats[content["chat"]["id"]].messages
        messages.setdefault(replied["message_id"], replied)
    return taken


def _dated(telegram: FakeTelegram, content: Any) -> Any:
    """Correct the date 0 and the foreign bot that specs of other implementations write.

    For the Bot API a message with date 0 is out of reach, and has neither sender nor content.
    """
    if not isinstance(content, dict):
        return content
    message = content.get("message")
    if isinstance(message, dict) and "from" in message:
        bot = telegram.bot_user
        return {**content, "message": {**_dated(telegram, message), "from": bot}}
    if content.get("date") == 0 and "from" in content:
        return {**content, "date": telegram.now()}
    return content
