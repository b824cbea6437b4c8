"""Topics of a forum, https://core.telegram.org/bots/api#forumtopic."""

from __future__ import annotations

from toolkit.harness.fake_telegram.delivering import GENERAL
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int
from toolkit.harness.fake_telegram.methods.pinning import check_may_pin
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.names import clean_name
from toolkit.harness.fake_telegram.policy import writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import administers, may
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json

COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
MAX_NAME = 128
CLOSE = "not enough rights to close or open the topic"


def _forum(request: Request) -> Chat:
    chat = writable_chat(request)
    if not chat.data.get("is_forum"):
        raise bad_request("the chat is not a forum")
    return chat


def _thread_id(request: Request, *, general: bool) -> int:
    thread_id = GENERAL if general else request.message_id("message_thread_id")
    if not thread_id:
        raise bad_request("invalid forum topic identifier specified")
    return thread_id


def _check_right(request: Request, chat: Chat, thread_id: int, right: str, refusal: str) -> None:
    """Refuse unless the bot has the right, or opened this topic itself, or nobody did."""
    bot_id = request.world.bot_id
    allowed = administers(chat, bot_id, right)
    known = thread_id in chat.topics or thread_id == GENERAL
    if known and not allowed and thread_id not in chat.own_topics:
        raise bad_request(refusal)


def _topic(chat: Chat, thread_id: int) -> Json:
    if thread_id == GENERAL:
        return chat.topic(GENERAL, "General")
    if thread_id not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
    return chat.topics[thread_id]


def _change(request: Request, chat: Chat, topic: Json, fields: Json, service: Json) -> bool:
    """Change a topic, and show that by a service message in it."""
    if all((topic.get(name) or False) == value for name, value in fields.items()):
        raise bad_request("TOPIC_NOT_MODIFIED")
    thread_id = topic["message_thread_id"]
    chat.topics[thread_id] = {**topic, **fields}
    request.world.service_message(chat, request.world.bot_user, service, **in_topic(thread_id))
    return True


@method("createForumTopic")
def create_forum_topic(request: Request) -> Json:
    color = request.integer("icon_color")
    chat = _forum(request)
    if not may(chat, request.world.bot_id, "can_manage_topics"):
        raise bad_request("not enough rights to create a topic")
    name = clean_name(request.text("name"), MAX_NAME)
    if not name:
        raise bad_request("name must be non-empty")
    if not 0 <= color <= 0xFFFFFF:
        raise bad_request("invalid icon color specified")
    if color and color not in COLORS:
        raise bad_request("ICON_COLOR_INVALID")
    topic: Json = {"name": name, "icon_color": color or COLORS[0]}
    if icon := as_int(request.payload.get("icon_custom_emoji_id")):
        topic["icon_custom_emoji_id"] = str(icon)
    opened = request.world.open_topic(chat, request.world.bot_user, topic)["message"]
    return chat.topics[opened["message_id"]]


@method("editForumTopic", general=False)
@method("editGeneralForumTopic", general=True)
def edit_forum_topic(request: Request, *, general: bool) -> bool:
    chat = _forum(request)
    thread_id = _thread_id(request, general=general)
    refusal = "not enough rights to edit the topic"
    _check_right(request, chat, thread_id, "can_manage_topics", refusal)
    given = request.text("name")
    changed: Json = {"name": clean_name(given, MAX_NAME)} if given else {}
    if given and not changed["name"]:
        raise bad_request("name must be non-empty")
    if "icon_custom_emoji_id" in request.payload and not general:
        icon = as_int(request.payload["icon_custom_emoji_id"])
        changed["icon_custom_emoji_id"] = str(icon) if icon else ""
    if not changed:
        return True
    topic = _topic(chat, thread_id)
    return _change(request, chat, topic, changed, {"forum_topic_edited": changed})


@method("closeForumTopic", closed=True, general=False)
@method("reopenForumTopic", closed=False, general=False)
@method("closeGeneralForumTopic", closed=True, general=True)
@method("reopenGeneralForumTopic", closed=False, general=True)
def close_forum_topic(request: Request, *, closed: bool, general: bool) -> bool:
    chat = _forum(request)
    thread_id = _thread_id(request, general=general)
    _check_right(request, chat, thread_id, "can_manage_topics", CLOSE)
    topic = _topic(chat, thread_id)
    what = "forum_topic_closed" if closed else "forum_topic_reopened"
    return _change(request, chat, topic, {"closed": closed}, {what: {}})


@method("hideGeneralForumTopic", hidden=True)
@method("unhideGeneralForumTopic", hidden=False)
def hide_general_forum_topic(request: Request, *, hidden: bool) -> bool:
    chat = _forum(request)
    _check_right(request, chat, GENERAL, "can_manage_topics", CLOSE)
    what = "general_forum_topic_hidden" if hidden else "general_forum_topic_unhidden"
    return _change(request, chat, _topic(chat, GENERAL), {"hidden": hidden}, {what: {}})


@method("deleteForumTopic")
def delete_forum_topic(request: Request) -> bool:
    """Delete a topic with all its messages."""
    chat = _forum(request)
    thread_id = _thread_id(request, general=False)
    refusal = "not enough rights to delete the topic"
    _check_right(request, chat, thread_id, "can_delete_messages", refusal)
    if thread_id == GENERAL or thread_id not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
    del chat.topics[thread_id]
    chat.own_topics.discard(thread_id)
    for message_id in _messages_of(chat, thread_id):
        request.world.remove_message(chat, message_id)
    return True


@method("unpinAllForumTopicMessages", general=False)
@method("unpinAllGeneralForumTopicMessages", general=True)
def unpin_all_topic_messages(request: Request, *, general: bool) -> bool:
    chat = writable_chat(request)
    check_may_pin(request, chat)
    thread_id = _thread_id(request, general=general)
    if not chat.data.get("is_forum"):
        raise bad_request("chat doesn't have topics")
    _topic(chat, thread_id)
    in_it = set(_messages_of(chat, thread_id))
    chat.pinned = [message_id for message_id in chat.pinned if message_id not in in_it]
    return True


def _messages_of(chat: Chat, thread_id: int) -> list[int]:
    return [
        message_id
        for message_id, message in chat.messages.items()
        if message.get("message_thread_id", GENERAL) == thread_id
    ]


@method("getForumTopicIconStickers")
def get_forum_topic_icon_stickers(request: Request) -> list[Json]:
    return []
