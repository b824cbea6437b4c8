"""Editing and deleting messages, ephemeral ones too.

https://core.telegram.org/bots/api#updating-messages, #ephemeral-messages-and-commands
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.markup import check_markup, inline_only
from toolkit.harness.fake_telegram.methods.contents import checklist, location
from toolkit.harness.fake_telegram.methods.media import IN_MEDIA, input_media
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import link_preview
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    caption,
    editable_chat,
    message_in,
    message_text,
    resolve_mentions,
)
from toolkit.harness.fake_telegram.request import Request, as_int
from toolkit.harness.fake_telegram.rights import is_admin, may
from toolkit.harness.types import Json

DELETE_AGE = 48 * 3600  # https://core.telegram.org/bots/api#deletemessage
MEDIA = ("photo", "video", "animation", "audio", "document", "voice", "live_photo", "paid_media")
CAPTION = ("caption", "caption_entities", "show_caption_above_media")
TEXT = ("text", "entities", "link_preview_options")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)
# The chat of a message to change, the message, and the function that puts its new version there.
Found = tuple[Chat, Json, Callable[[Json], Any]]
Find = Callable[[Request], Found]


def find_message(request: Request) -> Found:
    """Return the message to change; an edit returns it, or True for one with an inline id."""
    payload, world = request.payload, request.world
    if "chat_id" not in payload and "message_id" not in payload:
        if "inline_message_id" not in payload:
            raise bad_request("message identifier is not specified")
        place = world.inline_messages.get(str(payload["inline_message_id"]))
        if place is None or place[1] not in world.chats[place[0]].messages:
            raise bad_request("MESSAGE_ID_INVALID")
        chat = world.chats[place[0]]
        return chat, chat.messages[place[1]], lambda new: bool(world.put_message(chat, new))
    chat = editable_chat(request)
    old = message_in(chat, request, "message to edit")
    if not is_editable(request, chat, old):
        raise bad_request("message can't be edited")
    return chat, old, lambda new: world.put_message(chat, new)


def find_ephemeral(request: Request) -> Found:
    """Return the ephemeral message to change; an edit returns True."""
    chat, key = _ephemeral(request, "message to edit")
    return chat, chat.ephemeral[key], lambda new: _put_ephemeral(request, chat, key, new)


def _ephemeral(request: Request, what: str) -> tuple[Chat, tuple[int, int]]:
    key = (request.user_id("receiver_user_id"), request.integer("ephemeral_message_id"))
    chat = editable_chat(request)
    if key not in chat.ephemeral:
        raise bad_request(f"{what} not found")
    return chat, key


def _put_ephemeral(request: Request, chat: Chat, key: tuple[int, int], new: Json) -> bool:
    chat.ephemeral[key] = new
    request.world.notify("ephemeral", chat.id, new)
    return True


def is_editable(request: Request, chat: Chat, message: Json) -> bool:
    """Tell whether a message is the bot's own, not forwarded, and without a reply keyboard."""
    bot_id = request.world.bot_id
    if "forward_origin" in message or message["message_id"] in chat.uneditable:
        return False
    if "business_connection_id" in message:
        return True
    if chat.kind == "channel":
        return may(chat, bot_id, "can_edit_messages")
    via = message.get("via_bot", {}).get("id")
    return bool(bot_id in (message.get("from", {}).get("id"), via))


def change(
    request: Request,
    drop: tuple[str, ...],
    content: Json,
    find: Find = find_message,
    *,
    edits: str = "",
) -> Any:
    """Put a new version of a message: without the fields `drop`, with `content` and new buttons.

    What it `edits`, text or caption, has to be there already.
    """
    markup = inline_only(request)
    chat, old, put = find(request)
    fields = {"text": ("text",), "caption": MEDIA}.get(edits, ())
    if fields and not any(field in old for field in fields):
        raise bad_request(f"there is no {edits} in the message to edit")
    check_markup(markup, chat, old | content)
    kept = {k: v for k, v in old.items() if k not in (*drop, "reply_markup", "edit_date")}
    new = kept | resolve_mentions(request, content)
    if markup is not None:
        new["reply_markup"] = markup.data
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    return put({**new, "edit_date": request.world.now()})


