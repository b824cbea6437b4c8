"""Typing, sending, editing, tapping."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.media_kinds import describe
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import ANONYMOUS, is_member, member
from toolkit.harness.fake_telegram.users.buttons import Button, Buttons, NoSuchButton
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json


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
        **options: Any,
    ) -> Json:
        """Send a file as `kind`: photo, document, video, voice, …; the bot can download it."""
        stored = self.files.add(kind, content, filename, file_name=filename)
        message = describe(stored, kind, {})
        if caption:
            names = {"text": "caption", "entities": "caption_entities"}
            message |= {names[k]: value for k, value in self.text_content(caption).items()}
        return self.send(user_id, message, chat_id, **options)

    def send_photo(self, user_id: int, content: bytes = b"", **options: Any) -> Json:
        """Send a picture; see `send_file`."""
        return self.send_file(user_id, "photo", content, "photo.jpg", **options)

    def send_document(
        self, user_id: int, content: bytes = b"", filename: str = "file.bin", **options: Any
    ) -> Json:
        """Send a document; see `send_file`."""
        return self.send_file(user_id, "document", content, filename, **options)

    def send_contact(
        self, user_id: int, phone_number: str = "+10000000000", chat_id: int | None = None
    ) -> Json:
        """Share the user's own contact."""
        name = self.user(user_id)["first_name"]
        contact = {"phone_number": phone_number, "first_name": name, "user_id": user_id}
        return self.send(user_id, {"contact": contact}, chat_id)

    def send_location(
        self, user_id: int, latitude: float, longitude: float, chat_id: int | None = None
    ) -> Json:
        """Share a place."""
        location = {"latitude": latitude, "longitude": longitude}
        return self.send(user_id, {"location": location}, chat_id)

    def edit_text(
        self, user_id: int, message_id: int, text: str, chat_id: int | None = None
    ) -> Json:
        """Edit a message of the user's own."""
        chat = self.chat_for(user_id, chat_id)
        old = chat.messages.get(message_id)
        if old is None or old.get("from", {}).get("id") not in (user_id, None):
            raise PersonError(f"message {message_id} is not a message of user {user_id}")
        kept = {k: v for k, v in old.items() if k not in ("text", "entities")}
        message = {**kept, **self.text_content(text), "edit_date": self.now()}
        self.put_message(chat, message)
        return self.emit_message(chat, message, edited=True)

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
            if "callback_data" not in button.data:
                action = next(k for k in button.data if k not in ("text", "style"))
                raise NoSuchButton(f"the button '{label}' has {action}: it sends the bot no update")
            message_id, callback_data = button.message_id, button.data["callback_data"]
        if message_id is None or callback_data is None:
            raise TypeError("tap needs a label, or message_id and callback_data")
        gone = {"chat": chat.data, "message_id": message_id, "date": 0}
        shown = {"message": chat.messages.get(message_id, gone), "chat_instance": str(chat.id)}
        content = {**shown, "data": callback_data}
        return self.emit_query("callback_query", user_id, content, chat.id, message_id)

    def _press(self, user_id: int, chat: Chat, button: Button) -> Json:
        """Press a button of the reply keyboard."""
        if (chat.reply_keyboard or {}).get("one_time_keyboard"):
            chat.reply_keyboard = None
        if button.data.get("request_contact"):
            return self.send_contact(user_id, chat_id=chat.id)
        if button.data.get("request_location"):
            return self.send_location(user_id, 0.0, 0.0, chat.id)
        for name in ("request_users", "request_chat", "request_poll", "web_app"):
            if name in button.data:
                raise NoSuchButton(
                    f"the button '{button.label}' has {name}: send what the user chose instead"
                )
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
