"""What the bot sees and changes of others: profiles, verification, emoji status, passports.

https://core.telegram.org/bots/api#verifyuser
"""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, as_int, parsing
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import (
    check_user,
    readable_chat,
    users_chat,
    writable_chat,
)
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.types import Json

_ELEMENTS = (
    "personal_details passport driver_license identity_card internal_passport address "
    "utility_bill bank_statement rental_agreement passport_registration temporary_registration "
    "phone_number email"
)
_WITH_FILE = ("file", "selfie", "translation_file", "front_side", "reverse_side")
_WITH_FILES = ("files", "translation_files")


@method("verifyUser")
@method("verifyChat", whole_chat=True)
def verify(request: Request, *, whole_chat: bool = False) -> bool:
    """Verify somebody for the organization of the bot, which others see in their apps."""
    if whole_chat:
        verified_id = readable_chat(request).id
    else:
        verified_id = request.user_id()
        check_user(request, verified_id)
    request.world.profile["verified", str(verified_id)] = request.text("custom_description")
    return True


@method("removeUserVerification")
def remove_user_verification(request: Request) -> bool:
    return _remove(request, request.user_id())


@method("removeChatVerification")
def remove_chat_verification(request: Request) -> bool:
    value = request.text("chat_id")
    if not value:
        raise bad_request("sender_chat_id is empty")
    if not re.fullmatch("-?[0-9]{1,19}", value):
        raise bad_request("sender_chat_id is not a valid Integer")
    return _remove(request, int(value))


def _remove(request: Request, verified_id: int) -> bool:
    world = request.world
    if verified_id not in (world.users if verified_id > 0 else world.chats):
        raise bad_request("can't access the verified entity")
    world.profile.pop(("verified", str(verified_id)), None)
    return True


@method("setUserEmojiStatus")
def set_user_emoji_status(request: Request) -> bool:
    """Set it, if the user lets the bot: see `allow_emoji_status`."""
    user_id, world = request.user_id(), request.world
    chat = users_chat(request, user_id)
    if not world.profile.get(("emoji_status", str(user_id))):
        raise bad_request("USER_PERMISSION_DENIED")
    details = chat.details
    for name in ("emoji_status_custom_emoji_id", "emoji_status_expiration_date"):
        details.pop(name, None)
    if emoji := as_int(request.payload.get("emoji_status_custom_emoji_id")):
        details["emoji_status_custom_emoji_id"] = str(emoji)
        if until := request.integer("emoji_status_expiration_date"):
            details["emoji_status_expiration_date"] = until
    return True


@method("getUserPersonalChatMessages")
def get_user_personal_chat_messages(request: Request) -> list[Json]:
    """Return the newest messages of the channel that a user shows on their profile."""
    user_id, limit = request.user_id(), request.integer("limit", 0, 0, 20)
    chat = users_chat(request, user_id)
    if not limit:
        raise bad_request("limit must be positive")
    shown = chat.details.get("personal_chat")
    return request.world.messages(shown["id"])[-limit:][::-1] if shown else []


@method("getUserProfilePhotos")
def get_user_profile_photos(request: Request) -> Json:
    return _on_profile(request, "photos")


@method("getUserProfileAudios")
def get_user_profile_audios(request: Request) -> Json:
    return _on_profile(request, "audios")


def _on_profile(request: Request, what: str) -> Json:
    user_id, offset = request.user_id(), request.integer("offset", 0, 0)
    limit = request.integer("limit", 100, 1, 100)
    check_user(request, user_id)
    found = request.world.profile.get((what, str(user_id)), [])
    return {"total_count": len(found), what: found[offset : offset + limit]}


@method("getUserChatBoosts")
def get_user_chat_boosts(request: Request) -> Json:
    user_id = request.user_id()
    chat, world = writable_chat(request), request.world
    check_user(request, user_id)
    if not chat.has_own_sequence:
        raise bad_request("PEER_ID_INVALID")
    if chat.status_of(world.bot_id) not in ("administrator", "creator"):
        raise bad_request("CHAT_ADMIN_REQUIRED")
    boosts = [
        boost
        for boost in chat.boosts.values()
        if boost["source"]["user"]["id"] == user_id and boost["expiration_date"] > world.now()
    ]
    return {"boosts": boosts}


@method("setPassportDataErrors")
def set_passport_data_errors(request: Request) -> bool:
    """Keep what a user has to mend; nobody fills in a passport here."""
    user_id = request.user_id()
    unparsed = "can't parse errors JSON object"
    if "errors" not in request.payload:
        raise bad_request(unparsed)
    wrong = "expected an Array of PassportElementError"
    values: list[Any] = request.array("errors", wrong, required=False)
    with parsing("PassportElementError"):
        for value in values:
            _check_error(value)
    check_user(request, user_id)
    for value in values:
        if value.get("source") in _WITH_FILES and not value["file_hashes"]:
            raise bad_request("file hashes must be non-empty")
    request.world.profile["passport_errors", str(user_id)] = values
    return True


def _check_error(value: Any) -> None:
    error = fields.an_object(value)
    if fields.required_text(error, "type") not in _ELEMENTS.split():
        raise Problem("wrong Telegram Passport element type specified")
    fields.required_text(error, "message")
    source = fields.text(error, "source")
    if source in ("", "unspecified"):
        _check_hash(fields.required_text(error, "element_hash"))
    elif source == "data":
        _check_hash(fields.required_text(error, "data_hash"))
        fields.required_text(error, "field_name")
    elif source in _WITH_FILE:
        _check_hash(fields.required_text(error, "file_hash"))
    elif source in _WITH_FILES:
        for each in fields.required_nested(error, "file_hashes", list):
            if not isinstance(each, str):
                raise Problem("hash must be a string")
            _check_hash(each)
    else:
        raise Problem("wrong source specified")


def _check_hash(text: str) -> None:
    if len(text) % 4 or not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text):
        raise Problem("hash isn't a valid base64-encoded string")
