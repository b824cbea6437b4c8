"""Where the bot may act and what it may send, refused in the server's words."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import ApiError, bad_request, forbidden
from toolkit.harness.fake_telegram.fields import INT64, as_int, as_text, whole_number
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.names import looks_empty
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import is_member, may
from toolkit.harness.types import Json

MAX_TEXT = 4096  # https://core.telegram.org/bots/api#sendmessage
MAX_CAPTION = 1024
_KINDS = {"group": "group chat", "supergroup": "supergroup chat", "channel": "channel chat"}
# What is wrong with a text before anybody looks at the chat.
_EARLY = ("can't parse", "unsupported parse_mode", "text is too long")

Late = Callable[[], Json]
"""Returns content of a message, or refuses it: only when the server has looked at the chat."""


def find_chat(request: Request, field: str = "chat_id") -> Chat:
    """Return the chat a request names by id or @username; refuse one the bot cannot know."""
    world, given = request.world, request.payload.get(field)
    name = "" if type(given) is int else as_text(given)
    if name == "" and type(given) is not int:
        raise bad_request(f"{field} is empty")
    if name.startswith("@"):
        for chat in world.chats.values():
            username = None if chat.is_private else chat.data.get("username")
            if username and str(username).lower() == name[1:].lower():
                return chat
        raise bad_request("chat not found")
    chat_id = as_int(given)
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
        _check_membership(request, chat, public=bool(chat.data.get("username")))
    return chat


def members_chat(request: Request) -> Chat:
    """Return a chat whose members the bot can look at."""
    chat = readable_chat(request)
    if chat.kind == "group":
        _check_group(request, chat)
    return chat


def editable_chat(request: Request) -> Chat:
    """Return a chat where the bot can change messages."""
    return _changeable(request, write=False)


def writable_chat(request: Request) -> Chat:
    """Return a chat where the bot can change something, or send if `check_reachable` agrees."""
    return _changeable(request, write=True)


def _changeable(request: Request, *, write: bool) -> Chat:
    chat = find_chat(request)
    if chat.is_private:
        if request.world.users[chat.id].deactivated:
            raise forbidden("user is deactivated")
    elif chat.kind != "group" or write:
        _check_group(request, chat)
    elif chat.migrated_to is None:
        _check_membership(request, chat)
    return chat


def _check_group(request: Request, chat: Chat) -> None:
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, text, {"migrate_to_chat_id": chat.migrated_to})
    _check_membership(request, chat)


def _check_membership(request: Request, chat: Chat, *, public: bool = False) -> None:
    kicked = chat.status_of(request.world.bot_id) == "kicked"
    if kicked or not (public or is_member(chat.members.get(request.world.bot_id))):
        verb = "was kicked from" if kicked else "is not a member of"
        raise forbidden(f"bot {verb} the {_KINDS[chat.kind]}")


def check_reachable(request: Request, chat: Chat) -> None:
    """Refuse what only the last server on the way refuses: users who cannot be written to."""
    if chat.is_private:
        user = request.world.users[chat.id]
        if user.data.get("is_bot"):
            raise forbidden("the bot can't send messages to the bot")
        if user.blocked:
            raise forbidden("bot was blocked by the user")
        if not user.started:
            raise forbidden("bot can't initiate conversation with a user")


def check_may_post(request: Request, chat: Chat) -> None:
    """Refuse a channel where the bot may not post."""
    if chat.kind == "channel" and not may(chat, request.world.bot_id, "can_post_messages"):
        raise bad_request("need administrator rights in the channel chat")


def check_may_send(request: Request, chat: Chat, permission: str, what: str) -> None:
    """Refuse where the group's permissions forbid the bot this kind of message."""
    in_group = not chat.is_private and chat.kind != "channel"
    if in_group and not all(may(chat, request.world.bot_id, one) for one in permission.split()):
        raise bad_request(f"not enough rights to send {what} to the chat")


def require_right(request: Request, chat: Chat, right: str, refusal: str) -> None:
    """Refuse with these words unless the bot has the right."""
    if not may(chat, request.world.bot_id, right):
        raise bad_request(refusal)


