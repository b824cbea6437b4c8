"""Reply markup: read as the server reads it, refused in its words, kept as it shows it.

https://core.telegram.org/bots/api#inlinekeyboardmarkup, #replykeyboardmarkup
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram.entities.links import LinkError, check_link
from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request, checked_object
from toolkit.harness.types import Json

MAX_CALLBACK_DATA = 64  # bytes
MAX_COPY_TEXT = 256
MAX_MARKUP = 10 * 1024  # bytes of JSON; the server measures its own encoding of it
MAX_BUTTONS = {"inline_keyboard": 100, "keyboard": 300}
INLINE, REPLY = "inline keyboard button", "keyboard button"
_FLAGS = ("remove_keyboard", "selective", "force_reply")
_KEYBOARD_FLAGS = ("resize_keyboard", "one_time_keyboard", "is_persistent")
# In this order the server looks for what an inline button does; only the first one counts.
_ACTIONS = (
    "url callback_data callback_game pay switch_inline_query switch_inline_query_chosen_chat "
    "switch_inline_query_current_chat copy_text login_url web_app disabled"
)
_INLINE_ACTIONS = tuple(_ACTIONS.split())
_PRIVATE_ONLY = {
    "request_contact": "phone number can be requested",
    "request_location": "location can be requested",
    "request_poll": "poll can be requested",
    "request_users": "users can be requested",
    "request_chat": "chats can be requested",
    "web_app": "Web App buttons can be used",
}


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
    keyboard = _rows(value, "keyboard")
    inline = _rows(value, "inline_keyboard", " of the InlineKeyboardMarkup")
    _check_flags(value, _FLAGS)
    if keyboard:
        _check_flags(value, _KEYBOARD_FLAGS)
        rows = [[_reply_button(button) for button in row] for row in keyboard]
        return _sized(Markup("keyboard", {**value, "keyboard": rows}))
    if inline:
        rows = [[_inline_button(button) for button in row] for row in inline]
        reply = {"force_reply": True} if value.get("force_reply") else {}
        return _sized(Markup("inline_keyboard", {"inline_keyboard": rows, **reply}))
    for kind in ("remove_keyboard", "force_reply"):
        if value.get(kind):
            return Markup(kind, value)
    return None


def check_markup(markup: Markup | None, chat: Chat, content: Json) -> None:
    """Refuse a markup that this chat or this message may not have."""
    if markup is None:
        return
    if markup.inline is None:
        if chat.kind == "channel":
            raise bad_request("inline keyboard expected")
        for row in markup.data.get("keyboard", []):
            for button in row:
                for field, what in _PRIVATE_ONLY.items():
                    if button.get(field) and not chat.is_private:
                        raise bad_request(f"{what} in private chats only")
        return
    first = markup.inline["inline_keyboard"][0][:1]
    for row in markup.inline["inline_keyboard"]:
        for button in row:
            wrong = (
                ("pay" in button and ("invoice" not in content or [button] != first))
                or ("callback_game" in button and ("game" not in content or [button] != first))
                or ("web_app" in button and not chat.is_private)
            )
            if wrong:
                raise bad_request("BUTTON_TYPE_INVALID")


def inline_only(request: Request) -> Markup | None:
    """Return the inline keyboard in a request that allows no other markup, or None."""
    markup = read_markup(request)
    if markup is not None and markup.inline is None:
        raise bad_request("inline keyboard expected")
    return markup


def _rows(value: Json, field: str, of: str = "") -> list[list[Any]]:
    rows = value.get(field)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise bad_request(f'field "{field}" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad_request(f'field "{field}"{of} must be an Array of Arrays')
    return [row for row in rows if row]


def _check_flags(value: Json, names: tuple[str, ...]) -> None:
    for name in names:
        if not isinstance(value.get(name, False), bool):
            raise bad_request(f'field "{name}" must be of type Boolean')


def _sized(markup: Markup) -> Markup:
    rows = markup.data[markup.kind]
    too_many = sum(map(len, rows)) > MAX_BUTTONS[markup.kind]
    if too_many or len(json.dumps(rows, ensure_ascii=False, separators=(",", ":"))) > MAX_MARKUP:
        raise bad_request("reply markup is too long")
    return markup


def _reply_button(button: Any) -> Json:
    value = {"text": button} if isinstance(button, str) else button
    value = checked_object(value, REPLY, wrong="KeyboardButton must be a String or an Object")
    if not _text(value, REPLY):
        raise bad_request(f"{REPLY} text must be non-empty")
    for name in ("request_users", "request_chat"):
        if name in value:
            _check_request(name, value[name])
    if "web_app" in value:
        _check_web_app(value["web_app"], REPLY)
    return value


def _check_request(name: str, request: Any) -> None:
    checked_object(request, REPLY, "request_id", wrong=f'Field "{name}" must be of type Object')
    _check_booleans(request, REPLY, "chat_", "user_is", "bot_is")
    if not 1 <= request.get("max_quantity", 1) <= 10:
        raise bad_request("BUTTON_QUANTITY_MAX_INVALID")


def _check_booleans(value: Json, what: str, *prefixes: str) -> None:
    for field, flag in value.items():
        if field.startswith(prefixes) and not isinstance(flag, bool):
            raise cannot_parse(what, f'Field "{field}" must be of type Boolean')


def _inline_button(button: Any) -> Json:
    value = checked_object(button, INLINE, wrong="InlineKeyboardButton must be an Object")
    text = _text(value, INLINE)
    action = next((name for name in _INLINE_ACTIONS if value.get(name) is not None), None)
    if action in ("url", "callback_data") and value[action] == "":
        rest = _INLINE_ACTIONS[_INLINE_ACTIONS.index(action) + 1 :]
        action = next((name for name in rest if value.get(name) not in (None, "")), None)
    if action is None:
        raise cannot_parse(INLINE, "Text buttons are unallowed in the inline keyboard")
    if not text:
        raise bad_request(f"{INLINE} text must be non-empty")
    _check_action(action, value[action])
    style: Json = {name: value[name] for name in ("style", "icon_custom_emoji_id") if name in value}
    return {"text": text, action: value[action], **style}


def _check_action(action: str, value: Any) -> None:
    if action == "callback_data":
        if not isinstance(value, str):
            raise cannot_parse(INLINE, f'Field "{action}" must be of type String')
        if len(value.encode()) > MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    elif action == "url":
        _check_link(str(value), f"{INLINE} URL")
    elif action == "web_app":
        _check_web_app(value, INLINE)
    elif action == "copy_text":
        text = value.get("text") if isinstance(value, dict) else None
        if not isinstance(text, str) or not 1 <= len(text) <= MAX_COPY_TEXT:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
    elif isinstance(value, dict):
        _check_booleans(value, INLINE, "allow_", "request_")


def _check_web_app(value: Any, what: str) -> None:
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str):
        raise cannot_parse(what, 'Can\'t find field "url"')
    _check_link(url, f"{what} Web App URL", https_only=True)


def _check_link(url: str, what: str, *, https_only: bool = False) -> None:
    try:
        check_link(url, https_only=https_only)
    except LinkError as error:
        raise bad_request(f"{what} '{url}' is invalid: {error}") from None


def _text(button: Json, what: str) -> str:
    text = checked_object(button, what, "text")["text"]
    if not isinstance(text, str):
        raise cannot_parse(what, 'Field "text" must be of type String')
    return text
