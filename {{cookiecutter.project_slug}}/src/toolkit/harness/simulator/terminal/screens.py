"""What a conversation is shown on, and the plain screen: for pipes, and where rich is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from toolkit.harness.fake_telegram import Event
from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.simulator.turns import Turn

MEDIA = ("photo", "video", "animation", "audio", "voice", "document", "sticker", "location", "poll")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class Screen(Protocol):
    """Shows a person what they would see in Telegram, and what the simulator has to say."""

    def show(self, event: Event, person: int) -> None:
        """Show a change in the chats of the fake Telegram to this person."""

    def note(self, text: str) -> None:
        """Say something that no one in the chat has said."""

    def fail(self, turn: Turn) -> None:
        """Tell that a handler has failed."""

    def explain(self, turn: Turn) -> None:
        """Tell everything about the failure."""


class PlainScreen:
    """Writes the bot's answers as lines of text."""

    def __init__(self, write: Callable[[str], object], *, mark_edits: bool = False) -> None:
        self._write = write
        self._mark_edits = mark_edits

    def show(self, event: Event, person: int) -> None:
        """Write a message of the bot, or its answer to a tap."""
        if event.kind == "message" and event.data.get("from", {}).get("is_bot"):
            self._show_message(event.data, person)
        elif event.kind == "callback" and (text := (event.data.answer or {}).get("text")):
            self.note(printable(text))

    def _show_message(self, message: dict[str, Any], person: int) -> None:
        parts = [f"({kind})" for kind in MEDIA if kind in message]
        if to := addressee(message, person):
            parts.insert(0, f"(to {to})")
        if self._mark_edits and "edit_date" in message:
            parts.insert(0, "(edited)")
        parts.append(text_of(message))
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        lines = [" ".join(parts), *(" ".join(f"[{b['text']}]" for b in row) for row in rows)]
        self._write("".join(f"{printable(line)}\n" for line in lines))

    def note(self, text: str) -> None:
        """Write it in parentheses."""
        self._write(f"({text})\n")

    def fail(self, turn: Turn) -> None:
        """Write nothing: the log has it."""

    def explain(self, turn: Turn) -> None:
        """Write the traceback."""
        self._write(turn.error or "")


def printable(text: str) -> str:
    """Return a text without what could command a terminal."""
    return CONTROL.sub("�", text)


def addressee(message: dict[str, Any], person: int) -> str | None:
    """Return the name of the chat that a message is in, None for that of this person."""
    chat = message["chat"]
    return None if chat["id"] == person else chat.get("first_name") or chat.get("title")
