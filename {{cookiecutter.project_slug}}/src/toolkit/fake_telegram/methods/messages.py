"""Sending, editing and deleting text messages."""

from __future__ import annotations

from typing import Any

from ..errors import bad_request
from ..policy import check_text, inline_keyboard, writable_chat
from .registry import Request, method

Json = dict[str, Any]


@method("getMe")
def get_me(request: Request) -> Json:
    return request.telegram.me


@method("sendMessage")
def send_message(request: Request) -> Json:
    chat = writable_chat(request)
    text = check_text(request.payload.get("text"))
    markup = request.payload.get("reply_markup")
    content: Json = {"text": text}
    if isinstance(markup, dict) and "inline_keyboard" in markup:
        content["reply_markup"] = inline_keyboard(markup)
    elif isinstance(markup, dict) and "keyboard" in markup:
        chat.reply_keyboard = markup
    elif isinstance(markup, dict) and markup.get("remove_keyboard"):
        chat.reply_keyboard = None
    return request.telegram.new_message(chat, request.telegram.me, content)


@method("editMessageText", "editMessageReplyMarkup")
def edit_message(request: Request) -> Json:
    chat = writable_chat(request)
    old = chat.messages.get(request.payload.get("message_id", 0))
    if old is None:
        raise bad_request("message to edit not found")
    new = {key: value for key, value in old.items() if key != "reply_markup"}
    if "text" in request.payload:
        new["text"] = check_text(request.payload["text"])
    if "reply_markup" in request.payload:
        new["reply_markup"] = inline_keyboard(request.payload["reply_markup"])
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(
            "message is not modified: specified new message content and reply markup are "
            "exactly the same as a current content and reply markup of the message"
        )
    return request.telegram.put_message(chat, {**new, "edit_date": request.telegram.now()})


@method("deleteMessage")
def delete_message(request: Request) -> bool:
    chat = writable_chat(request)
    if request.payload.get("message_id") not in chat.messages:
        raise bad_request("message to delete not found")
    request.telegram.remove_message(chat, request.payload["message_id"])
    return True
