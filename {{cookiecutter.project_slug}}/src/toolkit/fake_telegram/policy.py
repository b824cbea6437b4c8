"""What Telegram refuses, in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import bad_request, forbidden
from .state import Chat

if TYPE_CHECKING:
    from .methods import Request

Json = dict[str, Any]


def writable_chat(request: Request) -> Chat:
    """The chat of `chat_id`, where the bot may write."""
    telegram = request.telegram
    if "chat_id" not in request.payload:
        raise bad_request("chat_id is empty")
    chat_id = request.payload["chat_id"]
    user = telegram.users.get(chat_id)
    if user is not None:
        if user.deactivated:
            raise forbidden("user is deactivated")
        if not user.started:
            raise forbidden("bot can't initiate conversation with a user")
        if user.blocked:
            raise forbidden("bot was blocked by the user")
        return telegram.private_chat(chat_id)
    if chat_id not in telegram.chats:
        raise bad_request("chat not found")
    return telegram.chats[chat_id]


def check_text(text: Any) -> str:
    """A message text as the server keeps it."""
    if text is None:
        raise bad_request("message text is empty")
    text = str(text).strip()
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > 4096:
        raise bad_request("message is too long")
    return text


def inline_keyboard(markup: Any) -> Json | None:
    """A checked inline keyboard, or None when it has no buttons."""
    if not isinstance(markup, dict) or not markup.get("inline_keyboard"):
        return None
    for row in markup["inline_keyboard"]:
        for button in row:
            if len(button.get("callback_data", "").encode()) > 64:
                raise bad_request("BUTTON_DATA_INVALID")
    return markup
