"""Turn what a spec sends into the update that Telegram would deliver for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.matching import fits
from toolkit.harness.specs.spec import Send
from toolkit.harness.types import Json
from toolkit.sessions.keys import origin_of

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Chat, FakeTelegram

EARLIER = "An earlier message"


def update_of(telegram: FakeTelegram, send: Send) -> Json:
    """Have a user of the fake Telegram do it, and return the update.

    Raise `PersonError` when they cannot, and ValueError for a raw update that Telegram could not
    send.
    """
    if send.kind == "update":
        return _take_raw(telegram, send.value)
    private = send.chat_id is None or send.chat_id > 0
    owner = send.chat_id if private and send.chat_id is not None else send.user_id
    chat = telegram.chat_for(owner, send.chat_id)
    if send.kind == "text":
        update = telegram.send_text(owner, send.value, chat.id)
    elif send.kind == "tap":
        update = telegram.tap(
            owner, send.message_id, chat_id=chat.id, label=_label(telegram, chat, send)
        )
    else:
        message_id = _message_with_button(telegram, chat, send)
        update = telegram.tap(owner, message_id, send.value, chat.id)
    if owner == send.user_id:
        return update
    # No user can write in another user's private chat, but specs may say so.
    kind = next(name for name in update if name != "update_id")
    return {**update, kind: {**update[kind], "from": telegram.user(send.user_id)}}


def chat_of(update: Json) -> int | None:
    """Return the chat that an update comes from, as sessions see it; None for none."""
    from aiogram.types import Update
    from aiogram.types.update import UpdateTypeLookupError

    try:
        return origin_of(Update.model_validate(update)).chat
    except (UpdateTypeLookupError, ValueError):
        return None


def _label(telegram: FakeTelegram, chat: Chat, send: Send) -> str:
    """Return the label to tap; of several that fit a matcher, the first on the newest message."""
    for button in telegram.buttons(chat.id):
        if send.message_id in (None, button.message_id) and fits(send.value, button.label):
            return button.label
    return str(send.value)


def _message_with_button(telegram: FakeTelegram, chat: Chat, send: Send) -> int:
    """Return the message whose button is tapped.

    A button that is not on screen is a stale one. Its message came from the bot before this
    dialogue began, so it is put there first; a deleted message stays deleted.
    """
    wanted = send.message_id
    keyboard = {"inline_keyboard": [[{"text": send.value, "callback_data": send.value}]]}
    if wanted is not None:
        shown = chat.messages.get(wanted)
        if shown is None and wanted not in chat.deleted:
            telegram.place(chat.id, EARLIER, wanted, keyboard)
        # A user's own message has no buttons: this id comes from another way of counting messages.
        if shown is None or shown.get("from", {}).get("id") == telegram.me["id"]:
            return wanted
    for button in telegram.buttons(chat.id):
        if button.data.get("callback_data") == send.value and button.message_id is not None:
            return button.message_id
    return int(telegram.place(chat.id, EARLIER, None, keyboard)["message_id"])


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
