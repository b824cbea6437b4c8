"""Editing messages, ephemeral ones too.

https://core.telegram.org/bots/api#updating-messages, #ephemeral-messages-and-commands
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toolkit.harness.fake_telegram.business import for_business, own_business_message
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.markup import Markup, check_inline, check_types, read_markup
from toolkit.harness.fake_telegram.messages import (
    CAPTION,
    MEDIA,
    TEXT,
    WITH_MEDIA,
    is_editable,
    kind_of,
)
from toolkit.harness.fake_telegram.methods.contents import check_place, checklist, read_place
from toolkit.harness.fake_telegram.methods.media import ALONE, input_media
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.rich import rich_content
from toolkit.harness.fake_telegram.methods.sending import text_content
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    Late,
    caption,
    editable_chat,
    message_in,
    resolve_mentions,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

CAN_NOT = "message can't be edited"
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)
# The chat of a message to change, the message, and the function that puts its new version there.
Found = tuple[Chat, Json, Callable[[Json], Any]]
Find = Callable[[Request], Found]


@dataclass(frozen=True)
class Edit:
    """What an edit does: it replaces the fields `drop` by `content`, in a message of `kinds`.

    `edits` is what has to be in the message, as a refusal names it.
    """

    content: Late = dict
    drop: tuple[str, ...] = ()
    edits: str = ""
    kinds: tuple[str, ...] = ()
    medium: str = ""
    markup_only: bool = False


def find_message(request: Request, edit: Edit | None = None) -> Found:
    """Return the message to change; an edit returns it, or True for one with an inline id."""
    payload, world = request.payload, request.world
    if for_business(request):
        chat, old = own_business_message(request)
        _check_kind(old, edit or Edit())
        return chat, old, lambda new: world.put_message(chat, new)
    if "chat_id" not in payload and not request.message_id():
        chat, old = inline_message(request)
        return chat, old, lambda new: bool(world.put_message(chat, new))
    chat = editable_chat(request)
    old = message_in(chat, request, "message to edit")
    _check_editable(request, chat, old, edit or Edit())
    return chat, old, lambda new: world.put_message(chat, new)


def inline_message(request: Request) -> tuple[Chat, Json]:
    """Return a message that was sent through the bot, and where it is."""
    inline_id = request.text("inline_message_id")
    if not inline_id:
        raise bad_request("message identifier is not specified")
    chat_id, message_id = request.world.inline_messages.get(inline_id, (0, 0))
    chat = request.world.chats.get(chat_id)
    if chat is None or message_id not in chat.messages:
        raise bad_request("MESSAGE_ID_INVALID")
    return chat, chat.messages[message_id]


def _check_editable(request: Request, chat: Chat, old: Json, edit: Edit) -> None:
    """Refuse what cannot be edited at all, then what has nothing of what is edited."""
    kind = kind_of(old)
    editable = is_editable(request, chat, old, markup_only=edit.markup_only)
    if edit.medium:
        if not editable or kind not in WITH_MEDIA:
            raise bad_request("message media can't be edited")
        return
    if not editable:
        raise bad_request(CAN_NOT)
    _check_kind(old, edit)


def _check_kind(old: Json, edit: Edit) -> None:
    if edit.kinds and kind_of(old) not in edit.kinds:
        raise bad_request(f"there is no {edit.edits} in the message to edit")


def find_ephemeral(request: Request, edit: Edit | None = None) -> Found:
    """Return the ephemeral message to change; an edit returns True."""
    chat, key = ephemeral(request, "message to edit")
    old = chat.ephemeral[key]
    _check_kind(old, edit or Edit())
    return chat, old, lambda new: _put_ephemeral(request, chat, key, new)


def ephemeral(request: Request, what: str) -> tuple[Chat, tuple[int, int]]:
    """Return the chat and the key of an ephemeral message."""
    key = (request.user_id("receiver_user_id"), request.integer("ephemeral_message_id"))
    chat = editable_chat(request)
    if key not in chat.ephemeral:
        raise bad_request(f"{what} not found")
    return chat, key


def _put_ephemeral(request: Request, chat: Chat, key: tuple[int, int], new: Json) -> bool:
    chat.ephemeral[key] = new
    request.world.notify("ephemeral", chat.id, new)
    return True


def change(request: Request, edit: Edit, markup: Markup | None, find: Any = find_message) -> Any:
    """Put a new version of a message there, with new content and new buttons."""
    chat, old, put = find(request, edit)
    if edit.medium and "media_group_id" in old:
        _check_album(kind_of(old), edit.medium)
    markup, content = check_inline(markup, chat), _in_game(old, edit.content())
    check_types(markup, chat, old | content)
    kept = {k: v for k, v in old.items() if k not in (*edit.drop, "reply_markup", "edit_date")}
    new = kept | resolve_mentions(request, content)
    if markup is not None:
        new["reply_markup"] = markup.data
    if new == {key: value for key, value in old.items() if key != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    return put({**new, "edit_date": request.world.now()})


def _in_game(old: Json, content: Json) -> Json:
    """Return new content; the text of a game is part of the game."""
    if "game" not in old or "text" not in content:
        return content
    text = {f"text_{name}" if name == "entities" else name: content[name] for name in content}
    kept = {k: v for k, v in old["game"].items() if k not in ("text", "text_entities")}
    shown = {name: text[name] for name in ("text", "text_entities") if name in text}
    return {"game": kept | shown}


def _check_album(old: str, new: str) -> None:
    if old == new:
        return
    if new == "animation":
        raise bad_request("message content type can't be used in an album")
    if old in ALONE or new in ALONE:
        raise bad_request("can't change media type in the album")


@method("editMessageText", find=find_message)
@method("editEphemeralMessageText", find=find_ephemeral)
def edit_message_text(request: Request, find: Find) -> Any:
    rich = "rich_message" in request.payload
    content = rich_content(request) if rich else text_content(request, "MESSAGE_TOO_LONG")
    drop = (*TEXT, "rich_message")
    edit = Edit(content, drop, "text", ("text", "rich_message", "game"))
    return change(request, edit, read_markup(request), find)


@method("editMessageCaption", find=find_message)
@method("editEphemeralMessageCaption", find=find_ephemeral)
def edit_message_caption(request: Request, find: Find) -> Any:
    markup = read_markup(request)
    content = caption(request.payload, "MEDIA_CAPTION_TOO_LONG")
    return change(request, Edit(content, CAPTION, "caption", MEDIA), markup, find)


@method("editMessageReplyMarkup", find=find_message)
@method("editEphemeralMessageReplyMarkup", find=find_ephemeral)
def edit_message_reply_markup(request: Request, find: Find) -> Any:
    return change(request, Edit(markup_only=True), read_markup(request), find)


@method("editMessageMedia", find=find_message)
@method("editEphemeralMessageMedia", find=find_ephemeral)
def edit_message_media(request: Request, find: Find) -> Any:
    markup = read_markup(request)
    request.required("media")
    media = request.json("media", "input media JSON object", kind=object)
    name, content = input_media(request, media)
    drop = (*MEDIA, *CAPTION, *TEXT, "has_media_spoiler")
    return change(request, Edit(content, drop, medium=name), markup, find)


@method("editMessageLiveLocation")
@method("stopMessageLiveLocation", stop=True)
def edit_live_location(request: Request, *, stop: bool = False) -> Any:
    place = {} if stop else read_place(request)
    markup = read_markup(request)
    edit = Edit(edits="live location", kinds=("location",))
    _, old, _ = find_message(request, edit)
    current = old.get("location", {})
    if "live_period" not in current:
        raise bad_request("there is no live location in the message to edit")

    def content() -> Json:
        if stop:
            return {"location": {name: current[name] for name in ("latitude", "longitude")}}
        check_place(place, live=True, editing=True)
        return {"location": {"live_period": current["live_period"]} | place}

    return change(request, Edit(content, (), "live location", ("location",)), markup)


@method("editMessageChecklist")
def edit_message_checklist(request: Request) -> Any:
    markup = read_markup(request)
    edit = Edit(checklist(request), ("checklist",), "checklist", ("checklist",))
    return change(request, edit, markup)
