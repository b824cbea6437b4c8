"""Forwarding and copying, pinning, reacting."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.markup import check_markup, read_markup
from toolkit.harness.fake_telegram.methods.editing import CAPTION, MEDIA, TEXT, message_ids
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import (
    origin_of,
    place_fields,
    reply_parameters,
    show,
    thread_fields,
)
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    caption,
    check_may_send,
    editable_chat,
    message_in,
    readable_chat,
    require_right,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request, as_int, checked_object
from toolkit.harness.types import Json

_OTHER_CONTENT = (
    "video_note sticker contact location venue dice game poll has_media_spoiler rich_message"
)
CONTENT = (*MEDIA, *CAPTION, *TEXT, *_OTHER_CONTENT.split())
NOT_COPIED = ("dice", "game", "paid_media", "invoice")
# https://core.telegram.org/bots/api#reactiontypeemoji
_REACTIONS = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 "
    "❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 "
    "😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ "
    "😡 "
)
REACTIONS = frozenset(_REACTIONS.split())


def _source(request: Request) -> Chat:
    request.required("from_chat_id")
    return readable_chat(request, "from_chat_id")


def _content(message: Json) -> Json:
    return {key: message[key] for key in CONTENT if key in message}


def _forward(request: Request, chat: Chat, message: Json) -> Json:
    content = _content(message)
    if not content or message.get("has_protected_content"):
        raise bad_request("message can't be forwarded")
    origin = {"forward_origin": origin_of(message)}
    check_may_send(request, chat, "can_send_messages", "text messages")
    return show(request, chat, content, None, thread_fields(request, chat) | origin)


def _copy(request: Request, chat: Chat, message: Json, content: Json) -> Json:
    copied = {k: v for k, v in _content(message).items() if k not in NOT_COPIED}
    if not copied or message.get("has_protected_content"):
        raise bad_request("message can't be copied")
    markup = read_markup(request)
    fields = place_fields(request, chat, reply_parameters(request))
    check_markup(markup, chat, copied)
    check_may_send(request, chat, "can_send_messages", "text messages")
    if content:
        copied = {k: v for k, v in copied.items() if k not in CAPTION}
    if content and any(name in copied for name in MEDIA):
        copied |= {key: value for key, value in content.items() if value is not None}
    return show(request, chat, copied, markup, fields)


@method("forwardMessage")
def forward_message(request: Request) -> Json:
    message = message_in(_source(request), request, "message to forward")
    return _forward(request, writable_chat(request), message)


@method("copyMessage")
def copy_message(request: Request) -> Json:
    content: Json = caption(request.payload) if "caption" in request.payload else {}
    message = message_in(_source(request), request, "message to copy")
    copied = _copy(request, writable_chat(request), message, content)
    return {"message_id": copied["message_id"]}


@method("forwardMessages", forward=True)
@method("copyMessages", forward=False)
def forward_messages(request: Request, *, forward: bool) -> list[Json]:
    """Pass over those that are not there."""
    ids, chat, source = message_ids(request), writable_chat(request), _source(request)
    content: Json = {"caption": None} if request.flag("remove_caption") else {}
    sent = [
        _forward(request, chat, message) if forward else _copy(request, chat, message, content)
        for message in (source.messages[i] for i in sorted(ids) if i in source.messages)
    ]
    if not sent:
        raise bad_request("there are no messages to forward")
    return [{"message_id": message["message_id"]} for message in sent]


@method("pinChatMessage")
def pin_chat_message(request: Request) -> bool:
    chat, world = editable_chat(request), request.world
    message = message_in(chat, request, "message to pin")
    _check_may_pin(request, chat)
    if message["message_id"] not in chat.pinned:
        chat.pinned.append(message["message_id"])
        if not chat.is_private:
            world.service_message(chat, world.bot_user, {"pinned_message": message})
    world.notify("chat", chat.id, "pinned")
    return True


@method("unpinChatMessage")
def unpin_chat_message(request: Request) -> bool:
    chat = editable_chat(request)
    if "message_id" in request.payload or not chat.pinned:
        message_id = message_in(chat, request, "message to unpin")["message_id"]
    else:
        message_id = chat.pinned[-1]
    _check_may_pin(request, chat)
    if message_id in chat.pinned:
        chat.pinned.remove(message_id)
    request.world.notify("chat", chat.id, "unpinned")
    return True


@method("unpinAllChatMessages")
def unpin_all_chat_messages(request: Request) -> bool:
    chat = editable_chat(request)
    _check_may_pin(request, chat)
    chat.pinned.clear()
    request.world.notify("chat", chat.id, "unpinned")
    return True


def _check_may_pin(request: Request, chat: Chat) -> None:
    right = "can_edit_messages" if chat.kind == "channel" else "can_pin_messages"
    require_right(request, chat, right, "not enough rights to manage pinned messages in the chat")


@method("setMessageReaction")
def set_message_reaction(request: Request) -> bool:
    reactions = _reactions(request)
    chat = readable_chat(request)
    message_id = message_in(chat, request, "message to react")["message_id"]
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        emoji = str(reaction.get("emoji", "")).replace("\ufe0f", "")
        if reaction["type"] == "paid" or (reaction["type"] == "emoji" and emoji not in REACTIONS):
            raise bad_request("REACTION_INVALID")
    chat.reactions[message_id, request.world.bot_id] = reactions
    request.world.notify("reaction", chat.id, (message_id, reactions))
    return True


def _reactions(request: Request) -> list[Json]:
    wrong = "expected an Array of ReactionType"
    value: list[Json] = request.json("reaction", "reaction types JSON object", wrong, list) or []
    for reaction in value:
        checked_object(reaction, "ReactionType")
        if reaction.get("type") not in ("emoji", "custom_emoji", "paid"):
            raise cannot_parse("ReactionType", "invalid reaction type specified")
    return value


@method("deleteMessageReaction", "deleteAllMessageReactions")
def delete_reactions(request: Request) -> bool:
    """Delete the reactions of a user or of a chat, on one message or on all."""
    chat = editable_chat(request)
    only = as_int(request.payload.get("message_id"))
    if only:
        message_in(chat, request, "message to react")
    actor = as_int(request.payload.get("user_id") or request.payload.get("actor_chat_id"))
    right = "not enough rights to delete message reactions"
    require_right(request, chat, "can_delete_messages", right)
    for place in [p for p in chat.reactions if p[0] == (only or p[0]) and p[1] == actor]:
        del chat.reactions[place]
    request.world.notify("reaction", chat.id, None)
    return True
