"""What every message goes through on its way, in the order of the server's checks."""

from __future__ import annotations

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import business_place, for_business
from toolkit.harness.fake_telegram.direct_messages import (
    check_suggested,
    is_direct,
    suggested_post,
    suggestion,
    topic_fields,
)
from toolkit.harness.fake_telegram.errors import REASONS, ApiError, bad_request
from toolkit.harness.fake_telegram.fields import INT64, as_int, as_text, parsing
from toolkit.harness.fake_telegram.markup import (
    Markup,
    check_markup,
    check_types,
    read_markup,
    with_markup,
)
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    Late,
    check_may_post,
    check_may_send,
    check_reachable,
    formatted,
    later,
    readable_chat,
    resolve_mentions,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import is_member, may
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json

GENERAL = 1
"""The id of the topic that every forum has."""
LENIENT = "allow_sending_without_reply"
_FOR_MANY = {"bot was blocked by the user": (400, "USER_IS_BLOCKED")}


def deliver(
    request: Request,
    content: Late,
    permission: str = "can_send_messages",
    what: str = "text messages",
) -> Json:
    """Send a message with this content."""
    payload = request.payload
    reply_to = reply_parameters(request)
    suggested = suggested_post(request)
    markup = read_markup(request)
    if for_business(request):
        return _deliver_for_business(request, content, markup)
    if "ephemeral_message_parameters" in payload or "receiver_user_id" in payload:
        return _deliver_ephemeral(request, content, markup)
    chat = writable_chat(request)
    place = place_fields(request, chat, reply_to)
    check_may_post(request, chat)
    markup = check_markup(markup, chat)
    check_options(request, chat, suggested)
    made = content()
    check_may_send(request, chat, permission, what)
    check_reachable(request, chat)
    check_types(markup, chat, made)
    check_topic_open(request, chat, place)
    return show(request, chat, made, markup, place)


def check_options(
    request: Request,
    chat: Chat,
    suggested: Json | None,
    *,
    effect: bool = True,
    suggests: bool = True,
) -> None:
    """Refuse message effects and suggested posts where there are none."""
    if as_int(request.payload.get("message_effect_id")):
        if not chat.is_private:
            raise bad_request("can't use message effects in the chat")
        if not effect:
            raise bad_request("can't use message effects in the method")
    if suggested is not None:
        if not suggests:
            raise bad_request("can't send suggested posts with the method")
        check_suggested(chat, suggested)


def check_topic_open(request: Request, chat: Chat, place: Json) -> None:
    """Refuse to write in a closed topic, but for those who manage topics."""
    topic = chat.topics.get(place.get("message_thread_id", GENERAL), {})
    if topic.get("closed") and not may(chat, request.world.bot_id, "can_manage_topics"):
        raise bad_request("TOPIC_CLOSED")


def show(request: Request, chat: Chat, content: Json, markup: Markup | None, place: Json) -> Json:
    """Put a message of the bot on screen."""
    world, payload = request.world, request.payload
    content = with_markup(resolve_mentions(request, content), markup)
    if chat.is_private and as_int(payload.get("message_effect_id")):
        place["effect_id"] = request.text("message_effect_id")
    if request.flag("protect_content"):
        place["has_protected_content"] = True
    if suggested := suggested_post(request):
        place |= suggestion(suggested)
    message = world.new_message(chat, world.bot_user, content, **place)
    if chat.kind == "channel":
        chat.outgoing.add(message["message_id"])
    if markup is not None and markup.inline is None:
        chat.uneditable.add(message["message_id"])
        if markup.kind != "force_reply":
            chat.reply_keyboard = markup.data if markup.kind == "keyboard" else None
    chat.action = None
    chat.drafts.clear()
    return message


def _deliver_for_business(request: Request, content: Late, markup: Markup | None) -> Json:
    chat, sender, sent = business_place(request)
    markup, made = check_markup(markup, chat), content()
    check_types(markup, chat, made)
    return request.world.new_message(chat, sender, with_markup(made, markup), **sent)


def _deliver_ephemeral(request: Request, content: Late, markup: Markup | None) -> Json:
    """Send a message that only one member of a group sees, with an id of its own kind."""
    given = request.payload.get("ephemeral_message_parameters")
    parameters = given if isinstance(given, dict) else request.payload
    receiver = as_int(parameters.get("receiver_user_id"))
    chat = writable_chat(request)
    if chat.kind not in ("group", "supergroup"):
        raise bad_request("ephemeral messages can be sent to groups and supergroups only")
    if not is_member(chat.members.get(receiver)):
        raise bad_request("PARTICIPANT_ID_INVALID")
    markup, made = check_markup(markup, chat), content()
    check_types(markup, chat, made)
    world = request.world
    number = world.number(f"ephemeral {chat.id}")
    head = {"message_id": 0, "from": world.bot_user, "chat": chat.data, "date": world.now()}
    place = {"ephemeral_message_id": number, "receiver_user": world.user(receiver)}
    message = {**head, **place, **with_markup(resolve_mentions(request, made), markup)}
    chat.ephemeral[receiver, number] = message
    world.notify("ephemeral", chat.id, message)
    return message


