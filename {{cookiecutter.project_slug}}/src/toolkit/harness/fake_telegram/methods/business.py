"""What the bot does for the account of a business: its messages, its profile, its Stars.

https://core.telegram.org/bots/api#getbusinessconnection
"""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.business import business_message, connection_of, require
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import parsing
from toolkit.harness.fake_telegram.methods.files import set_photo
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import User
from toolkit.harness.fake_telegram.names import clean_name
from toolkit.harness.fake_telegram.policy import message_ids
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.stars import user_partner
from toolkit.harness.types import Json

MAX_NAME, MAX_BIO = 64, 140
MAX_STARS = 1_000_000_000
_USERNAME = r"[A-Za-z](?!.*__)[A-Za-z0-9_]{3,30}[A-Za-z0-9]"
_GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")


@method("getBusinessConnection")
def get_business_connection(request: Request) -> Json:
    return connection_of(request)


@method("readBusinessMessage")
def read_business_message(request: Request) -> bool:
    business_message(request, "can_read_messages")
    return True


@method("deleteBusinessMessages")
def delete_business_messages(request: Request) -> bool:
    """Delete those of one chat; those that the bot did not send need a right of their own."""
    wanted = set(message_ids(request))
    connection, world = connection_of(request), request.world
    there = [
        (chat, message)
        for chat in world.chats.values()
        for message_id, message in chat.messages.items()
        if message_id in wanted and message.get("business_connection_id") == connection["id"]
    ]
    require(connection, _right_to_delete([message for _, message in there], connection))
    for chat, message in there:
        world.remove_message(chat, message["message_id"])
    return True


def _right_to_delete(messages: list[Json], connection: Json) -> str:
    own = all("sender_business_bot" in message for message in messages)
    everything = connection.get("rights", {}).get("can_delete_all_messages")
    return "can_delete_sent_messages" if own and not everything else "can_delete_all_messages"


def _account(request: Request, right: str) -> User:
    user_id = connection_of(request, right)["user"]["id"]
    return request.world.users[user_id]


@method("setBusinessAccountName")
def set_business_account_name(request: Request) -> bool:
    first = clean_name(request.required("first_name"), MAX_NAME)
    last = clean_name(request.text("last_name"), MAX_NAME)
    account = _account(request, "can_edit_name")
    if not first:
        raise bad_request("FIRSTNAME_INVALID")
    request.world.user(account.id, first, last_name=last)
    return True


@method("setBusinessAccountUsername")
def set_business_account_username(request: Request) -> bool:
    username = request.text("username")
    connection = connection_of(request)
    if username and not re.fullmatch(_USERNAME, username):
        raise bad_request("username is invalid")
    require(connection, "can_edit_username")
    users = request.world.users.values()
    if username and any(
        str(user.data.get("username", "")).lower() == username.lower()
        for user in users
        if user.id != connection["user"]["id"]
    ):
        raise bad_request("USERNAME_OCCUPIED")
    request.world.user(connection["user"]["id"], username=username)
    return True


@method("setBusinessAccountBio")
def set_business_account_bio(request: Request) -> bool:
    bio = request.text("bio")
    account = _account(request, "can_edit_bio")
    if len(bio) > MAX_BIO:
        raise bad_request("ABOUT_TOO_LONG")
    request.world.private_chat(account.id).details["bio"] = bio
    return True


@method("setBusinessAccountProfilePhoto")
def set_business_account_profile_photo(request: Request) -> bool:
    name = _profile_photo(request)
    account = _account(request, "can_edit_profile_photo")
    chat = request.world.private_chat(account.id)
    if not request.flag("is_public"):
        set_photo(request, chat, name)
    return True


def _profile_photo(request: Request) -> str:
    """Return the part of a request that has the photo of an InputProfilePhoto."""
    if not request.text("photo"):
        raise bad_request("photo isn't specified")
    value = request.json("photo", "photo JSON object", "object expected as profile photo")
    with parsing():
        kind = fields.required_text(value, "type")
        field = {"static": "photo", "animated": "animation"}.get(kind)
        if field is None:
            raise fields.Problem("Invalid profile photo type specified")
        name = fields.required_text(value, field)
        fields.decimal(value, "main_frame_timestamp")
    if not name.startswith("attach://") or name.removeprefix("attach://") not in request.files:
        raise bad_request("photo must be uploaded as a file")
    return name


@method("removeBusinessAccountProfilePhoto")
def remove_business_account_profile_photo(request: Request) -> bool:
    account = _account(request, "can_edit_profile_photo")
    if not request.flag("is_public"):
        request.world.private_chat(account.id).details.pop("photo", None)
    return True


@method("setBusinessAccountGiftSettings")
def set_business_account_gift_settings(request: Request) -> bool:
    accepted = _accepted_gifts(request)
    account = _account(request, "can_change_gift_settings")
    details = request.world.private_chat(account.id).details
    details["accepted_gift_types"] = accepted
    details["can_send_gift"] = request.flag("show_gift_button")
    return True


def _accepted_gifts(request: Request) -> Json:
    name = "accepted_gift_types"
    if not request.text(name):
        raise bad_request("accepted gift types aren't specified")
    wrong = "object expected as accepted gift types"
    value: Any = request.json(name, "accepted gift types JSON object", wrong)
    with parsing():
        for gift in _GIFTS:
            fields.need(value, gift)
        accepted: Json = {gift: fields.flag(value, gift) for gift in _GIFTS}
        from_channels = fields.flag(value, "gifts_from_channels", default=True)
    return {**accepted, "gifts_from_channels": from_channels}


@method("getBusinessAccountStarBalance")
def get_business_account_star_balance(request: Request) -> Json:
    return {"amount": _account(request, "can_view_gifts_and_stars").business_stars}


@method("transferBusinessAccountStars")
def transfer_business_account_stars(request: Request) -> bool:
    stars = request.integer("star_count", 0, 0, MAX_STARS)
    connection = connection_of(request)
    if not stars:
        raise bad_request("invalid amount of Telegram Stars to transfer specified")
    require(connection, "can_transfer_stars")
    account = request.world.users[connection["user"]["id"]]
    if account.business_stars < stars:
        raise bad_request("BALANCE_TOO_LOW")
    account.business_stars -= stars
    world = request.world
    charge = f"transfer-{world.number('transfer')}"
    source = user_partner(connection["user"], "business_account_transfer")
    world.stars.receive(stars, source, charge, world.now())
    return True