def check_user(request: Request, user_id: int) -> None:
    """Refuse a user whom the bot does not know."""
    if user_id not in request.world.users and user_id != request.world.bot_id:
        raise bad_request("user not found")


def users_chat(request: Request, user_id: int) -> Chat:
    """Return the private chat of a user whom the bot knows; the bot has none with itself."""
    check_user(request, user_id)
    if user_id == request.world.bot_id:
        raise bad_request("PEER_ID_INVALID")
    return request.world.private_chat(user_id)


def message_in(chat: Chat, request: Request, what: str) -> Json:
    """Return the message a request names in a chat; refuse with `{what} not found`."""
    message = chat.messages.get(request.message_id())
    hidden = chat.has_own_sequence and not is_member(chat.members.get(request.world.bot_id))
    if message is None or hidden:
        raise bad_request(f"{what} not found")
    return message


def message_ids(request: Request) -> list[int]:
    """Return `message_ids` of a request, at most 100."""
    if not request.payload.get("message_ids"):
        raise bad_request("message identifiers are not specified")
    values = request.array("message_ids", "expected an Array of message identifiers")
    if len(values) > 100:
        raise bad_request("too many message identifiers specified")
    ids = [positive_id(value, "message identifier") for value in values]
    if not ids:
        raise bad_request("message identifiers are not specified")
    return ids


def positive_id(value: object, what: str) -> int:
    """Return an identifier in a list; refuse one that is no number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise bad_request(f"{what} must be a Number")
    found = whole_number(value, INT64)
    if found is None:
        raise bad_request(f"can't parse {what} as a Number")
    if found <= 0:
        raise bad_request(f"invalid {what} specified")
    return found


def formatted(
    source: Json, name: str, mode: str = "parse_mode", entities: str | None = None
) -> Json:
    """Return a text field as the message shows it, with its entities where it has any."""
    entities = entities or f"{name}_entities"
    text, mode = as_text(source.get(name)), as_text(source.get(mode))
    text, found = format_text(text, mode, source.get(entities))
    return {name: text, entities: found} if found else {name: text}


def later(build: Late) -> Late:
    """Build content now; what is wrong with it beside its markup is said when it is asked for."""
    try:
        content = build()
    except ApiError as error:
        if error.description.removeprefix("Bad Request: ").startswith(_EARLY):
            raise
        refusal = error

        def refuse() -> Json:
            raise refusal.with_traceback(None)

        return refuse
    return lambda: content


def text_later(source: Json, name: str, mode: str, most: int, too_long: str) -> Late:
    """Return a text that must not be empty, as `later` does."""
    made = later(lambda: formatted(source, name, mode))

    def checked() -> Json:
        content = made()
        if looks_empty(content[name]):
            raise bad_request("text must be non-empty")
        if len(content[name]) > most:
            raise bad_request(too_long)
        return content

    return checked


def message_text(source: Json, too_long: str = "message is too long") -> Late:
    """Return `text` and `entities` of a message later, from the fields of sendMessage."""
    if source.get("text") in (None, ""):
        raise bad_request("message text is empty")
    made = later(lambda: formatted(source, "text", entities="entities"))

    def checked() -> Json:
        content = made()
        if looks_empty(content["text"]):
            raise bad_request("text must be non-empty")
        if len(content["text"]) > MAX_TEXT:
            raise bad_request(too_long)
        return content

    return checked


def caption(source: Json, too_long: str = "message caption is too long") -> Late:
    """Return `caption` and its fields later, from those of a media method; empty without one."""
    if not source.get("caption"):
        return dict
    made = later(lambda: formatted(source, "caption"))

    def checked() -> Json:
        content = made()
        if len(content["caption"]) > MAX_CAPTION:
            raise bad_request(too_long)
        if not content["caption"]:
            return {}
        above = as_text(source.get("show_caption_above_media")).lower() in ("true", "1", "yes")
        return content | {"show_caption_above_media": True} if above else content

    return checked


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