def place_fields(request: Request, chat: Chat, reply_to: Json) -> Json:
    """Return the fields that show the topic of a message and what it replies to."""
    topic = thread_fields(request, chat)
    reply = _reply_fields(request, chat, reply_to)
    replied = reply.get("reply_to_message", {})
    if not topic and replied.get("is_topic_message"):
        topic = in_topic(replied["message_thread_id"])
    return topic | reply


def thread_fields(request: Request, chat: Chat) -> Json:
    """Return the fields that show the topic, in forums, private chats and direct messages."""
    if is_direct(chat):
        return topic_fields(request, chat)
    thread_id = request.message_id("message_thread_id")
    if not thread_id or not (chat.is_private or chat.data.get("is_forum") or chat.topics):
        return {}
    if thread_id not in chat.topics or (thread_id == GENERAL and not chat.is_private):
        raise bad_request("message thread not found")
    return in_topic(thread_id)


def reply_parameters(request: Request) -> Json:
    """Return what a message replies to, from either form of the parameter; empty for none."""
    if "reply_parameters" not in request.payload:
        replied = request.message_id("reply_to_message_id")
        lenient = request.flag(LENIENT)
        return {"message_id": replied, LENIENT: lenient} if replied else {}
    unparsed, wrong = "reply parameters JSON object", "object expected as reply parameters"
    value: Json = request.json("reply_parameters", unparsed, wrong)
    if not value:
        return {}
    with parsing():
        chat_id = fields.text(value, "chat_id")
        if "ephemeral_message_id" not in value:
            fields.required_integer(value, "message_id", INT64)
        lenient = fields.flag(value, LENIENT)
        fields.text(value, "quote")
        fields.text(value, "quote_parse_mode")
        quote = later(lambda: formatted(value, "quote", "quote_parse_mode"))
        fields.integer(value, "quote_position")
        fields.integer(value, "checklist_task_id")
        fields.text(value, "poll_option_id")
    given = {"chat_id": chat_id} if chat_id and chat_id != request.text("chat_id") else {}
    message_id = as_int(value.get("message_id"))
    return {**given, "message_id": message_id, LENIENT: lenient, "quote": quote}


def _reply_fields(request: Request, chat: Chat, parameters: Json) -> Json:
    message_id = parameters.get("message_id", 0)
    if message_id <= 0:
        return {}
    source = chat
    if "chat_id" in parameters:
        source = readable_chat(request.inside(parameters))
    replied = source.messages.get(message_id)
    if replied is None:
        if parameters[LENIENT]:
            return {}
        raise bad_request("message to be replied not found")
    quote = parameters["quote"]() if "quote" in parameters else {"quote": ""}
    if source is not chat:
        return {"external_reply": {"origin": origin_of(replied), "message_id": message_id}}
    shown = {key: value for key, value in replied.items() if key != "reply_to_message"}
    reply: Json = {"reply_to_message": shown}
    if text := quote["quote"]:
        position = as_text(replied.get("text", replied.get("caption"))).find(text)
        if position < 0:
            raise bad_request("QUOTE_TEXT_INVALID")
        reply["quote"] = {"text": text, "position": position, "is_manual": True}
        if "quote_entities" in quote:
            reply["quote"]["entities"] = quote["quote_entities"]
    return reply


def origin_of(message: Json) -> Json:
    """Return the MessageOrigin of a message that is shown elsewhere."""
    if "forward_origin" in message:
        return dict(message["forward_origin"])
    if "sender_chat" in message:
        chat, date = message["sender_chat"], message["date"]
        if chat.get("type") == "channel":
            place = {"chat": chat, "message_id": message["message_id"]}
            return {"type": "channel", "date": date, **place}
        return {"type": "chat", "date": date, "sender_chat": chat}
    return {"type": "user", "date": message["date"], "sender_user": message["from"]}


def forward_fields(origin: Json) -> Json:
    """Return `forward_origin` of a message together with the fields that came before it."""
    old: Json = {"forward_date": origin["date"]}
    kind = origin["type"]
    if kind == "user":
        old["forward_from"] = origin["sender_user"]
    elif kind == "hidden_user":
        old["forward_sender_name"] = origin["sender_user_name"]
    else:
        old["forward_from_chat"] = origin["chat" if kind == "channel" else "sender_chat"]
    if kind == "channel":
        old["forward_from_message_id"] = origin["message_id"]
    if "author_signature" in origin:
        old["forward_signature"] = origin["author_signature"]
    return {"forward_origin": origin, **old}


def one_of_many(number: int, error: ApiError) -> ApiError:
    """Return a refusal of the last server as it is worded for one of several messages."""
    text = error.description.partition(": ")[2]
    code, text = _FOR_MANY.get(text, (error.code, text[:1].upper() + text[1:]))
    problem = f'failed to send message #{number} with the error message "{text}"'
    return ApiError(code, f"{REASONS[code]}: {problem}")
