"""Accounts of businesses that the bot is connected to, and what it may do on their behalf.

https://core.telegram.org/bots/api#businessconnection
"""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

_RIGHTS = (
    "can_reply can_read_messages can_delete_sent_messages can_delete_all_messages can_edit_name "
    "can_edit_bio can_edit_profile_photo can_edit_username can_view_gifts_and_stars "
    "can_convert_gifts_to_stars can_change_gift_settings can_transfer_and_upgrade_gifts "
    "can_transfer_stars can_manage_stories"
)
RIGHTS = tuple(_RIGHTS.split())


def connection_json(connection_id: str, user: Json, date: int, rights: tuple[str, ...]) -> Json:
    """Return a BusinessConnection; it is enabled with the rights that the bot was given."""
    head: Json = {"id": connection_id, "user": user, "user_chat_id": user["id"], "date": date}
    granted = {name: True for name in RIGHTS if name in rights}
    return {**head, "can_reply": "can_reply" in rights, "is_enabled": True, "rights": granted}


def connection_of(request: Request, right: str = "") -> Json:
    """Return the BusinessConnection that a request names; refuse one without the right."""
    known = request.world.business_connections.get(request.text("business_connection_id"))
    if known is None:
        raise bad_request("business connection not found")
    if right:
        require(known, right)
    return known


def require(connection: Json, right: str) -> None:
    """Refuse what the account does not let the bot do."""
    if not connection.get("is_enabled", True):
        raise bad_request("BUSINESS_CONNECTION_INVALID")
    if not connection.get("rights", {}).get(right):
        raise bad_request("BOT_ACCESS_FORBIDDEN")


def business_chat(request: Request, right: str = "can_reply") -> tuple[Json, Chat]:
    """Return the connection that a request names, and the chat of its account with a customer."""
    text = request.text("chat_id")
    if not text:
        raise bad_request("chat identifier is empty")
    if not re.fullmatch("-?[0-9]{1,19}", text):
        raise bad_request("chat identifier must be a valid Integer")
    user_id, world = int(text), request.world
    connection = connection_of(request)
    if user_id <= 0:
        raise bad_request("chat must be a private chat")
    if user_id == connection["user"]["id"]:
        raise bad_request("messages must not be sent to self")
    if user_id not in world.users:
        raise bad_request("BUSINESS_PEER_INVALID")
    require(connection, right)
    return connection, world.private_chat(user_id)


def for_business(request: Request) -> bool:
    """Tell whether a call is made on behalf of the account of a business."""
    return bool(request.payload.get("business_connection_id"))


def business_place(request: Request) -> tuple[Chat, Json, Json]:
    """Return where a message of an account goes, whose it is, and the fields that say so."""
    connection, chat = business_chat(request)
    sent: Json = {"business_connection_id": connection["id"]}
    return chat, connection["user"], {**sent, "sender_business_bot": request.world.bot_user}


def business_message(request: Request, right: str = "can_reply") -> tuple[Chat, Json]:
    """Return the message of an account that a request names, and its chat."""
    connection, chat = business_chat(request, right)
    if not request.message_id():
        raise bad_request("invalid message identifier specified")
    message = chat.messages.get(request.message_id(), {})
    if message.get("business_connection_id") != connection["id"]:
        raise bad_request("MESSAGE_ID_INVALID")
    return chat, message


def own_business_message(request: Request) -> tuple[Chat, Json]:
    """Return a message that is the account's own, and its chat."""
    chat, message = business_message(request)
    if message["from"]["id"] != connection_of(request)["user"]["id"]:
        raise bad_request("MESSAGE_AUTHOR_REQUIRED")
    return chat, message
