"""Typing, sending, editing, tapping."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable
from typing import Any

from toolkit.harness.fake_telegram.delivering import forward_fields, origin_of
from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.media_kinds import describe
from toolkit.harness.fake_telegram.messages import CAPTION, SHOWN, TEXT
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import ANONYMOUS, is_member, member
from toolkit.harness.fake_telegram.users.buttons import Button, Buttons, NoSuchButton
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json

# What a user does who presses a button of the reply keyboard that asks for more than a text.
_INSTEAD = {
    "request_users": "share_users",
    "request_chat": "share_chat",
    "request_poll": "send_poll",
    "request_managed_bot": "create_managed_bot",
    "web_app": "send_web_app_data",
}


class Messages(Buttons):
    """What users write and press."""

    def chat_for(self, user_id: int, chat_id: int | None = None) -> Chat:
        """Return where a user acts: the private chat by default, else a group, joined on the way.

        Raise PersonError where that user cannot act.
        """
        user = self.user(user_id)
        known = self.users[user_id]
        if known.deactivated:
            raise PersonError(f"the account of user {user_id} is deleted")
        if chat_id is None or chat_id == user_id:
            if known.blocked:
                raise PersonError(f"user {user_id} has blocked the bot; unblock({user_id}) first")
            known.started = True
            return self.private_chat(user_id)
        if chat_id > 0:
            raise PersonError(f"chat {chat_id} is the private chat of another user")
        self.group(chat_id)
        chat = self.chats[chat_id]
        status = chat.members.setdefault(user_id, member("member", user))
        if not is_member(status):
            raise PersonError(f"user {user_id} is not in chat {chat_id}: {status['status']}")
        return chat

    def newest(self, chat_id: int, user_id: int) -> Json | None:
        """Return the newest message of a user, or of the bot, in a chat."""
        for message in reversed(self.messages(chat_id)):
            if message.get("from", {}).get("id") == user_id:
                return message
        return None

    def send(
        self,
        user_id: int,
        content: Json,
        chat_id: int | None = None,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
        **fields: Any,
    ) -> Json:
        """Send a message with this content (Bot API Message fields); return its update."""
        chat = self.chat_for(user_id, chat_id)
        if thread_id is not None:
            if chat.topic(thread_id).get("closed"):
                raise PersonError(f"topic {thread_id} is closed")
            fields |= in_topic(thread_id)
        if reply_to is not None:
            replied = chat.messages.get(reply_to)
            if replied is None:
                raise PersonError(f"there is no message {reply_to} in chat {chat.id} to reply to")
            shown = {k: v for k, v in replied.items() if k != "reply_to_message"}
            fields["reply_to_message"] = shown
        sender = self.user(user_id)
        if chat.members.get(user_id, {}).get("is_anonymous"):
            sender, fields["sender_chat"] = ANONYMOUS, chat.data
        elif tag := chat.members.get(user_id, {}).get("tag"):
            fields["sender_tag"] = tag
        message = self.new_message(chat, sender, content, **fields)
        return self.emit_message(chat, message)

    def send_text(
        self,
        user_id: int,
        text: str,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
        entities: list[Json] | None = None,
    ) -> Json:
        """Type a text; commands, mentions and links in it get their entities."""
        content = self.text_content(text, entities)
        return self.send(user_id, content, chat_id, reply_to=reply_to, thread_id=thread_id)

    def text_content(self, text: str, entities: list[Json] | None = None) -> Json:
        """Return `text` and `entities` of what a user typed."""
        text, found = format_text(text, None, entities)
        if not text:
            raise PersonError("a message needs text")
        return {"text": text, "entities": found} if found else {"text": text}

    def send_file(
        self,
        user_id: int,
        kind: str,
        content: bytes = b"",
        filename: str = "file",
        chat_id: int | None = None,
        caption: str | None = None,
        duration: int = 0,
        **options: Any,
    ) -> Json:
        """Send a file as `kind`: photo, document, video, voice, …; the bot can download it."""
        message = self.file_content(kind, content, filename, caption, duration)
        return self.send(user_id, message, chat_id, **options)

    def file_content(
        self,
        kind: str,
        content: bytes = b"",
        filename: str = "file",
        caption: str | None = None,
        duration: int = 0,
    ) -> Json:
        """Return the content of a message with a file; the bot can download it."""
        about = {"mime_type": mimetypes.guess_type(filename)[0] or "application/octet-stream"}
        stored = self.files.add(kind, content, filename, file_name=filename, **about)
        message = describe(stored, kind, {"duration": duration})
        return message | _as_caption(self.text_content(caption)) if caption else message

    def send_album(
        self, user_id: int, parts: Iterable[Json], chat_id: int | None = None, **options: Any
    ) -> list[Json]:
        """Send an album; return an update for each of its `parts`, which `file_content` makes."""
        options["media_group_id"] = str(self.number("media_group"))
        return [self.send(user_id, part, chat_id, **options) for part in parts]

    def forward(
        self, user_id: int, message: Json, chat_id: int | None = None, **options: Any
    ) -> Json:
        """Forward a message that the user has read anywhere, as a Bot API Message."""
        content = {name: message[name] for name in SHOWN if name in message}
        if not content:
            raise PersonError(f"message {message['message_id']} cannot be forwarded")
        return self.send(user_id, content, chat_id, **forward_fields(origin_of(message)), **options)

    def send_web_app_data(self, user_id: int, data: str, button: str | None = None) -> Json:
        """Finish a web app that was opened with a button of the reply keyboard: the newest one."""
        chat = self.chat_for(user_id)
        opened = [
            each.label
            for each in self.buttons(chat.id)
            if each.message_id is None and "web_app" in each.data and button in (None, each.label)
        ]
        if not opened:
            named = f" labelled '{button}'" if button else ""
            raise NoSuchButton(f"the reply keyboard has no button{named} that opens a web app")
        return self.send(user_id, {"web_app_data": {"data": data, "button_text": opened[0]}})

    def send_photo(self, user_id: int, content: bytes = b"", **options: Any) -> Json:
        """Send a picture; see `send_file`."""
        return self.send_file(user_id, "photo", content, "photo.jpg", **options)

    def send_document(
        self, user_id: int, content: bytes = b"", filename: str = "file.bin", **options: Any
    ) -> Json:
        """Send a document; see `send_file`."""
        return self.send_file(user_id, "document", content, filename, **options)

    def send_contact(
        self,
        user_id: int,
        phone_number: str = "+10000000000",
        chat_id: int | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Json:
        """Share the user's own contact, or that of somebody else with this `name`."""
        own = {"first_name": self.user(user_id)["first_name"], "user_id": user_id}
        contact = {"phone_number": phone_number, **({"first_name": name} if name else own)}
        return self.send(user_id, {"contact": contact}, chat_id, **options)

    def send_location(
        self,
        user_id: int,
        latitude: float,
        longitude: float,
        chat_id: int | None = None,
        **options: Any,
    ) -> Json:
        """Share a place."""
        location = {"latitude": latitude, "longitude": longitude}
        return self.send(user_id, {"location": location}, chat_id, **options)

    def edit_text(
        self, user_id: int, message_id: int, text: str, chat_id: int | None = None
    ) -> Json:
        """Edit a message of the user's own."""
        chat = self.chat_for(user_id, chat_id)
        old = chat.messages.get(message_id)
        if old is None or old.get("from", {}).get("id") not in (user_id, None):
            raise PersonError(f"message {message_id} is not a message of user {user_id}")
        message = self.edited(old, text)
        self.put_message(chat, message)
        return self.emit_message(chat, message, edited=True)

    def edited(self, old: Json, text: str) -> Json:
        """Return a message with another text, or another caption."""
        content = self.text_content(text)
        content = content if "text" in old else _as_caption(content)
        kept = {k: v for k, v in old.items() if k not in (*TEXT, *CAPTION)}
        return {**kept, **content, "edit_date": self.now()}

    def tap(
        self,
        user_id: int,
        message_id: int | None = None,
        callback_data: str | None = None,
        chat_id: int | None = None,
        *,
        label: str | None = None,
    ) -> Json:
        """Tap a button by its visible `label`, or send `callback_data` from a message.

        A message that is not on screen arrives as an InaccessibleMessage, as on the server.
        """
        chat = self.chat_for(user_id, chat_id)
        if label is not None:
            button = self.find_button(chat.id, label, message_id)
            if button.message_id is None:
                return self._press(user_id, chat, button)
            if "callback_game" in button.data:
                name = chat.messages[button.message_id]["game"]["title"]
                return self._ask(user_id, chat, button.message_id, {"game_short_name": name})
            if "callback_data" not in button.data:
                action = next(k for k in button.data if k not in ("text", "style"))
                raise NoSuchButton(f"the button '{label}' has {action}: it sends the bot no update")
            message_id, callback_data = button.message_id, button.data["callback_data"]
        if message_id is None or callback_data is None:
            raise TypeError("tap needs a label, or message_id and callback_data")
        return self._ask(user_id, chat, message_id, {"data": callback_data})

    def _ask(self, user_id: int, chat: Chat, message_id: int, asked: Json) -> Json:
        """Make the query of a tap; it knows a message that came through the bot by its own id."""
        for inline_id, place in self.inline_messages.items():
            if place == (chat.id, message_id) and message_id in chat.messages:
                return self._ask_inline(user_id, inline_id, asked)
        gone = {"chat": chat.data, "message_id": message_id, "date": 0}
        shown = {"message": chat.messages.get(message_id, gone), "chat_instance": str(chat.id)}
        content = {**shown, **asked}
        return self.emit_query("callback_query", user_id, content, chat.id, message_id)

    def _press(self, user_id: int, chat: Chat, button: Button) -> Json:
        """Press a button of the reply keyboard."""
        if (chat.reply_keyboard or {}).get("one_time_keyboard"):
            chat.reply_keyboard = None
        if button.data.get("request_contact"):
            return self.send_contact(user_id, chat_id=chat.id)
        if button.data.get("request_location"):
            return self.send_location(user_id, 0.0, 0.0, chat.id)
        for name, instead in _INSTEAD.items():
            if name in button.data:
                raise NoSuchButton(f"the button '{button.label}' has {name}: use {instead}(…)")
        return self.send_text(user_id, button.label, chat.id)

    def place(
        self,
        chat_id: int,
        text: str,
        message_id: int | None = None,
        reply_markup: Json | None = None,
    ) -> Json:
        """Put a message of the bot on screen without a call, as if sent before all this began."""
        content = self.text_content(text)
        content |= {"reply_markup": reply_markup} if reply_markup else {}
        return self.new_message(self.chat(chat_id), self.bot_user, content, message_id)

    def tap_inline(self, user_id: int, inline_message_id: str, callback_data: str) -> Json:
        """Tap a button under a message that was sent through an inline query."""
        return self._ask_inline(user_id, inline_message_id, {"data": callback_data})

    def _ask_inline(self, user_id: int, inline_id: str, asked: Json) -> Json:
        place = {"inline_message_id": inline_id, "chat_instance": inline_id}
        return self.emit_query("callback_query", user_id, {**place, **asked})


def _as_caption(content: Json) -> Json:
    names = {"text": "caption", "entities": "caption_entities"}
    return {names[name]: value for name, value in content.items()}
