"""Ephemeral messages, once sent: https://core.telegram.org/bots/api#ephemeral-messages-and-commands."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.markup import inline_only
from toolkit.harness.fake_telegram.methods.editing import CAPTION, MEDIA, NOT_MODIFIED
from toolkit.harness.fake_telegram.methods.media import IN_MEDIA, input_media
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.methods.sending import link_preview
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    caption,
    editable_chat,
    message_text,
    resolve_mentions,
)
from toolkit.harness.types import Json


def _find(request: Request, what: str) -> tuple[Chat, tuple[int, int], Json]:
    key = (request.user_id("receiver_user_id"), request.integer("ephemeral_message_id"))
    chat = editable_chat(request)
    if key not in chat.ephemeral:
        raise bad_request(f"message to {what} not found")
    return chat, key, chat.ephemeral[key]


def _change(request: Request, drop: tuple[str, ...], content: Json) -> bool:
    markup = inline_only(request.payload.get("reply_markup"))
    chat, key, old = _find(request, "edit")
    kept = {k: v for k, v in old.items() if k not in (*drop, "reply_markup", "edit_date")}
    new = kept | resolve_mentions(request, content)
    if markup is not None:
        new["reply_markup"] = markup.data
    if new == {k: v for k, v in old.items() if k != "edit_date"}:
        raise bad_request(NOT_MODIFIED)
    chat.ephemeral[key] = {**new, "edit_date": request.telegram.now()}
    request.telegram.notify("ephemeral", chat.id, chat.ephemeral[key])
    return True


@method("editEphemeralMessageText")
def edit_ephemeral_message_text(request: Request) -> bool:
    content = message_text(request.payload, "MESSAGE_TOO_LONG") | link_preview(request.payload)
    return _change(request, ("text", "entities", "link_preview_options"), content)


@method("editEphemeralMessageCaption")
def edit_ephemeral_message_caption(request: Request) -> bool:
    return _change(request, CAPTION, caption(request.payload, "MEDIA_CAPTION_TOO_LONG"))


@method("editEphemeralMessageMedia")
def edit_ephemeral_message_media(request: Request) -> bool:
    content = input_media(request, request.required("media"), IN_MEDIA)
    return _change(request, (*MEDIA, *CAPTION, "text", "entities"), content)


@method("editEphemeralMessageReplyMarkup")
def edit_ephemeral_message_reply_markup(request: Request) -> bool:
    return _change(request, (), {})


@method("deleteEphemeralMessage")
def delete_ephemeral_message(request: Request) -> bool:
    chat, key, _ = _find(request, "delete")
    del chat.ephemeral[key]
    request.telegram.notify("ephemeral", chat.id, None)
    return True
