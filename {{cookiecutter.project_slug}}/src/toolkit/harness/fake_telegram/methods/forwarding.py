"""Forwarding and copying, https://core.telegram.org/bots/api#forwardmessage."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.harness.fake_telegram.delivering import (
    check_options,
    check_topic_open,
    forward_fields,
    one_of_many,
    origin_of,
    place_fields,
    reply_parameters,
    show,
    thread_fields,
)
from toolkit.harness.fake_telegram.direct_messages import suggested_post
from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.fake_telegram.markup import Markup, check_markup, check_types, read_markup
from toolkit.harness.fake_telegram.media_kinds import KINDS, fitting
from toolkit.harness.fake_telegram.messages import CAPTION, MEDIA, SHOWN, kind_of
from toolkit.harness.fake_telegram.methods.contents import throw
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import (
    Late,
    caption,
    check_may_post,
    check_may_send,
    check_reachable,
    message_ids,
    message_in,
    readable_chat,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

NOT_COPIED = ("paid_media", "invoice", "giveaway", "giveaway_winners")
_OTHER_PERMISSIONS = {
    "poll": "can_send_polls",
    "dice": "can_send_other_messages",
    "game": "can_send_other_messages",
    "paid_media": "can_send_photos can_send_videos",
}
Send = Callable[[], Json]


def _check_protection(source: Chat) -> None:
    """Refuse to forward from a chat that protects its content; copies are made nevertheless."""
    if source.data.get("has_protected_content") or source.details.get("has_protected_content"):
        raise bad_request("message has protected content and can't be forwarded")


def _source(request: Request) -> Chat:
    request.required("from_chat_id")
    return readable_chat(request, "from_chat_id")


def _content(message: Json) -> Json:
    return {key: message[key] for key in SHOWN if key in message}


def _permitted(request: Request, chat: Chat, kind: str) -> bool:
    permission = _OTHER_PERMISSIONS.get(kind, "can_send_messages")
    if kind in KINDS:
        permission = KINDS[kind].permission
    try:
        check_may_send(request, chat, permission, "")
    except ApiError:
        return False
    return True


def _forwarded(request: Request, chat: Chat, message: Json) -> tuple[Json, Json] | None:
    """Return the content and the fields of a forward; None for what cannot be forwarded."""
    kind = kind_of(message)
    if not kind or message.get("has_protected_content") or not _permitted(request, chat, kind):
        return None
    content = _content(message)
    if _links_only(message.get("reply_markup", {}).get("inline_keyboard", [])):
        content["reply_markup"] = message["reply_markup"]
    return content, {} if kind == "game" else forward_fields(origin_of(message))


def _links_only(rows: list[list[Json]]) -> bool:
    return bool(rows) and all("url" in button for row in rows for button in row)


def _copied(request: Request, chat: Chat, message: Json, new: Json) -> tuple[Json, Json] | None:
    """Return the content of a copy, with a `new` caption if there is one, and no more fields."""
    kind = kind_of(message)
    if not kind or kind in NOT_COPIED or not _permitted(request, chat, kind):
        return None
    content = _content(message)
    if kind == "dice":
        content["dice"] = throw(request.world, message["dice"]["emoji"])
    if new and kind in MEDIA:
        content = {key: value for key, value in content.items() if key not in CAPTION}
        content |= fitting(kind, {key: value for key, value in new.items() if value is not None})
    return content, {}


@method("forwardMessage")
def forward_message(request: Request) -> Json:
    source = _source(request)
    message = message_in(source, request, "message to forward")

    def forwarded(chat: Chat) -> tuple[Json, Json] | None:
        _check_protection(source)
        return _forwarded(request, chat, message)

    return _send_one(request, forwarded, "forwarded")


@method("copyMessage")
def copy_message(request: Request) -> Json:
    new: Late = dict
    request.required("from_chat_id")
    if "caption" in request.payload:
        new = caption(request.payload)
    message = message_in(_source(request), request, "message to copy")

    def copied(chat: Chat) -> tuple[Json, Json] | None:
        return _copied(request, chat, message, new())

    return {"message_id": _send_one(request, copied, "copied")["message_id"]}


def _send_one(
    request: Request, make: Callable[[Chat], tuple[Json, Json] | None], done: str
) -> Json:
    reply_to = reply_parameters(request)
    suggested = suggested_post(request)
    markup: Markup | None = read_markup(request)
    chat = writable_chat(request)
    place = place_fields(request, chat, reply_to)
    markup = check_markup(markup, chat)
    check_may_post(request, chat)
    check_options(request, chat, suggested)
    made = make(chat)
    if made is None:
        raise bad_request(f"the message can't be {done}")
    content, extra = made
    check_reachable(request, chat)
    if done == "forwarded":
        markup, place = None, thread_fields(request, chat)
    check_types(markup, chat, content)
    check_topic_open(request, chat, place)
    return show(request, chat, content, markup, place | extra)


@method("forwardMessages", forward=True)
@method("copyMessages", forward=False)
def forward_messages(request: Request, *, forward: bool) -> list[Json]:
    """Pass over those that are not there, and those that cannot be sent on."""
    request.required("from_chat_id")
    ids, suggested = message_ids(request), suggested_post(request)
    chat = writable_chat(request)
    place, source = thread_fields(request, chat), _source(request)
    found = [source.messages[each] for each in ids if each in source.messages]
    if not found:
        raise bad_request("there are no messages to forward")
    if forward:
        _check_protection(source)
    check_may_post(request, chat)
    check_options(request, chat, suggested, effect=len(found) == 1, suggests=len(found) == 1)
    numbers = [message["message_id"] for message in found]
    if numbers != sorted(set(numbers)):
        raise bad_request("message identifiers must be in a strictly increasing order")
    new: Json = {"caption": None} if request.flag("remove_caption") else {}
    made = [
        _forwarded(request, chat, message) if forward else _copied(request, chat, message, new)
        for message in found
    ]
    sent = [each for each in made if each is not None]
    if not sent:
        raise bad_request("messages can't be forwarded")
    try:
        check_reachable(request, chat)
        check_topic_open(request, chat, place)
    except ApiError as error:
        raise one_of_many(1, error) from None
    shown = [show(request, chat, content, None, place | extra) for content, extra in sent]
    return [{"message_id": message["message_id"]} for message in shown]
