"""Topics of a forum, https://core.telegram.org/bots/api#forumtopic."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import Request, method, whole
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, require_right
from toolkit.harness.types import Json

COLORS = (7322096, 16766590, 13338331, 9367192, 16749490, 16478047)
GENERAL = 1
REFUSED = "not enough rights to manage topics"


def _forum(request: Request) -> Chat:
    chat = editable_chat(request)
    if not chat.data.get("is_forum"):
        raise bad_request("the chat is not a forum")
    require_right(request, chat, "can_manage_topics", REFUSED)
    return chat


def _topic(request: Request, chat: Chat, *, general: bool = False) -> tuple[int, Json]:
    thread_id = GENERAL if general else whole(request.payload.get("message_thread_id"))
    if general:
        chat.topics.setdefault(GENERAL, {"message_thread_id": GENERAL, "name": "General"})
    if thread_id not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
    return thread_id, chat.topics[thread_id]


def _service(request: Request, chat: Chat, thread_id: int, content: Json) -> Json:
    world = request.telegram
    thread = {"message_thread_id": thread_id, "is_topic_message": True}
    message = world.new_message(chat, world.bot_user, content, **thread)
    world.emit("message", message)
    world.notify("chat", chat.id, content)
    return message


@method("createForumTopic")
def create_forum_topic(request: Request) -> Json:
    """The id of a topic is the id of the service message that opens it."""
    chat = _forum(request)
    name = request.text("name")
    if not 1 <= len(name) <= 128:
        raise bad_request("TOPIC_TITLE_EMPTY" if not name else "TOPIC_TITLE_TOO_LONG")
    color = request.integer("icon_color", COLORS[0])
    if color not in COLORS:
        raise bad_request("wrong icon color specified")
    topic: Json = {"name": name, "icon_color": color}
    if "icon_custom_emoji_id" in request.payload:
        topic["icon_custom_emoji_id"] = str(request.payload["icon_custom_emoji_id"])
    world = request.telegram
    message = world.new_message(chat, world.bot_user, {"forum_topic_created": topic})
    thread_id = message["message_id"]
    thread = {"message_thread_id": thread_id, "is_topic_message": True}
    message = world.put_message(chat, {**message, **thread})
    topic = {"message_thread_id": thread_id, **topic}
    chat.topics[thread_id] = topic
    world.emit("message", message)
    return topic


@method("editForumTopic", "editGeneralForumTopic")
def edit_forum_topic(request: Request) -> bool:
    chat = _forum(request)
    thread_id, topic = _topic(request, chat, general="general" in request.method.lower())
    names = ("name", "icon_custom_emoji_id")
    changed = {name: str(request.payload[name]) for name in names if name in request.payload}
    if all(topic.get(name) == value for name, value in changed.items()):
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.topics[thread_id] = {**topic, **changed}
    _service(request, chat, thread_id, {"forum_topic_edited": changed})
    return True


@method("closeForumTopic", "reopenForumTopic", "closeGeneralForumTopic", "reopenGeneralForumTopic")
def close_forum_topic(request: Request) -> bool:
    chat = _forum(request)
    name = request.method.lower()
    thread_id, topic = _topic(request, chat, general="general" in name)
    closed = name.startswith("close")
    if bool(topic.get("closed")) == closed:
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.topics[thread_id] = {**topic, "closed": closed}
    what = "forum_topic_closed" if closed else "forum_topic_reopened"
    _service(request, chat, thread_id, {what: {}})
    return True


@method("hideGeneralForumTopic", "unhideGeneralForumTopic")
def hide_general_forum_topic(request: Request) -> bool:
    chat = _forum(request)
    thread_id, topic = _topic(request, chat, general=True)
    hidden = request.method.lower().startswith("hide")
    if bool(topic.get("hidden")) == hidden:
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.topics[thread_id] = {**topic, "hidden": hidden}
    what = "general_forum_topic_hidden" if hidden else "general_forum_topic_unhidden"
    _service(request, chat, thread_id, {what: {}})
    return True


@method("deleteForumTopic")
def delete_forum_topic(request: Request) -> bool:
    """A topic goes with all its messages."""
    chat = _forum(request)
    thread_id, _ = _topic(request, chat)
    del chat.topics[thread_id]
    for message_id in _messages_of(chat, thread_id):
        request.telegram.remove_message(chat, message_id)
    return True


@method("unpinAllForumTopicMessages", "unpinAllGeneralForumTopicMessages")
def unpin_all_topic_messages(request: Request) -> bool:
    chat = editable_chat(request)
    require_right(request, chat, "can_pin_messages", "not enough rights to manage pinned messages")
    thread_id, _ = _topic(request, chat, general="general" in request.method.lower())
    in_topic = set(_messages_of(chat, thread_id))
    chat.pinned = [message_id for message_id in chat.pinned if message_id not in in_topic]
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
