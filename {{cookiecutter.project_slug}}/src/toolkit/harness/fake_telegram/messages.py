"""What kind of message is there, and what the bot may do to it: edit it, delete it.

https://core.telegram.org/bots/api#updating-messages
"""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import administers, is_admin, may
from toolkit.harness.types import Json

TWO_DAYS = 48 * 3600
DAY = 24 * 3600
MEDIA = ("photo", "video", "animation", "audio", "document", "voice", "live_photo", "paid_media")
CAPTION = ("caption", "caption_entities", "show_caption_above_media")
TEXT = ("text", "entities", "link_preview_options")
_FIXED = (
    "contact venue location dice sticker video_note poll invoice game story giveaway checklist "
    "giveaway_winners rich_message"
)
CONTENTS = ("text", *MEDIA, *_FIXED.split())
"""What a message has that is no service message. An animation has `document` as well."""
SHOWN = (*CONTENTS, *CAPTION, *TEXT, "has_media_spoiler")
"""Fields of a message that a forward and a copy have as well."""
_EDITABLE = {"text", *MEDIA, "game", "checklist", "rich_message"}
WITH_MEDIA = frozenset(
    ["text", "rich_message", "animation", "audio", "document", "photo", "live_photo", "video"]
)
"""Messages whose content can become another medium."""


def kind_of(message: Json) -> str:
    """Return which of CONTENTS a message has; empty for a service message."""
    if "animation" in message:
        return "animation"
    if "venue" in message:
        return "venue"
    return next((kind for kind in CONTENTS if kind in message), "")


def is_editable(request: Request, chat: Chat, message: Json, *, markup_only: bool = False) -> bool:
    """Tell whether the bot can edit a message, or its buttons only."""
    if "forward_origin" in message or message["message_id"] in chat.uneditable:
        return False
    kind = kind_of(message)
    if not _belongs(request, chat, message, kind, markup_only=markup_only):
        return False
    if kind in _EDITABLE or (markup_only and kind):
        return True
    if kind == "location":
        period = message["location"].get("live_period", 0)
        return bool(request.world.now() - message["date"] < period)
    return kind == "poll" and not message["poll"]["is_closed"]


def _belongs(
    request: Request, chat: Chat, message: Json, kind: str, *, markup_only: bool = False
) -> bool:
    """Tell whether a message is the bot's to edit, and still is after two days."""
    bot_id = request.world.bot_id
    if "business_connection_id" in message:
        return True
    via = message.get("via_bot", {}).get("id")
    if via is not None and via != bot_id:
        return False
    outgoing = _is_outgoing(request, chat, message)
    lasting = outgoing or kind in ("poll", "checklist", "location")
    if chat.kind == "channel" and via is None:
        edits = may(chat, bot_id, "can_edit_messages")
        if not edits and not (outgoing and may(chat, bot_id, "can_post_messages")):
            return False
        lasting = lasting or edits or markup_only
    elif not outgoing and via is None:
        return False
    return lasting or request.world.now() - message["date"] < TWO_DAYS + 300


def _is_outgoing(request: Request, chat: Chat, message: Json) -> bool:
    if chat.kind == "channel":
        return message["message_id"] in chat.outgoing
    return bool(message.get("from", {}).get("id") == request.world.bot_id)


def why_not_deleted(request: Request, chat: Chat, message: Json) -> str:
    """Return why the bot cannot delete a message; empty when it can."""
    age = request.world.now() - message["date"]
    outgoing, kind = _is_outgoing(request, chat, message), kind_of(message)
    if chat.has_own_sequence:
        fine = age < TWO_DAYS and _may_delete(request, chat, message, kind, outgoing=outgoing)
        return "" if fine else "message can't be deleted"
    if chat.is_private:
        fine = not (kind == "dice" and age < DAY)
    else:
        fine = (outgoing and bool(kind)) or is_admin(chat, request.world.bot_id)
    return "" if fine and age <= TWO_DAYS else "message can't be deleted for everyone"


def _may_delete(request: Request, chat: Chat, message: Json, kind: str, *, outgoing: bool) -> bool:
    bot_id = request.world.bot_id
    if "forum_topic_created" in message or "migrate_from_chat_id" in message:
        return False
    if administers(chat, bot_id, "can_delete_messages"):
        return True
    if outgoing and (chat.kind == "channel" or not kind):
        return administers(chat, bot_id, "can_post_messages")
    return outgoing
