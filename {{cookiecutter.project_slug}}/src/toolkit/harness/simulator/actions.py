"""What people do: the update that comes of it, and the ``send`` of a spec's step that says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import FakeTelegram

LONGEST_TITLE = 60
DONE = {
    "photo": "sent a photo",
    "document": "sent a file",
    "location": "sent a location",
    "contact": "sent a contact",
    "forum_topic_created": "opened a topic",
    "new_chat_members": "joined",
    "left_chat_member": "left",
}


@dataclass(frozen=True)
class Actor:
    """Somebody in a chat, and in a topic of it where it has topics."""

    telegram: FakeTelegram
    user_id: int
    chat_id: int
    thread_id: int | None = None

    def say(self, text: str, reply_to: int | None = None) -> tuple[Json, Json | None]:
        """Type a text. No ``send`` says that it is a reply, or in a topic."""
        update = self.telegram.send_text(
            self.user_id, text, self.chat_id, reply_to=reply_to, thread_id=self.thread_id
        )
        plain = reply_to is None and self.thread_id is None
        return update, self._send("text", text) if plain else None

    def send(self, content: Json, reply_to: int | None = None) -> tuple[Json, None]:
        """Send a photo, a contact, …: ``content`` are fields of a Bot API Message."""
        update = self.telegram.send(
            self.user_id, content, self.chat_id, reply_to=reply_to, thread_id=self.thread_id
        )
        return update, None

    def tap(self, message_id: int, row: int, column: int) -> tuple[Json, Json]:
        """Tap an inline button. Raises LookupError when it is not there any more."""
        message = self.telegram.message(self.chat_id, message_id) or {}
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        try:
            button = rows[row][column]
        except IndexError:
            raise LookupError("that button is not on screen any more") from None
        label, data = button["text"], button.get("callback_data")
        if data is None:
            raise LookupError(f"the bot is not told when somebody taps [{label}]")
        newest = self.telegram.find_button(self.chat_id, label)
        found_by_label = (newest.message_id, newest.data) == (message_id, button)
        action = self._send("tap", label) if found_by_label else self._send("callback", data)
        return self.telegram.tap(self.user_id, message_id, data, self.chat_id), action

    def tap_label(self, label: str) -> tuple[Json, Json]:
        """Tap the newest button with this label. Raises NoSuchButton with the labels on screen."""
        update = self.telegram.tap(self.user_id, chat_id=self.chat_id, label=label)
        return update, self._send("tap", label)

    def _send(self, kind: str, value: str) -> Json:
        place = {} if self.chat_id == self.user_id else {"chatId": self.chat_id}
        return {kind: value, "userId": self.user_id, **place}


def title_of(update: Json) -> str:
    """An update in a few words: who did what."""
    if query := update.get("callback_query"):
        return f"{name_of(query['from'])} tapped [{_short(label_of(query))}]"
    if change := update.get("my_chat_member"):
        done = {"kicked": "blocked the bot", "left": "removed the bot"}
        status = change["new_chat_member"]["status"]
        return f"{name_of(change['from'])} {done.get(status, f'made the bot a {status}')}"
    kind = next((kind for kind in update if kind != "update_id"), "an empty update")
    message = update.get(kind)
    if ("message" not in kind and "post" not in kind) or not isinstance(message, dict):
        return kind
    who = name_of(message.get("from") or message.get("sender_chat") or {})
    if "text" in message:
        return f"{who}{' edited' if 'edited' in kind else ''}: {_short(message['text'])}"
    return f"{who} {next((done for field, done in DONE.items() if field in message), 'wrote')}"


def label_of(query: Json) -> str:
    """What is written on the button of a callback query; its data where nobody can tell."""
    markup = query.get("message", {}).get("reply_markup", {})
    for row in markup.get("inline_keyboard", []):
        for button in row:
            if button.get("callback_data") == query.get("data"):
                return str(button["text"])
    return str(query.get("data", ""))


def name_of(user: Json) -> str:
    """How a user, or a chat that speaks, is called on screen."""
    name = f"{user.get('first_name', '')} {user.get('last_name', '')}".strip()
    return name or user.get("title") or "Somebody"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
