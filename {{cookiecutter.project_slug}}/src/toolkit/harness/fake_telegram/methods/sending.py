"""Sending: what every message goes through, and the messages that are not media."""

from __future__ import annotations

from toolkit.harness.fake_telegram.entities import format_text
from toolkit.harness.fake_telegram.errors import bad_request, too_many_requests
from toolkit.harness.fake_telegram.markup import Markup, check_markup, read_markup, with_markup
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    check_may_send,
    find_chat,
    message_text,
    resolve_mentions,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request, as_int
from toolkit.harness.fake_telegram.rights import is_admin, is_member
from toolkit.harness.fake_telegram.world import in_topic
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
    reply_to = reply_parameters(request)
    markup = read_markup(request)
    if "business_connection_id" in payload:
        return _deliver_for_business(request, content, markup)
    if "ephemeral_message_parameters" in payload or "receiver_user_id" in payload:
        return _deliver_ephemeral(request, content, markup)
    chat = writable_chat(request)
    fields = place_fields(request, chat, reply_to)
    check_markup(markup, chat, content)
    check_may_send(request, chat, permission, what)
    return show(request, chat, content, markup, fields)


def show(request: Request, chat: Chat, content: Json, markup: Markup | None, fields: Json) -> Json:
    """Put a message of the bot on screen."""
    world, payload = request.world, request.payload
    content = with_markup(resolve_mentions(request, content), markup)
    if "message_effect_id" in payload and chat.is_private:
        fields["effect_id"] = str(payload["message_effect_id"])
    if request.flag("protect_content"):
        fields["has_protected_content"] = True
    message = world.new_message(chat, world.bot_user, content, **fields)
    if markup is not None and markup.inline is None:
        chat.uneditable.add(message["message_id"])
        if markup.kind != "force_reply":
            chat.reply_keyboard = markup.data if markup.kind == "keyboard" else None
    chat.action = None
    chat.drafts.clear()
    return message


def _deliver_for_business(request: Request, content: Json, markup: Markup | None) -> Json:
    world, connection_id = request.world, request.text("business_connection_id")
    connection = world.business_connections.get(connection_id)
    if connection is None:
        raise bad_request("business connection not found")
    chat = find_chat(request)
    check_markup(markup, chat, content)
    fields: Json = {"business_connection_id": connection_id, "sender_business_bot": world.bot_user}
    return world.new_message(chat, connection["user"], with_markup(content, markup), **fields)


def _deliver_ephemeral(request: Request, content: Json, markup: Markup | None) -> Json:
    """Send a message that only one member of a group sees, with an id of its own kind."""
    parameters = request.payload.get("ephemeral_message_parameters") or request.payload
    receiver = as_int(parameters.get("receiver_user_id"))
    chat = writable_chat(request)
    if chat.kind not in ("group", "supergroup"):
        raise bad_request("ephemeral messages can be sent to groups and supergroups only")
    if not is_member(chat.members.get(receiver)):
        raise bad_request("PARTICIPANT_ID_INVALID")
    check_markup(markup, chat, content)
    world = request.world
    number = world.number(f"ephemeral {chat.id}")
    head = {"message_id": 0, "from": world.bot_user, "chat": chat.data, "date": world.now()}
    place = {"ephemeral_message_id": number, "receiver_user": world.user(receiver)}
    message = {**head, **place, **with_markup(resolve_mentions(request, content), markup)}
    chat.ephemeral[receiver, number] = message
    world.notify("ephemeral", chat.id, message)
    return message


def place_fields(request: Request, chat: Chat, reply_to: Json) -> Json:
    """Return the fields that show the topic of a message and what it replies to."""
    return thread_fields(request, chat) | _reply_fields(request, chat, reply_to)


def thread_fields(request: Request, chat: Chat) -> Json:
    """Return the fields that show where in a forum the message goes."""
    thread_id = as_int(request.payload.get("message_thread_id"))
    if thread_id <= 0:
        return {}
    topic = chat.topics.get(thread_id)
    if topic is None and thread_id not in chat.messages:
        raise bad_request("message thread not found")
    if topic and topic.get("closed") and not is_admin(chat, request.world.bot_id):
        raise bad_request("TOPIC_CLOSED")
    return {"message_thread_id": thread_id} if topic is None else in_topic(thread_id)


def reply_parameters(request: Request) -> Json:
    """Return what a message replies to, from either form of the parameter; empty for none."""
    unparsed, wrong = "reply parameters JSON object", "object expected as reply parameters"
    value: Json | None = request.json("reply_parameters", unparsed, wrong)
    if value is None:
        if not as_int(request.payload.get("reply_to_message_id")):
            return {}
        lenient = request.payload.get("allow_sending_without_reply", False)
        replied = request.payload["reply_to_message_id"]
        return {"message_id": replied, "allow_sending_without_reply": lenient}
    if "message_id" not in value and "ephemeral_message_id" not in value:
        raise bad_request('can\'t find field "message_id"')
    return value


def _reply_fields(request: Request, chat: Chat, parameters: Json) -> Json:
    message_id = as_int(parameters.get("message_id"))
    if message_id <= 0:
        return {}
    other = parameters.get("chat_id")
    source = chat
    if other is not None and other != chat.id:
        source = find_chat(request.inside(parameters))
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
    """Return the MessageOrigin of a message that is shown elsewhere."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    if "sender_chat" in message:
        place = {"chat": message["sender_chat"], "message_id": message["message_id"]}
        return {"type": "channel", "date": message["date"], **place}
    return {"type": "user", "date": message["date"], "sender_user": message["from"]}


@method("getMe")
def get_me(request: Request) -> Json:
    return request.world.me


@method("sendMessage")
def send_message(request: Request) -> Json:
    content = message_text(request.payload)
    return deliver(request, content | link_preview(request))


def link_preview(request: Request) -> Json:
    """Return `link_preview_options` of a message, from either form of the parameter."""
    unparsed = "link preview options JSON object"
    wrong = "object expected as link preview options"
    options: Json | None = request.json("link_preview_options", unparsed, wrong)
    if options is None:
        disabled = request.payload.get("disable_web_page_preview") in (True, "true", "True", "1", 1)
        return {"link_preview_options": {"is_disabled": True}} if disabled else {}
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
    request.world.notify("action", chat.id, chat.action)
    return True


@method("sendMessageDraft")
def send_message_draft(request: Request) -> bool:
    """Show a preview that the next message replaces."""
    chat = writable_chat(request)
    if not chat.is_private:
        raise bad_request("message drafts can be sent to private chats only")
    draft_id = request.integer("draft_id")
    if not draft_id:
        raise bad_request("draft_id must be non-zero")
    text = message_text(request.payload) if request.text("text") else {"text": ""}
    chat.drafts[draft_id] = text
    request.world.notify("draft", chat.id, text)
    return True


@method("close")
def close(request: Request) -> bool:
    """Refuse, as in the first ten minutes after a bot was launched."""
    raise too_many_requests(600)
