"""Where the bot may act and what it may say, refused in the server's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import ApiError, bad_request, forbidden
from toolkit.harness.fake_telegram.membership import is_member, may
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram.methods.registry import Request

MAX_TEXT = 4096  # https://core.telegram.org/bots/api#sendmessage
MAX_CAPTION = 1024
_KINDS = {"group": "group chat", "supergroup": "supergroup chat", "channel": "channel chat"}


def find_chat(request: Request, field: str = "chat_id") -> Chat:
    """The chat a request names by id or @username; raises ApiError when the bot cannot know it."""
    world, chat_id = request.telegram, request.payload.get(field)
    if chat_id is None:
        raise bad_request(f"{field} is empty")
    if isinstance(chat_id, str):
        name = chat_id.removeprefix("@")
        for chat in world.chats.values():
            public = chat_id.startswith("@") and not chat.is_private
            if public and str(chat.data.get("username", "")).lower() == name.lower():
                return chat
        raise bad_request("chat not found")
    if chat_id in world.users:
        return world.private_chat(chat_id)
    if chat_id == world.me["id"]:
        raise forbidden("the bot can't send messages to the bot")
    if chat_id not in world.chats:
        raise bad_request("chat not found")
    return world.chats[chat_id]


def readable_chat(request: Request, field: str = "chat_id") -> Chat:
    """A chat the bot can look into."""
    chat = find_chat(request, field)
    if chat.is_own:
        _check_membership(request, chat)
    return chat


def editable_chat(request: Request, field: str = "chat_id") -> Chat:
    """A chat where the bot can change what is there."""
    chat = find_chat(request, field)
    if chat.is_private:
        if request.telegram.users[chat.id].deactivated:
            raise forbidden("user is deactivated")
        return chat
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, text, {"migrate_to_chat_id": chat.migrated_to})
    _check_membership(request, chat)
    return chat


def writable_chat(request: Request, field: str = "chat_id") -> Chat:
    """A chat the bot can send something to."""
    chat = editable_chat(request, field)
    if chat.is_private:
        user = request.telegram.users[chat.id]
        if user.data.get("is_bot"):
            raise forbidden("bots can't send messages to bots")
        if user.blocked:
            raise forbidden("bot was blocked by the user")
        if not user.started:
            raise forbidden("bot can't initiate conversation with a user")
    return chat


def _check_membership(request: Request, chat: Chat) -> None:
    membership = chat.members.get(request.telegram.me["id"])
    if not is_member(membership):
        verb = (
            "was kicked from"
            if (membership or {}).get("status") == "kicked"
            else "is not a member of"
        )
        raise forbidden(f"bot {verb} the {_KINDS[chat.kind]}")


def check_may_send(request: Request, chat: Chat, permission: str, what: str) -> None:
    """Refuse where the chat's permissions or the bot's rights forbid this kind of message."""
    bot_id = request.telegram.me["id"]
    if chat.kind == "channel" and not may(chat, bot_id, "can_post_messages"):
        raise forbidden("need administrator rights in the channel chat")
    if not chat.is_private and chat.kind != "channel" and not may(chat, bot_id, permission):
        raise bad_request(f"not enough rights to send {what} to the chat")


def require_right(request: Request, chat: Chat, right: str, refusal: str) -> None:
    """Refuse with these words unless the bot has the right."""
    if not may(chat, request.telegram.me["id"], right):
        raise bad_request(refusal)


def message_text(source: Json, too_long: str = "message is too long") -> Json:
    """`text` and `entities` of a message, from the fields of sendMessage."""
    text = source.get("text")
    if text is None or text == "":
        raise bad_request("message text is empty")
    text, entities = format_text(str(text), source.get("parse_mode"), source.get("entities"))
    if not text:
        raise bad_request("text must be non-empty")
    if len(text) > MAX_TEXT:
        raise bad_request(too_long)
    return {"text": text, "entities": entities} if entities else {"text": text}


def caption(source: Json, too_long: str = "message caption is too long") -> Json:
    """`caption` and what belongs to it, from the fields of a media method; empty without one."""
    text, entities = format_text(
        str(source.get("caption") or ""), source.get("parse_mode"), source.get("caption_entities")
    )
    if len(text) > MAX_CAPTION:
        raise bad_request(too_long)
    content: Json = {"caption": text} if text else {}
    if text and entities:
        content["caption_entities"] = entities
    if text and source.get("show_caption_above_media"):
        content["show_caption_above_media"] = True
    return content


def resolve_mentions(request: Request, content: Json) -> Json:
    """Mentions by id show the user; the server drops those of users it has not met."""
    for field in ("entities", "caption_entities"):
        entities: list[Json] = content.get(field, [])
        if any(one["type"] == "text_mention" for one in entities):
            users: dict[int, Any] = request.telegram.users
            shown = [
                {**one, "user": users[one["user"]["id"]].data} if "user" in one else one
                for one in entities
                if "user" not in one or one["user"]["id"] in users
            ]
            content = {k: v for k, v in content.items() if k != field}
            content |= {field: shown} if shown else {}
    return content
