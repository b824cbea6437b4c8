"""Where the bot may act and what it may send, refused in the server's words."""

from __future__ import annotations

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import ApiError, bad_request, forbidden
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request, as_int
from toolkit.harness.fake_telegram.rights import is_member, may
from toolkit.harness.types import Json

MAX_TEXT = 4096  # https://core.telegram.org/bots/api#sendmessage
MAX_CAPTION = 1024
_KINDS = {"group": "group chat", "supergroup": "supergroup chat", "channel": "channel chat"}


def find_chat(request: Request, field: str = "chat_id") -> Chat:
    """Return the chat a request names by id or @username; refuse one the bot cannot know."""
    world, chat_id = request.world, request.payload.get(field)
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
    if chat_id == world.bot_id:
        raise forbidden("the bot can't send messages to the bot")
    if chat_id not in world.chats:
        raise bad_request("chat not found")
    return world.chats[chat_id]


def readable_chat(request: Request, field: str = "chat_id") -> Chat:
    """Return a chat the bot can look into."""
    chat = find_chat(request, field)
    if chat.has_own_sequence:
        _check_membership(request, chat)
    return chat


def editable_chat(request: Request, private: str = "") -> Chat:
    """Return a chat where the bot can change things; `private` refuses a private one."""
    chat = find_chat(request)
    if chat.is_private:
        if request.world.users[chat.id].deactivated:
            raise forbidden("user is deactivated")
        if private:
            raise bad_request(private)
        return chat
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, text, {"migrate_to_chat_id": chat.migrated_to})
    _check_membership(request, chat)
    return chat


def writable_chat(request: Request) -> Chat:
    """Return a chat the bot can send something to."""
    chat = editable_chat(request)
    if chat.is_private:
        user = request.world.users[chat.id]
        if user.data.get("is_bot"):
            raise forbidden("bots can't send messages to bots")
        if user.blocked:
            raise forbidden("bot was blocked by the user")
        if not user.started:
            raise forbidden("bot can't initiate conversation with a user")
    return chat


def _check_membership(request: Request, chat: Chat) -> None:
    if not is_member(chat.members.get(request.world.bot_id)):
        kicked = chat.status_of(request.world.bot_id) == "kicked"
        verb = "was kicked from" if kicked else "is not a member of"
        raise forbidden(f"bot {verb} the {_KINDS[chat.kind]}")


def check_may_send(request: Request, chat: Chat, permission: str, what: str) -> None:
    """Refuse where the chat's permissions or the bot's rights forbid this kind of message."""
    bot_id = request.world.bot_id
    if chat.kind == "channel" and not may(chat, bot_id, "can_post_messages"):
        raise forbidden("need administrator rights in the channel chat")
    if not chat.is_private and chat.kind != "channel" and not may(chat, bot_id, permission):
        raise bad_request(f"not enough rights to send {what} to the chat")


def require_right(request: Request, chat: Chat, right: str, refusal: str) -> None:
    """Refuse with these words unless the bot has the right."""
    if not may(chat, request.world.bot_id, right):
        raise bad_request(refusal)


def message_in(chat: Chat, request: Request, what: str) -> Json:
    """Return the message a request names in a chat; refuse with `{what} not found`."""
    message = chat.messages.get(as_int(request.payload.get("message_id")))
    if message is None:
        raise bad_request(f"{what} not found")
    return message


def formatted(
    source: Json, name: str, mode: str = "parse_mode", entities: str | None = None
) -> Json:
    """Return a text field as the message shows it, with its entities where it has any."""
    entities = entities or f"{name}_entities"
    text = "" if source.get(name) is None else str(source[name])
    text, found = format_text(text, source.get(mode), source.get(entities))
    return {name: text, entities: found} if found else {name: text}


def message_text(source: Json, too_long: str = "message is too long") -> Json:
    """Return `text` and `entities` of a message, from the fields of sendMessage."""
    if source.get("text") in (None, ""):
        raise bad_request("message text is empty")
    content = formatted(source, "text", entities="entities")
    if not content["text"]:
        raise bad_request("text must be non-empty")
    if len(content["text"]) > MAX_TEXT:
        raise bad_request(too_long)
    return content


def caption(source: Json, too_long: str = "message caption is too long") -> Json:
    """Return `caption` and its fields, from those of a media method; empty without one."""
    content = formatted(source, "caption")
    if len(content["caption"]) > MAX_CAPTION:
        raise bad_request(too_long)
    if not content["caption"]:
        return {}
    above = source.get("show_caption_above_media")
    return content | {"show_caption_above_media": True} if above else content


def resolve_mentions(request: Request, content: Json) -> Json:
    """Show the user of each mention by id; drop mentions of unknown users, as the server does."""
    users = request.world.users
    for field in ("entities", "caption_entities"):
        entities: list[Json] = content.get(field, [])
        if any(one["type"] == "text_mention" for one in entities):
            shown = [
                {**one, "user": users[one["user"]["id"]].data} if "user" in one else one
                for one in entities
                if "user" not in one or one["user"]["id"] in users
            ]
            content = {k: v for k, v in content.items() if k != field}
            content |= {field: shown} if shown else {}
    return content
