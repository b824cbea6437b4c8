"""Deleting messages, https://core.telegram.org/bots/api#deletemessage."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.messages import why_not_deleted
from toolkit.harness.fake_telegram.methods.editing import ephemeral
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import message_ids, message_in, writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json


@method("deleteMessage")
def delete_message(request: Request) -> bool:
    if not request.text("chat_id"):
        raise bad_request("chat identifier is not specified")
    if not request.message_id():
        raise bad_request("message identifier is not specified")
    chat = writable_chat(request)
    message = message_in(chat, request, "message to delete")
    _check_may_delete(request, chat, message)
    request.world.remove_message(chat, message["message_id"])
    return True


def _check_may_delete(request: Request, chat: Chat, message: Json) -> None:
    if reason := why_not_deleted(request, chat, message):
        raise bad_request(reason)


@method("deleteMessages")
def delete_messages(request: Request) -> bool:
    """Pass over those that are not there; delete none if one cannot be deleted."""
    ids = message_ids(request)
    chat = writable_chat(request)
    there = [chat.messages[message_id] for message_id in set(ids) if message_id in chat.messages]
    for message in there:
        _check_may_delete(request, chat, message)
    for message in there:
        request.world.remove_message(chat, message["message_id"])
    return True


@method("deleteEphemeralMessage")
def delete_ephemeral_message(request: Request) -> bool:
    chat, key = ephemeral(request, "message to delete")
    del chat.ephemeral[key]
    request.world.notify("ephemeral", chat.id, None)
    return True
