"""Chats themselves: looking at them, naming them, invite links, leaving."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import parsing
from toolkit.harness.fake_telegram.methods.files import chat_photo, check_chat_photo
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.names import clean_name, without_empty
from toolkit.harness.fake_telegram.policy import readable_chat, writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import (
    MEDIA_PERMISSIONS,
    PERMISSIONS,
    WITHHELD,
    administers,
    is_admin,
    is_member,
    may,
    member,
    shown_permissions,
)
from toolkit.harness.fake_telegram.stars import MONTH
from toolkit.harness.types import Json

MAX_TITLE, MAX_DESCRIPTION = 128, 255
# Permissions that follow another one where they are not given.
_STANDS_FOR = {
    "can_manage_topics": "can_pin_messages",
    "can_edit_tag": "can_pin_messages",
    "can_react_to_messages": "can_send_messages",
}
_PRIVATE = frozenset(("banned_chats", "direct_messages_chat_id", "open_polls"))
"""Details that getChat does not show."""

GIFTS = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels"


@method("getChat")
def get_chat(request: Request) -> Json:
    """Return ChatFullInfo, with what has been set and the fields that are always there."""
    chat = readable_chat(request)
    info: Json = {
        **chat.data,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(GIFTS.split(), chat.kind in ("private", "channel")),
        **chat.details,
    }
    if chat.is_private:
        info["can_send_gift"] = True
    if username := chat.data.get("username"):
        info["active_usernames"] = [username]
    if chat.kind in ("group", "supergroup"):
        default = {name: name not in WITHHELD for name in PERMISSIONS}
        info["permissions"] = shown_permissions({**default, **chat.details.get("permissions", {})})
    info = {k: v for k, v in info.items() if k not in _PRIVATE and not k.startswith("votes:")}
    if chat.pinned:
        info["pinned_message"] = chat.messages[chat.pinned[-1]]
    return info


@method("leaveChat")
def leave_chat(request: Request) -> bool:
    chat, world = readable_chat(request), request.world
    if chat.is_private:
        raise bad_request("can't leave private chats")
    if is_member(chat.members.get(world.bot_id)):
        world.change_member(chat, world.bot_user, member("left", world.bot_user))
    return True


def _check_may_change(request: Request, chat: Chat, what: str, verb: str = "change") -> None:
    """Refuse to change a chat without the right; in a basic group to members in any case."""
    if chat.is_private:
        raise bad_request(f"can't change private chat {what}")
    bot_id = request.world.bot_id
    barred = chat.kind == "group" and verb == "change" and not is_admin(chat, bot_id)
    if barred or not may(chat, bot_id, "can_change_info"):
        raise bad_request(f"not enough rights to {verb} chat {what}")


def _changed(request: Request, chat: Chat, content: Json) -> bool:
    request.world.service_message(chat, request.world.bot_user, content)
    return True


@method("setChatTitle")
def set_chat_title(request: Request) -> bool:
    chat = writable_chat(request)
    title = clean_name(request.text("title"), MAX_TITLE)
    if not title:
        raise bad_request("title must be non-empty")
    _check_may_change(request, chat, "title")
    if title == chat.data.get("title"):
        return True
    chat.data = {**chat.data, "title": title}
    return _changed(request, chat, {"new_chat_title": title})


@method("setChatDescription")
def set_chat_description(request: Request) -> bool:
    chat = writable_chat(request)
    _check_may_change(request, chat, "description", "set")
    description = without_empty(request.text("description"), MAX_DESCRIPTION)
    if description == chat.details.get("description", ""):
        raise bad_request("chat description is not modified")
    chat.details["description"] = description
    return True


@method("setChatPhoto")
def set_chat_photo(request: Request) -> bool:
    check_chat_photo(request)
    chat = writable_chat(request)
    _check_may_change(request, chat, "photo")
    return _changed(request, chat, {"new_chat_photo": chat_photo(request, chat)})


@method("deleteChatPhoto")
def delete_chat_photo(request: Request) -> bool:
    chat = writable_chat(request)
    _check_may_change(request, chat, "photo")
    if chat.details.pop("photo", None) is None:
        raise bad_request("CHAT_NOT_MODIFIED")
    return _changed(request, chat, {"delete_chat_photo": True})


@method("setChatPermissions")
def set_chat_permissions(request: Request) -> bool:
    permissions = chat_permissions(request)
    chat = writable_chat(request)
    if chat.kind in ("private", "channel"):
        raise bad_request(f"can't change {chat.kind} chat permissions")
    bot_id = request.world.bot_id
    if not administers(chat, bot_id, "can_restrict_members"):
        raise bad_request("not enough rights to change chat permissions")
    chat.details["permissions"] = permissions
    return True


def chat_permissions(request: Request) -> Json:
    """Return ChatPermissions; one implies those it needs, unless they are independent."""
    wrong = "object expected as permissions"
    value: Json = request.json("permissions", "permissions JSON object", wrong) or {}
    with parsing("chat permissions"):
        granted = _granted(value)
    if not request.flag("use_independent_chat_permissions"):
        media = granted["can_send_other_messages"] or granted["can_add_web_page_previews"]
        for name in MEDIA_PERMISSIONS:
            granted[name] = granted[name] or media
        writes = fields.flag(value, "can_send_media_messages") and not _names_media(value)
        if media or granted["can_send_polls"] or writes:
            granted["can_send_messages"] = True
    return granted


def _names_media(value: Json) -> bool:
    return any(name in value for name in MEDIA_PERMISSIONS)


def _granted(value: Json) -> Json:
    """Return each permission as it was given, or as another one stands for it."""
    granted: Json = {name: fields.flag(value, name) for name in PERMISSIONS}
    legacy = fields.flag(value, "can_send_media_messages")
    if legacy and not _names_media(value):
        granted |= dict.fromkeys(MEDIA_PERMISSIONS, True)
    for name, other in _STANDS_FOR.items():
        if name not in value:
            granted[name] = granted[other]
    return granted


def _link(request: Request, chat: Chat, **fields: Any) -> Json:
    number = request.world.number("invite_link")
    address = f"https://t.me/+fake{number:012d}"
    link: Json = {
        "invite_link": address,
        "creator": request.world.bot_user,
        "creates_join_request": request.flag("creates_join_request"),
        "is_primary": False,
        "is_revoked": False,
    }
    return chat.links.setdefault(address, link | _link_options(request) | fields)


def _link_options(request: Request) -> Json:
    names = ("expire_date", "member_limit", "subscription_period", "subscription_price")
    options: Json = {name: request.integer(name) for name in request.given(*names)}
    return options | ({"name": request.text("name")} if request.text("name") else {})


def _inviting_chat(request: Request) -> Chat:
    chat = writable_chat(request)
    if chat.is_private:
        raise bad_request("can't invite members to a private chat")
    bot_id = request.world.bot_id
    if not administers(chat, bot_id, "can_invite_users"):
        raise bad_request("not enough rights to manage chat invite link")
    return chat


@method("exportChatInviteLink")
def export_chat_invite_link(request: Request) -> str:
    chat = _inviting_chat(request)
    link = _link(request, chat, is_primary=True)
    chat.details["invite_link"] = link["invite_link"]
    return str(link["invite_link"])


@method("createChatInviteLink")
@method("createChatSubscriptionInviteLink", paid=True)
def create_chat_invite_link(request: Request, *, paid: bool = False) -> Json:
    writable_chat(request)
    if paid:
        _check_subscription(request)
    else:
        _check_limit(request)
    return _link(request, _inviting_chat(request))


def _check_subscription(request: Request) -> None:
    period = request.integer("subscription_period", 0, 0, 1_000_000_000)
    price = request.integer("subscription_price", 0, 0, 1_000_000)
    if not period or not price:
        raise bad_request("invalid subscription pricing specified")
    if period != MONTH:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")


def _check_limit(request: Request) -> None:
    limit = request.integer("member_limit", 0, 0, 100_000)
    if limit and request.flag("creates_join_request"):
        raise bad_request(
            "member limit can't be specified for links requiring administrator approval"
        )


@method("editChatInviteLink")
@method("editChatSubscriptionInviteLink")
@method("revokeChatInviteLink", revoke=True)
def change_chat_invite_link(request: Request, *, revoke: bool = False) -> Json:
    chat = _inviting_chat(request)
    if not revoke:
        _check_limit(request)
    address = request.text("invite_link")
    if not address:
        raise bad_request("invite link must be non-empty")
    link = chat.links.get(address)
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    new: Json = {**link, **({"is_revoked": True} if revoke else _link_options(request))}
    chat.links[link["invite_link"]] = new
    return new


@method("setChatStickerSet")
@method("deleteChatStickerSet", delete=True)
def set_chat_sticker_set(request: Request, *, delete: bool = False) -> bool:
    chat = writable_chat(request)
    if chat.kind != "supergroup":
        raise bad_request("method is available only for supergroups")
    name = request.text("sticker_set_name")
    if not delete and not name:
        raise bad_request("sticker_set_name is empty")
    bot_id = request.world.bot_id
    if not administers(chat, bot_id, "can_change_info"):
        raise bad_request("not enough rights to change supergroup sticker set")
    chat.details.pop("sticker_set_name", None)
    if not delete:
        chat.details["sticker_set_name"] = name
    return True
