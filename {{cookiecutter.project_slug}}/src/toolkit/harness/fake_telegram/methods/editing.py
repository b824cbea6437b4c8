"""Editing and deleting messages."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.markup import check_markup, inline_only
from toolkit.harness.fake_telegram.membership import is_admin, may
from toolkit.harness.fake_telegram.methods.contents import checklist, location
from toolkit.harness.fake_telegram.methods.media import IN_MEDIA, input_media
from toolkit.harness.fake_telegram.methods.registry import Request, method, whole
from toolkit.harness.fake_telegram.methods.sending import link_preview
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    caption,
    editable_chat,
    message_text,
    resolve_mentions,
)
from toolkit.harness.types import Json

DELETE_AGE = 48 * 3600  # https://core.telegram.org/bots/api#deletemessage
MEDIA = ("photo", "video", "animation", "audio", "document", "voice", "live_photo", "paid_media")
CAPTION = ("caption", "caption_entities", "show_caption_above_media")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)


def change(request: Request, drop: tuple[str, ...], content: Json, *, touch_text: str = "") -> Any:
    """Put a new version of a message: without the fields `drop`, with `content` and new buttons.

    Returns the message, or True for an inline one. Raises ApiError as the server does.
    """
    markup = inline_only(request.payload.get("reply_markup"))
    chat, old, inline = find_message(request)
    if touch_text and not any(field in old for field in touch_text.split()):
        noun = "text" if touch_text == "text" else "caption"
        raise bad_request(f"there is no {noun} in the message to edit")
    check_markup(markup, chat, old | content)
    kept = {k: v for k, v in old.items() if k not in (*drop, "reply_markup", "edit_date")}
    new = kept | resolve_mentions(request, content)
    if markup is not None:
        new["reply_markup"] = markup.data
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    new["edit_date"] = request.telegram.now()
    message = request.telegram.put_message(chat, new)
    return True if inline else message


def find_message(request: Request, what: str = "message to edit") -> tuple[Chat, Json, bool]:
    """The message to change, its chat, and whether it was named by inline_message_id."""
    payload, world = request.payload, request.telegram
    if "chat_id" not in payload and "message_id" not in payload:
        if "inline_message_id" not in payload:
            raise bad_request("message identifier is not specified")
        place = world.inline_messages.get(str(payload["inline_message_id"]))
        if place is None or place[1] not in world.chats[place[0]].messages:
            raise bad_request("MESSAGE_ID_INVALID")
        return world.chats[place[0]], world.chats[place[0]].messages[place[1]], True
    chat = editable_chat(request)
    old = chat.messages.get(whole(payload.get("message_id")))
    if old is None:
        raise bad_request(f"{what} not found")
    if not is_editable(request, chat, old):
        raise bad_request("message can't be edited")
    return chat, old, False


def is_editable(request: Request, chat: Chat, message: Json) -> bool:
    """The bot's own message, not forwarded, and without a keyboard that is not inline."""
    bot_id = request.telegram.me["id"]
    if "forward_origin" in message or message["message_id"] in chat.uneditable:
        return False
    if "business_connection_id" in message:
        return True
    if chat.kind == "channel":
        return may(chat, bot_id, "can_edit_messages")
    via = message.get("via_bot", {}).get("id")
    return bool(bot_id in (message.get("from", {}).get("id"), via))


@method("editMessageText")
def edit_message_text(request: Request) -> Any:
    content = message_text(request.payload, "MESSAGE_TOO_LONG") | link_preview(request.payload)
    drop = ("text", "entities", "link_preview_options")
    return change(request, drop, content, touch_text="text")


@method("editMessageCaption")
def edit_message_caption(request: Request) -> Any:
    content = caption(request.payload, "MEDIA_CAPTION_TOO_LONG")
    return change(request, CAPTION, content, touch_text=" ".join(MEDIA))


@method("editMessageReplyMarkup")
def edit_message_reply_markup(request: Request) -> Any:
    return change(request, (), {})


@method("editMessageMedia")
def edit_message_media(request: Request) -> Any:
    media = request.required("media")
    if isinstance(media, str):
        raise bad_request("can't parse input media JSON object")
    content = input_media(request, media, IN_MEDIA)
    drop = (*MEDIA, *CAPTION, "text", "entities", "link_preview_options", "has_media_spoiler")
    return change(request, drop, content)


@method("editMessageLiveLocation", "stopMessageLiveLocation")
def edit_live_location(request: Request) -> Any:
    stop = request.method.lower().startswith("stop")
    place = {} if stop else location(request)
    _, old, _ = find_message(request)
    if "live_period" not in old.get("location", {}):
        raise bad_request("message can't be edited")
    current = old["location"]
    if stop:
        place = {k: v for k, v in current.items() if k in ("latitude", "longitude")}
    else:
        place.setdefault("live_period", current["live_period"])
    return change(request, (), {"location": place})


@method("editMessageChecklist")
def edit_message_checklist(request: Request) -> Any:
    return change(request, (), {"checklist": checklist(request.payload.get("checklist"))})


@method("deleteMessage")
def delete_message(request: Request) -> bool:
    for name, noun in (("chat_id", "chat"), ("message_id", "message")):
        if not request.payload.get(name):
            raise bad_request(f"{noun} identifier is not specified")
    chat = editable_chat(request)
    message = chat.messages.get(whole(request.payload["message_id"]))
    if message is None:
        raise bad_request("message to delete not found")
    _check_may_delete(request, chat, message)
    request.telegram.remove_message(chat, message["message_id"])
    return True


def _check_may_delete(request: Request, chat: Chat, message: Json) -> None:
    bot_id = request.telegram.me["id"]
    own = message.get("from", {}).get("id") == bot_id
    if is_admin(chat, bot_id) and may(chat, bot_id, "can_delete_messages"):
        return
    if request.telegram.now() - message["date"] > DELETE_AGE:
        raise bad_request("message can't be deleted for everyone")
    if not own and not chat.is_private:
        raise bad_request("message can't be deleted for everyone")


@method("deleteMessages")
def delete_messages(request: Request) -> bool:
    """Those that are not there are passed over."""
    ids = message_ids(request)
    chat = editable_chat(request)
    for message_id in ids:
        message = chat.messages.get(message_id)
        if message is not None:
            _check_may_delete(request, chat, message)
            request.telegram.remove_message(chat, message_id)
    return True


@method("deleteBusinessMessages")
def delete_business_messages(request: Request) -> bool:
    connection = request.text("business_connection_id")
    if connection not in request.telegram.business_connections:
        raise bad_request("business connection not found")
    wanted = set(message_ids(request))
    for chat in request.telegram.chats.values():
        for message_id in wanted & set(chat.messages):
            if chat.messages[message_id].get("business_connection_id") == connection:
                request.telegram.remove_message(chat, message_id)
    return True


def message_ids(request: Request) -> list[int]:
    """`message_ids` of a request, at most 100."""
    if not request.payload.get("message_ids"):
        raise bad_request("message identifiers are not specified")
    values = request.array("message_ids", "expected an Array of message identifiers")
    if len(values) > 100:
        raise bad_request("too many message identifiers specified")
    ids = [whole(value) for value in values]
    if any(message_id <= 0 for message_id in ids):
        raise bad_request("invalid message identifier specified")
    return ids
