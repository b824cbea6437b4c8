"""Sending: what every message goes through, and the messages that are not media."""

from __future__ import annotations

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import bad_request, too_many_requests
from toolkit.harness.fake_telegram.markup import Markup, check_markup, read_markup
from toolkit.harness.fake_telegram.membership import is_admin, is_member
from toolkit.harness.fake_telegram.methods.registry import Request, method, whole
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    check_may_send,
    find_chat,
    message_text,
    resolve_mentions,
    writable_chat,
)
from toolkit.harness.types import Json

_ACTIONS = (
    "cancel typing record_video upload_video record_audio record_voice upload_audio "
    "upload_voice upload_photo upload_document choose_sticker pick_up_location "
    "find_location record_video_note upload_video_note"
)
ACTIONS = frozenset(_ACTIONS.split())


def deliver(
    request: Request,
    content: Json,
    permission: str = "can_send_messages",
    what: str = "text messages",
) -> Json:
    """Send a message with this content, checking what the server checks, in its order."""
    payload = request.payload
    reply_to = reply_parameters(payload)
    markup = read_markup(payload.get("reply_markup"))
    if "business_connection_id" in payload:
        return _deliver_for_business(request, content, markup)
    if "ephemeral_message_parameters" in payload or "receiver_user_id" in payload:
        return _deliver_to_one(request, content, markup)
    chat = writable_chat(request)
    fields = thread_fields(request, chat)
    fields |= reply_fields(request, chat, reply_to)
    check_markup(markup, chat, content)
    check_may_send(request, chat, permission, what)
    return show(request, chat, content, markup, fields)


def show(request: Request, chat: Chat, content: Json, markup: Markup | None, fields: Json) -> Json:
    """Put a message of the bot on screen."""
    payload = request.payload
    content = resolve_mentions(request, content)
    if "message_effect_id" in payload and chat.is_private:
        fields["effect_id"] = str(payload["message_effect_id"])
    if request.flag("protect_content"):
        fields["has_protected_content"] = True
    if markup is not None and markup.inline is not None:
        content = {**content, "reply_markup": markup.inline}
    message = request.telegram.new_message(chat, request.telegram.bot_user, content, **fields)
    if markup is not None and markup.inline is None:
        chat.uneditable.add(message["message_id"])
        if markup.kind != "force_reply":
            chat.reply_keyboard = markup.data if markup.kind == "keyboard" else None
    chat.action = None
    chat.drafts.clear()
    return message


def _deliver_for_business(request: Request, content: Json, markup: Markup | None) -> Json:
    connection_id = request.text("business_connection_id")
    connection = request.telegram.business_connections.get(connection_id)
    if connection is None:
        raise bad_request("business connection not found")
    chat = find_chat(request)
    fields = {
        "business_connection_id": connection_id,
        "sender_business_bot": request.telegram.bot_user,
    }
    check_markup(markup, chat, content)
    if markup is not None and markup.inline is not None:
        content = {**content, "reply_markup": markup.inline}
    return request.telegram.new_message(chat, connection["user"], content, **fields)


def _deliver_to_one(request: Request, content: Json, markup: Markup | None) -> Json:
    """An ephemeral message: in a group, seen by one member only, with an id of its own kind."""
    parameters = request.payload.get("ephemeral_message_parameters") or request.payload
    receiver = whole(parameters.get("receiver_user_id"))
    chat = writable_chat(request)
    if chat.kind not in ("group", "supergroup"):
        raise bad_request("ephemeral messages can be sent to groups and supergroups only")
    if not is_member(chat.members.get(receiver)):
        raise bad_request("PARTICIPANT_ID_INVALID")
    check_markup(markup, chat, content)
    world = request.telegram
    number = world.number(f"ephemeral {chat.id}")
    head = {"message_id": 0, "from": world.bot_user, "chat": chat.data, "date": world.now()}
    place = {"ephemeral_message_id": number, "receiver_user": world.user(receiver)}
    message = {**head, **place, **resolve_mentions(request, content)}
    if markup is not None and markup.inline is not None:
        message["reply_markup"] = markup.inline
    chat.ephemeral[receiver, number] = message
    world.notify("ephemeral", chat.id, message)
    return message


def thread_fields(request: Request, chat: Chat) -> Json:
    """Where in a forum the message goes."""
    thread_id = whole(request.payload.get("message_thread_id"))
    if thread_id <= 0:
        return {}
    topic = chat.topics.get(thread_id)
    if topic is None and thread_id not in chat.messages:
        raise bad_request("message thread not found")
    if topic and topic.get("closed") and not is_admin(chat, request.telegram.me["id"]):
        raise bad_request("TOPIC_CLOSED")
    thread: Json = {"message_thread_id": thread_id}
    return {**thread, "is_topic_message": True} if topic is not None else thread


