"""Text messages and chat actions."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import business_chat, for_business
from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request, too_many_requests
from toolkit.harness.fake_telegram.fields import parsing
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import (
    Late,
    check_reachable,
    message_text,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

_ACTIONS = (
    "cancel typing record_video upload_video record_audio record_voice upload_audio "
    "upload_voice upload_photo upload_document choose_sticker pick_up_location "
    "find_location record_video_note upload_video_note"
)
ACTIONS = frozenset(_ACTIONS.split())
_PREVIEW_FLAGS = ("prefer_small_media", "prefer_large_media", "show_above_text")


@method("getMe")
def get_me(request: Request) -> Json:
    return request.world.me


@method("sendMessage")
def send_message(request: Request) -> Json:
    return deliver(request, text_content(request))


def text_content(request: Request, too_long: str = "message is too long") -> Late:
    """Return the content of a text message later, with how its link is shown."""
    preview = link_preview(request)
    text = message_text(request.payload, too_long)
    return (lambda: text() | link_preview_fields(preview)) if preview else text


def link_preview(request: Request) -> Json:
    """Return `link_preview_options` of a message, from either form of the parameter."""
    unparsed = "link preview options JSON object"
    wrong = "object expected as link preview options"
    options: Json | None = request.json("link_preview_options", unparsed, wrong)
    if options is None:
        return {"is_disabled": True} if request.flag("disable_web_page_preview") else {}
    with parsing():
        return read_preview(options)


def read_preview(options: Any) -> Json:
    """Return LinkPreviewOptions with what is set in them; a Problem for what is wrong."""
    fields.an_object(options, "Object expected as link preview options")
    read: Json = {"is_disabled": fields.flag(options, "is_disabled")}
    read["url"] = fields.text(options, "url")
    read |= {name: fields.flag(options, name) for name in _PREVIEW_FLAGS}
    return {name: value for name, value in read.items() if value}


def link_preview_fields(options: Json) -> Json:
    """Return the field of a message that shows how its link is shown."""
    if "." not in options.get("url", "."):
        raise bad_request("WEBPAGE_URL_INVALID")
    return {"link_preview_options": options}


@method("sendChatAction")
def send_chat_action(request: Request) -> bool:
    action = request.text("action").lower()
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    if for_business(request):
        chat = business_chat(request)[1]
    else:
        chat = writable_chat(request)
        if request.message_id("message_thread_id") and chat.kind in ("group", "channel"):
            raise bad_request("chat is not a forum")
        check_reachable(request, chat)
    chat.action = None if action == "cancel" else action
    request.world.notify("action", chat.id, chat.action)
    return True


@method("close")
def close(request: Request) -> bool:
    """Refuse, as in the first ten minutes after a bot was launched."""
    raise too_many_requests(600)
