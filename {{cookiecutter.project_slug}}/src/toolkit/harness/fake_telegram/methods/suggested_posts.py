"""Posts that are suggested to a channel, https://core.telegram.org/bots/api#approvesuggestedpost."""

from __future__ import annotations

from toolkit.harness.fake_telegram.direct_messages import publish
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import message_in, writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import administers
from toolkit.harness.types import Json

MONTH, DAY = 2_678_400, 86_400
MAX_COMMENT = 128


def _suggested(request: Request, right: str) -> tuple[Chat, Json]:
    """Return a suggested post that waits for an answer, and the chat it is in."""
    chat = writable_chat(request)
    message = message_in(chat, request, "suggested post")
    info = message.get("suggested_post_info", {})
    parent = request.world.chats.get(chat.details.get("parent_chat", {}).get("id", 0))
    pending = parent is not None and info.get("state") == "pending"
    own = message.get("from", {}).get("id") == request.world.bot_id
    if not pending or own or parent is None or not administers(parent, request.world.bot_id, right):
        raise bad_request("message can't be used in the method")
    return chat, message


@method("approveSuggestedPost")
def approve_suggested_post(request: Request) -> bool:
    """Approve one; it is in the channel at once, unless its date is ahead."""
    date, world = as_int(request.payload.get("send_date")), request.world
    chat, message = _suggested(request, "can_post_messages")
    info = message["suggested_post_info"]
    wanted = info.get("send_date", 0)
    if wanted and wanted < world.now() - DAY:
        raise bad_request("message can't be used in the method")
    if date < 0 or date > world.now() + MONTH:
        raise bad_request("SCHEDULE_DATE_INVALID")
    when = date or wanted or world.now()
    answered = _answer(request, chat, message, {**info, "state": "approved", "send_date": when})
    approved = {"suggested_post_message": answered, "send_date": when}
    approved |= {"price": info["price"]} if "price" in info else {}
    place = {"direct_messages_topic": message["direct_messages_topic"]}
    world.service_message(chat, world.bot_user, {"suggested_post_approved": approved}, **place)
    if when <= world.now():
        publish(world, answered)
    return True


@method("declineSuggestedPost")
def decline_suggested_post(request: Request) -> bool:
    comment = request.text("comment")
    chat, message = _suggested(request, "can_manage_direct_messages")
    if len(comment) > MAX_COMMENT:
        raise bad_request("COMMENT_TOO_LONG")
    info = {**message["suggested_post_info"], "state": "declined"}
    declined: Json = {"suggested_post_message": _answer(request, chat, message, info)}
    declined |= {"comment": comment} if comment else {}
    place = {"direct_messages_topic": message["direct_messages_topic"]}
    world = request.world
    world.service_message(chat, world.bot_user, {"suggested_post_declined": declined}, **place)
    return True


def _answer(request: Request, chat: Chat, message: Json, info: Json) -> Json:
    return request.world.put_message(chat, {**message, "suggested_post_info": info})
