"""Reply markup: read as the server reads it, refused in its words, kept as it shows it.

First the JSON is read, with the other parameters of a request; what a chat does not take is refused
only when the chat is known. https://core.telegram.org/bots/api#inlinekeyboardmarkup
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.buttons import (
    INLINE,
    check_inline_button,
    check_reply_button,
    read_inline_button,
    read_reply_button,
)
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

MAX_MARKUP = 10 * 1024  # bytes of JSON; the server measures its own encoding of it
MAX_BUTTONS = 300  # in a row 12; the server reads no further
MAX_INLINE = 100
_FLAGS = (
    "hide_keyboard",
    "remove_keyboard",
    "personal_keyboard",
    "selective",
    "force_reply_keyboard",
    "force_reply",
)
_KEYBOARD_FLAGS = ("resize_keyboard", "one_time_keyboard", "is_persistent")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
INLINE_EXPECTED = "inline keyboard expected"


@dataclass(frozen=True)
class Markup:
    """A reply markup of one kind: inline_keyboard, keyboard, remove_keyboard or force_reply."""

    kind: str
    data: Json

    @property
    def inline(self) -> Json | None:
        """The inline keyboard, where it is one."""
        return self.data if self.kind == "inline_keyboard" else None


def with_markup(content: Json, markup: Markup | None) -> Json:
    """Return the content of a message with its inline keyboard, where it has one."""
    inline = markup.inline if markup else None
    return content if inline is None else {**content, "reply_markup": inline}


def read_markup(request: Request) -> Markup | None:
    """Return the markup in a request; None when there is none, or an empty one."""
    unparsed, wrong = "reply keyboard markup JSON object", "object expected as reply markup"
    value = request.json("reply_markup", unparsed, wrong)
    if value is None:
        return None
    try:
        return _read(value)
    except Problem as problem:
        raise bad_request(str(problem)) from None


def _read(value: Json) -> Markup | None:
    keyboard = _rows(value, "keyboard", "", "keyboard button", read_reply_button)
    place = " of the InlineKeyboardMarkup"
    inline = _rows(value, "inline_keyboard", place, INLINE, read_inline_button)
    fields.check_flags(value, _FLAGS)
    fields.text(value, "input_field_placeholder")
    if keyboard:
        fields.check_flags(value, _KEYBOARD_FLAGS)
        return Markup("keyboard", {**value, "keyboard": keyboard})
    if inline:
        reply = {"force_reply": True} if value.get("force_reply") else {}
        return Markup("inline_keyboard", {"inline_keyboard": inline, **reply})
    if value.get("hide_keyboard") or value.get("remove_keyboard"):
        return Markup("remove_keyboard", {**value, "remove_keyboard": True})
    if value.get("force_reply") or value.get("force_reply_keyboard"):
        return Markup("force_reply", {**value, "force_reply": True})
    return None


def _rows(value: Json, field: str, place: str, what: str, read: Any) -> list[list[Json]]:
    rows = fields.nested(value, field, list)
    if rows is None:
        return []
    read_rows = []
    with parsing(what):
        for row in rows:
            if not isinstance(row, list):
                break
            read_rows.append([read(button) for button in row])
    if len(read_rows) < len(rows):
        raise Problem(f'Field "{field}"{place} must be an Array of Arrays')
    return read_rows


def check_markup(markup: Markup | None, chat: Chat | None) -> Markup | None:
    """Return a markup as it is shown, without the buttons that have no label; None for no markup.

    Refuse what this chat may not have; it is None where it is not known yet.
    """
    if markup is None:
        return None
    channel = chat is not None and chat.kind == "channel"
    if markup.inline is None:
        return _check_reply_markup(markup, chat, channel=channel)
    rows = [
        [check_inline_button(button, switches=not channel) for button in row if _shown(button)]
        for row in markup.inline["inline_keyboard"]
    ]
    rows = [row[:12] for row in rows if row]
    return Markup("inline_keyboard", {**markup.data, "inline_keyboard": rows}) if rows else None


def _check_reply_markup(markup: Markup, chat: Chat | None, *, channel: bool) -> Markup | None:
    if channel:
        raise bad_request(INLINE_EXPECTED)
    if markup.kind != "keyboard":
        return markup
    private = chat is None or chat.is_private
    rows = [
        [check_reply_button(button, private=private) for button in row if _shown(button)]
        for row in markup.data["keyboard"]
    ]
    rows = [row[:12] for row in rows if row]
    return Markup("keyboard", {**markup.data, "keyboard": rows}) if rows else None


def _shown(button: Json) -> bool:
    return bool(button["text"] or button.get("icon_custom_emoji_id"))


def check_types(markup: Markup | None, chat: Chat | None, content: Json) -> None:
    """Refuse the buttons that this content may not have, and too many of them."""
    if markup is None or markup.kind not in ("keyboard", "inline_keyboard"):
        return
    rows = markup.data[markup.kind]
    _check_size(rows, MAX_BUTTONS if markup.inline is None else MAX_INLINE)
    first = rows[0][:1]
    for row in rows if markup.inline else []:
        for button in row:
            wrong = (
                ("pay" in button and ("invoice" not in content or [button] != first))
                or ("callback_game" in button and ("game" not in content or [button] != first))
                or ("web_app" in button and not (chat is None or chat.is_private))
            )
            if wrong:
                raise bad_request("BUTTON_TYPE_INVALID")


def _check_size(rows: list[list[Json]], most: int) -> None:
    too_many = sum(map(len, rows)) > most
    if too_many or len(_ENCODER.encode(rows)) > MAX_MARKUP:
        raise bad_request("reply markup is too long")


def check_inline(markup: Markup | None, chat: Chat | None) -> Markup | None:
    """Check the markup of a request that allows no other than an inline keyboard."""
    if markup is not None and markup.inline is None:
        raise bad_request(INLINE_EXPECTED)
    return check_markup(markup, chat)