def reply_parameters(payload: Json) -> Json:
    """What a message replies to, in the old and the new form; empty when it is no reply."""
    value = payload.get("reply_parameters")
    if value is None:
        if not whole(payload.get("reply_to_message_id")):
            return {}
        names = ("reply_to_message_id", "allow_sending_without_reply")
        return {"message_id": payload[names[0]], names[1]: payload.get(names[1], False)}
    if isinstance(value, str):
        raise bad_request("can't parse reply parameters JSON object")
    if not isinstance(value, dict):
        raise bad_request("object expected as reply parameters")
    if "message_id" not in value and "ephemeral_message_id" not in value:
        raise bad_request('can\'t find field "message_id"')
    return value


def reply_fields(request: Request, chat: Chat, parameters: Json) -> Json:
    """The fields of a message that show what it replies to."""
    message_id = whole(parameters.get("message_id"))
    if message_id <= 0:
        return {}
    other = parameters.get("chat_id")
    source = chat
    if other is not None and other != chat.id:
        source = find_chat(Request(request.telegram, request.method, parameters, {}))
    replied = source.messages.get(message_id)
    if replied is None:
        if parameters.get("allow_sending_without_reply") and source is chat:
            return {}
        raise bad_request("message to be replied not found")
    if source is not chat:
        return {"external_reply": {"origin": origin_of(replied), "message_id": message_id}}
    shown = {key: value for key, value in replied.items() if key != "reply_to_message"}
    fields: Json = {"reply_to_message": shown}
    if quote := parameters.get("quote"):
        text, _ = format_text(str(quote), parameters.get("quote_parse_mode"))
        position = str(replied.get("text", replied.get("caption", ""))).find(text)
        if position < 0:
            raise bad_request("QUOTE_TEXT_INVALID")
        fields["quote"] = {"text": text, "position": position, "is_manual": True}
    return fields


def origin_of(message: Json) -> Json:
    """The MessageOrigin of a message that is shown elsewhere."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    if "sender_chat" in message:
        place = {"chat": message["sender_chat"], "message_id": message["message_id"]}
        return {"type": "channel", "date": message["date"], **place}
    return {"type": "user", "date": message["date"], "sender_user": message["from"]}


@method("getMe")
def get_me(request: Request) -> Json:
    return request.telegram.me


@method("sendMessage")
def send_message(request: Request) -> Json:
    content = message_text(request.payload)
    return deliver(request, content | link_preview(request.payload))


def link_preview(payload: Json) -> Json:
    """`link_preview_options` of a message, from either form of the parameter."""
    options = payload.get("link_preview_options")
    if options is None:
        disabled = payload.get("disable_web_page_preview") in (True, "true", "True", "1", 1)
        return {"link_preview_options": {"is_disabled": True}} if disabled else {}
    if isinstance(options, str):
        raise bad_request("can't parse link preview options JSON object")
    if not isinstance(options, dict):
        raise bad_request("object expected as link preview options")
    for field in ("is_disabled", "prefer_small_media", "prefer_large_media", "show_above_text"):
        if not isinstance(options.get(field, False), bool):
            raise bad_request(f'field "{field}" must be of type Boolean')
    if options.get("url") and "." not in str(options["url"]):
        raise bad_request("WEBPAGE_URL_INVALID")
    return {"link_preview_options": options} if any(options.values()) else {}


@method("sendChatAction")
def send_chat_action(request: Request) -> bool:
    action = request.text("action").lower()
    if action not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    if "business_connection_id" in request.payload:
        chat = find_chat(request)
    else:
        chat = writable_chat(request)
        thread_fields(request, chat)
    chat.action = None if action == "cancel" else action
    request.telegram.notify("action", chat.id, chat.action)
    return True


@method("sendMessageDraft")
def send_message_draft(request: Request) -> bool:
    """A preview that the next message replaces."""
    chat = writable_chat(request)
    if not chat.is_private:
        raise bad_request("message drafts can be sent to private chats only")
    draft_id = request.integer("draft_id")
    if not draft_id:
        raise bad_request("draft_id must be non-zero")
    text = message_text(request.payload) if request.text("text") else {"text": ""}
    chat.drafts[draft_id] = text
    request.telegram.notify("draft", chat.id, text)
    return True


@method("close")
def close(request: Request) -> bool:
    """Refused, as in the first ten minutes after a bot was launched."""
    raise too_many_requests(600)
