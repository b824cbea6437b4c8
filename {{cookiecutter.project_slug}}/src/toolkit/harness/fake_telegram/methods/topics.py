"""Topics of a forum, https://core.telegram.org/bots/api#forumtopic."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, require_right
from toolkit.harness.fake_telegram.request import Request, as_int
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json

COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
GENERAL = 1


def _forum(request: Request) -> Chat:
    chat = editable_chat(request)
    if not chat.data.get("is_forum"):
        raise bad_request("the chat is not a forum")
    require_right(request, chat, "can_manage_topics", "not enough rights to manage topics")
    return chat


def _topic(request: Request, chat: Chat, *, general: bool) -> Json:
    if general:
        return chat.topic(GENERAL, "General")
    thread_id = as_int(request.payload.get("message_thread_id"))
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
    chat = _forum(request)
    name = request.text("name")
    if not 1 <= len(name) <= 128:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
    color = request.integer("icon_color", COLORS[0])
    if color not in COLORS:
        raise bad_request("wrong icon color specified")
    topic: Json = {"name": name, "icon_color": color}
    if "icon_custom_emoji_id" in request.payload:
        topic["icon_custom_emoji_id"] = request.text("icon_custom_emoji_id")
    opened = request.world.open_topic(chat, request.world.bot_user, topic)["message"]
    return chat.topics[opened["message_id"]]


@method("editForumTopic", general=False)
@method("editGeneralForumTopic", general=True)
def edit_forum_topic(request: Request, *, general: bool) -> bool:
    chat = _forum(request)
    topic = _topic(request, chat, general=general)
    given = request.given("name", "icon_custom_emoji_id")
    changed = {name: str(value) for name, value in given.items()}
    return _change(request, chat, topic, changed, {"forum_topic_edited": changed})


@method("closeForumTopic", closed=True, general=False)
@method("reopenForumTopic", closed=False, general=False)
@method("closeGeneralForumTopic", closed=True, general=True)
@method("reopenGeneralForumTopic", closed=False, general=True)
def close_forum_topic(request: Request, *, closed: bool, general: bool) -> bool:
    chat = _forum(request)
    topic = _topic(request, chat, general=general)
    what = "forum_topic_closed" if closed else "forum_topic_reopened"
    return _change(request, chat, topic, {"closed": closed}, {what: {}})


@method("hideGeneralForumTopic", hidden=True)
@method("unhideGeneralForumTopic", hidden=False)
def hide_general_forum_topic(request: Request, *, hidden: bool) -> bool:
    chat = _forum(request)
    topic = _topic(request, chat, general=True)
    what = "general_forum_topic_hidden" if hidden else "general_forum_topic_unhidden"
    return _change(request, chat, topic, {"hidden": hidden}, {what: {}})


@method("deleteForumTopic")
def delete_forum_topic(request: Request) -> bool:
    """Delete a topic with all its messages."""
    chat = _forum(request)
    thread_id = _topic(request, chat, general=False)["message_thread_id"]
    del chat.topics[thread_id]
    for message_id in _messages_of(chat, thread_id):
        request.world.remove_message(chat, message_id)
    return True


@method("unpinAllForumTopicMessages", general=False)
@method("unpinAllGeneralForumTopicMessages", general=True)
def unpin_all_topic_messages(request: Request, *, general: bool) -> bool:
    chat = editable_chat(request)
    require_right(request, chat, "can_pin_messages", "not enough rights to manage pinned messages")
    topic = _topic(request, chat, general=general)
    in_it = set(_messages_of(chat, topic["message_thread_id"]))
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
