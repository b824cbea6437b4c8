"""The users' side: what people do, as the updates a bot receives for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .state import CallbackQuery, Chat, World

Json = dict[str, Any]
COMMAND = re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])")


class NoSuchButton(LookupError):
    """Nothing on screen has that label; the message lists what is there."""


@dataclass(frozen=True)
class Button:
    """A button on screen: `data` as the bot sent it; `message_id` None on a reply keyboard."""

    label: str
    data: Json
    message_id: int | None


def entities_of(text: str) -> list[Json]:
    """The bot_command entities of a typed text, in UTF-16 units."""
    return [
        {
            "type": "bot_command",
            "offset": len(text[: found.start()].encode("utf-16-le")) // 2,
            "length": len(found.group()),
        }
        for found in COMMAND.finditer(text)
    ]


class People(World):
    """Acts as any user. Every action queues its update and returns it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: dict[str, list[Json]] = {}

    def chat_for(self, user_id: int, chat_id: int | None) -> Chat:
        """Where a user acts; acting there makes them known to the bot."""
        user = self.user(user_id)
        if chat_id is None or chat_id == user_id:
            self.users[user_id].started = True
            return self.private_chat(user_id)
        if chat_id > 0:
            raise LookupError(f"{chat_id} is the private chat of another user")
        self.group(chat_id)
        chat = self.chats[chat_id]
        chat.members.setdefault(user_id, {"status": "member", "user": user})
        return chat

    def send(
        self,
        user_id: int,
        content: Json,
        chat_id: int | None = None,
        *,
        reply_to: int | None = None,
        thread_id: int | None = None,
    ) -> Json:
        """Send a message with this content (Bot API Message fields); returns its update."""
        chat = self.chat_for(user_id, chat_id)
        extra: Json = {}
        if thread_id is not None:
            extra = {"message_thread_id": thread_id, "is_topic_message": True}
        if reply_to is not None:
            replied = chat.messages.get(reply_to)
            if replied is None:
                raise LookupError(f"there is no message {reply_to} in chat {chat.id} to reply to")
            shown = {k: v for k, v in replied.items() if k != "reply_to_message"}
            extra["reply_to_message"] = shown
        message = self.new_message(chat, self.user(user_id), content, **extra)
        return self.emit("channel_post" if chat.kind == "channel" else "message", message)

    def send_text(
        self,
        user_id: int,
        text: str,
        chat_id: int | None = None,
        reply_to: int | None = None,
        thread_id: int | None = None,
        entities: list[Json] | None = None,
    ) -> Json:
        """Type a text; commands in it get their entity."""
        found = entities_of(text) if entities is None else entities
        content = {"text": text, "entities": found} if found else {"text": text}
        return self.send(user_id, content, chat_id, reply_to=reply_to, thread_id=thread_id)

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
                chat_id = chat.id
                return self.send_text(user_id, button.label, chat_id)
            message_id, callback_data = button.message_id, button.data["callback_data"]
        if message_id is None or callback_data is None:
            raise TypeError("tap needs a label, or message_id and callback_data")
        shown = chat.messages.get(message_id) or {
            "chat": chat.data,
            "message_id": message_id,
            "date": 0,
        }
        query = CallbackQuery(
            str(self.number("callback_query")),
            user_id,
            chat.id,
            message_id,
            callback_data,
            self.clock(),
        )
        self.callbacks[query.id] = query
        content = {
            "id": query.id,
            "from": self.user(user_id),
            "message": shown,
            "chat_instance": str(chat.id),
            "data": callback_data,
        }
        return self.emit("callback_query", content)

    def buttons(self, chat_id: int) -> list[Button]:
        """Every button on screen: the newest message's first, then the reply keyboard."""
        found = [
            Button(button["text"], button, message["message_id"])
            for message in reversed(self.messages(chat_id))
            for row in message.get("reply_markup", {}).get("inline_keyboard", [])
            for button in row
        ]
        chat = self.chats.get(chat_id)
        rows = (chat.reply_keyboard or {}).get("keyboard", []) if chat else []
        for row in rows:
            for button in row:
                data = {"text": button} if isinstance(button, str) else button
                found.append(Button(data["text"], data, None))
        return found

    def find_button(self, chat_id: int, label: str, message_id: int | None = None) -> Button:
        """The newest button with this label; raises NoSuchButton with the labels on screen."""
        buttons = self.buttons(chat_id)
        if message_id is not None:
            buttons = [button for button in buttons if button.message_id == message_id]
        for button in buttons:
            if button.label == label:
                return button
        there = ", ".join(f"'{name}'" for name in dict.fromkeys(b.label for b in buttons))
        raise NoSuchButton(
            f"No button labelled '{label}'; "
            + (f"there are {there}" if there else "there are none")
        )
