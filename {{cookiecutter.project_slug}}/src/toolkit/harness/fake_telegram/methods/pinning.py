"""Pinning messages and reacting to them."""

from __future__ import annotations

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import business_message, for_business
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, Problem, as_int, parsing
from toolkit.harness.fake_telegram.messages import kind_of
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import message_in, readable_chat, writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import is_admin, may
from toolkit.harness.types import Json

# https://core.telegram.org/bots/api#reactiontypeemoji
_REACTIONS = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 "
    "❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 "
    "😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ "
    "😡 "
)
REACTIONS = frozenset(_REACTIONS.split())


@method("pinChatMessage")
def pin_chat_message(request: Request) -> bool:
    if for_business(request):
        return _pin_for_business(request, pinned=True)
    chat, world = writable_chat(request), request.world
    message = message_in(chat, request, "message to pin")
    check_may_pin(request, chat)
    if not kind_of(message):
        raise bad_request("service messages can't be pinned")
    if message["message_id"] not in chat.pinned:
        chat.pinned.append(message["message_id"])
        if not chat.is_private:
            world.service_message(chat, world.bot_user, {"pinned_message": message})
    world.notify("chat", chat.id, "pinned")
    return True


@method("unpinChatMessage")
def unpin_chat_message(request: Request) -> bool:
    if for_business(request):
        return _pin_for_business(request, pinned=False)
    chat = writable_chat(request)
    if request.message_id():
        message_id = message_in(chat, request, "message to unpin")["message_id"]
    elif not chat.pinned:
        raise bad_request("message to unpin not found")
    else:
        message_id = chat.pinned[-1]
    check_may_pin(request, chat)
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    request.world.notify("chat", chat.id, "unpinned")
    return True


def _pin_for_business(request: Request, *, pinned: bool) -> bool:
    chat, message = business_message(request)
    kept = [each for each in chat.pinned if each != message["message_id"]]
    chat.pinned = [*kept, message["message_id"]] if pinned else kept
    request.world.notify("chat", chat.id, "pinned" if pinned else "unpinned")
    return True


@method("unpinAllChatMessages")
def unpin_all_chat_messages(request: Request) -> bool:
    chat = writable_chat(request)
    check_may_pin(request, chat)
    chat.pinned.clear()
    request.world.notify("chat", chat.id, "unpinned")
    return True


def check_may_pin(request: Request, chat: Chat) -> None:
    """Refuse where the bot may not pin; in a basic group only administrators may."""
    right = "can_edit_messages" if chat.kind == "channel" else "can_pin_messages"
    bot_id = request.world.bot_id
    fine = may(chat, bot_id, right) and (chat.kind != "group" or is_admin(chat, bot_id))
    if not fine:
        raise bad_request("not enough rights to manage pinned messages in the chat")


@method("setMessageReaction")
def set_message_reaction(request: Request) -> bool:
    reactions = _reactions(request)
    chat = readable_chat(request)
    message_id = message_in(chat, request, "message to react")["message_id"]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        emoji = reaction.get("emoji", "").replace("\ufe0f", "")
        if reaction["type"] == "emoji" and emoji not in REACTIONS:
            raise bad_request("REACTION_INVALID")
    chat.reactions[message_id, request.world.bot_id] = reactions
    request.world.notify("reaction", chat.id, (message_id, reactions))
    return True


def _reactions(request: Request) -> list[Json]:
    wrong = "expected an Array of ReactionType"
    values = request.array("reaction", wrong, "reaction types JSON object", required=False)
    with parsing("ReactionType"):
        return [_reaction(value) for value in values]


def _reaction(value: object) -> Json:
    given = fields.an_object(value)
    kind = fields.required_text(given, "type")
    if kind == "emoji":
        return {"type": kind, "emoji": fields.required_text(given, "emoji")}
    if kind == "custom_emoji":
        number = fields.required_integer(given, "custom_emoji_id", INT64)
        return {"type": kind, "custom_emoji_id": str(number)}
    raise Problem("invalid reaction type specified")


@method("deleteMessageReaction", one=True)
@method("deleteAllMessageReactions", one=False)
def delete_reactions(request: Request, *, one: bool) -> bool:
    """Delete the reactions of a user or of a chat, on one message or on all."""
    actor = _actor(request)
    chat = writable_chat(request)
    only = message_in(chat, request, "message to delete reactions")["message_id"] if one else 0
    actor = actor or _actor_chat(request)
    if not may(chat, request.world.bot_id, "can_delete_messages"):
        raise bad_request("not enough rights to delete message reactions")
    for place in [p for p in chat.reactions if p[0] == (only or p[0]) and p[1] == actor]:
        del chat.reactions[place]
    request.world.notify("reaction", chat.id, None)
    return True


def _actor(request: Request) -> int:
    return request.user_id() if request.text("user_id") else 0


def _actor_chat(request: Request) -> int:
    text = request.text("actor_chat_id")
    if not text:
        raise bad_request("sender_chat_id is empty")
    if not text.removeprefix("-").isdecimal():
        raise bad_request("sender_chat_id is not a valid Integer")
    return as_int(text)