@method("editMessageText", find=find_message)
@method("editEphemeralMessageText", find=find_ephemeral)
def edit_message_text(request: Request, find: Find) -> Any:
    content = message_text(request.payload, "MESSAGE_TOO_LONG") | link_preview(request)
    return change(request, TEXT, content, find, edits="text")


@method("editMessageCaption", find=find_message)
@method("editEphemeralMessageCaption", find=find_ephemeral)
def edit_message_caption(request: Request, find: Find) -> Any:
    content = caption(request.payload, "MEDIA_CAPTION_TOO_LONG")
    return change(request, CAPTION, content, find, edits="caption")


@method("editMessageReplyMarkup", find=find_message)
@method("editEphemeralMessageReplyMarkup", find=find_ephemeral)
def edit_message_reply_markup(request: Request, find: Find) -> Any:
    return change(request, (), {}, find)


@method("editMessageMedia", find=find_message)
@method("editEphemeralMessageMedia", find=find_ephemeral)
def edit_message_media(request: Request, find: Find) -> Any:
    request.required("media")
    media = request.json("media", "input media JSON object", kind=object)
    content = input_media(request, media, IN_MEDIA)
    return change(request, (*MEDIA, *CAPTION, *TEXT, "has_media_spoiler"), content, find)


@method("editMessageLiveLocation")
@method("stopMessageLiveLocation", stop=True)
def edit_live_location(request: Request, *, stop: bool = False) -> Any:
    place = {} if stop else location(request)
    _, old, _ = find_message(request)
    current = old.get("location", {})
    if "live_period" not in current:
        raise bad_request("message can't be edited")
    if stop:
        place = {name: current[name] for name in ("latitude", "longitude")}
    else:
        place.setdefault("live_period", current["live_period"])
    return change(request, (), {"location": place})


@method("editMessageChecklist")
def edit_message_checklist(request: Request) -> Any:
    return change(request, (), {"checklist": checklist(request)})


@method("deleteMessage")
def delete_message(request: Request) -> bool:
    for name, noun in (("chat_id", "chat"), ("message_id", "message")):
        if not request.payload.get(name):
            raise bad_request(f"{noun} identifier is not specified")
    chat = editable_chat(request)
    message = message_in(chat, request, "message to delete")
    _check_may_delete(request, chat, message)
    request.world.remove_message(chat, message["message_id"])
    return True


@method("deleteEphemeralMessage")
def delete_ephemeral_message(request: Request) -> bool:
    chat, key = _ephemeral(request, "message to delete")
    del chat.ephemeral[key]
    request.world.notify("ephemeral", chat.id, None)
    return True


def _check_may_delete(request: Request, chat: Chat, message: Json) -> None:
    bot_id = request.world.bot_id
    if is_admin(chat, bot_id) and may(chat, bot_id, "can_delete_messages"):
        return
    own = message.get("from", {}).get("id") == bot_id
    old = request.world.now() - message["date"] > DELETE_AGE
    if old or not (own or chat.is_private):
        raise bad_request("message can't be deleted for everyone")


@method("deleteMessages")
def delete_messages(request: Request) -> bool:
    """Pass over those that are not there."""
    ids = message_ids(request)
    chat = editable_chat(request)
    for message_id in ids:
        message = chat.messages.get(message_id)
        if message is not None:
            _check_may_delete(request, chat, message)
            request.world.remove_message(chat, message_id)
    return True


@method("deleteBusinessMessages")
def delete_business_messages(request: Request) -> bool:
    connection = request.text("business_connection_id")
    if connection not in request.world.business_connections:
        raise bad_request("business connection not found")
    wanted = set(message_ids(request))
    for chat in request.world.chats.values():
        for message_id in wanted & set(chat.messages):
            if chat.messages[message_id].get("business_connection_id") == connection:
                request.world.remove_message(chat, message_id)
    return True


def message_ids(request: Request) -> list[int]:
    """Return `message_ids` of a request, at most 100."""
    if not request.payload.get("message_ids"):
        raise bad_request("message identifiers are not specified")
    values = request.array("message_ids", "expected an Array of message identifiers")
    if len(values) > 100:
        raise bad_request("too many message identifiers specified")
    ids = [as_int(value) for value in values]
    if any(message_id <= 0 for message_id in ids):
        raise bad_request("invalid message identifier specified")
    return ids
