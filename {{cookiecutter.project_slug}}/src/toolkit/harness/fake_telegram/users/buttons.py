"""What can be tapped in a chat, found by the label a user sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.harness.fake_telegram.model import PersonError
from toolkit.harness.fake_telegram.rich.plain import buttons_in
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class NoSuchButton(PersonError):
    """Nothing on screen has that label; the message lists what is there."""


@dataclass(frozen=True)
class Button:
    """A button on screen: `data` as the bot sent it; `message_id` None on a reply keyboard."""

    label: str
    data: Json
    message_id: int | None


def _under(message: Json) -> Iterator[Json]:
    """Iterate over the buttons in a message and under it."""
    if "rich_message" in message:
        yield from buttons_in(message["rich_message"]["blocks"])
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        yield from row


class Buttons(World):
    """The screen of a chat, as far as it can be tapped."""

    def buttons(self, chat_id: int) -> list[Button]:
        """Return every button on screen: the newest message's first, then the reply keyboard."""
        found = [
            Button(button["text"], button, message["message_id"])
            for message in reversed(self.messages(chat_id))
            for button in _under(message)
        ]
        chat = self.chats.get(chat_id)
        rows = (chat.reply_keyboard or {}).get("keyboard", []) if chat else []
        return found + [Button(button["text"], button, None) for row in rows for button in row]

    def find_button(self, chat_id: int, label: str, message_id: int | None = None) -> Button:
        """Return the newest button with this label; NoSuchButton lists the labels on screen."""
        buttons = self.buttons(chat_id)
        if message_id is not None:
            buttons = [button for button in buttons if button.message_id == message_id]
        for button in buttons:
            if button.label == label:
                return button
        there = ", ".join(f"'{name}'" for name in dict.fromkeys(b.label for b in buttons))
        rest = f"there are {there}" if there else "there are none"
        raise NoSuchButton(f"No button labelled '{label}'; {rest}")
