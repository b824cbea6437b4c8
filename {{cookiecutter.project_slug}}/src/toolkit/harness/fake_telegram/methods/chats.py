"""Chats themselves: looking at them, naming them, invite links, leaving."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.methods.media import chat_photo
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, readable_chat, require_right
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import MEDIA_PERMISSIONS, PERMISSIONS, is_member, member
from toolkit.harness.types import Json

GIFTS = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels"


@method("getChat")
def get_chat(request: Request) -> Json:
    """Return ChatFullInfo, with what has been set and the fields that are always there."""
    chat = readable_chat(request)
    info: Json = {
        **chat.data,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(GIFTS.split(), True),
        **chat.details,
    }
    if chat.kind in ("group", "supergroup"):
        withheld = ("can_change_info", "can_pin_messages", "can_manage_topics")
        default = {name: name not in withheld for name in PERMISSIONS}
        info["permissions"] = {**default, **chat.details.get("permissions", {})}
    if chat.pinned:
        info["pinned_message"] = chat.messages[chat.pinned[-1]]
    return info


@method("leaveChat")
def leave_chat(request: Request) -> bool:
    chat, world = readable_chat(request), request.world
    if chat.is_private:
        raise bad_request("can't leave private chats")
    if not is_member(chat.members[world.bot_id]):
        raise bad_request("bot is not a member of the chat")
    world.change_member(chat, world.bot_user, member("left", world.bot_user))
    return True


def _chat_to_change(request: Request, what: str) -> Chat:
    chat = editable_chat(request, f"can't change private chat {what}")
    require_right(request, chat, "can_change_info", f"not enough rights to change chat {what}")
    return chat


def _changed(request: Request, chat: Chat, content: Json) -> bool:
    request.world.service_message(chat, request.world.bot_user, content)
    return True


@method("setChatTitle")
def set_chat_title(request: Request) -> bool:
    chat = _chat_to_change(request, "title")
    title = request.text("title").strip()[:128]
    if not title:
        raise bad_request("title must be non-empty")
    chat.data = {**chat.data, "title": title}
    return _changed(request, chat, {"new_chat_title": title})


@method("setChatDescription")
def set_chat_description(request: Request) -> bool:
    chat = _chat_to_change(request, "description")
    description = request.text("description")[:255]
    if description == chat.details.get("description", ""):
        raise bad_request("chat description is not modified")
    chat.details["description"] = description
    return True


@method("setChatPhoto")
def set_chat_photo(request: Request) -> bool:
    chat = _chat_to_change(request, "photo")
    return _changed(request, chat, {"new_chat_photo": chat_photo(request, chat)})


@method("deleteChatPhoto")
def delete_chat_photo(request: Request) -> bool:
    chat = _chat_to_change(request, "photo")
    if chat.details.pop("photo", None) is None:
        raise bad_request("CHAT_NOT_MODIFIED")
    return _changed(request, chat, {"delete_chat_photo": True})


@method("setChatPermissions")
def set_chat_permissions(request: Request) -> bool:
    permissions = chat_permissions(request)
    chat = editable_chat(request, "can't change private chat permissions")
    refusal = "not enough rights to change chat permissions"
    require_right(request, chat, "can_restrict_members", refusal)
    chat.details["permissions"] = permissions
    return True


def chat_permissions(request: Request) -> Json:
    """Return ChatPermissions; one implies those it needs, unless they are independent."""
    wrong = "object expected as permissions"
    value: Json = request.json("permissions", "permissions JSON object", wrong) or {}
    for name, flag in value.items():
        if not isinstance(flag, bool):
            raise cannot_parse("chat permissions", f'Field "{name}" must be of type Boolean')
    granted: Json = {name: bool(value.get(name, False)) for name in PERMISSIONS}
    if not request.flag("use_independent_chat_permissions"):
        media = granted["can_send_other_messages"] or granted["can_add_web_page_previews"]
        for name in MEDIA_PERMISSIONS:
            granted[name] = granted[name] or media
        if media or granted["can_send_polls"] or any(granted[name] for name in MEDIA_PERMISSIONS):
            granted["can_send_messages"] = True
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
    chat = editable_chat(request, "can't create invite links in private chats")
    refusal = "not enough rights to manage chat invite link"
    require_right(request, chat, "can_invite_users", refusal)
    return chat


@method("exportChatInviteLink")
def export_chat_invite_link(request: Request) -> str:
    chat = _inviting_chat(request)
    link = _link(request, chat, is_primary=True)
    chat.details["invite_link"] = link["invite_link"]
    return str(link["invite_link"])


@method("createChatInviteLink", "createChatSubscriptionInviteLink")
def create_chat_invite_link(request: Request) -> Json:
    return _link(request, _inviting_chat(request))


@method("editChatInviteLink", "editChatSubscriptionInviteLink")
@method("revokeChatInviteLink", revoke=True)
def change_chat_invite_link(request: Request, *, revoke: bool = False) -> Json:
    chat = _inviting_chat(request)
    link = chat.links.get(request.text("invite_link"))
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    new: Json = {**link, **({"is_revoked": True} if revoke else _link_options(request))}
    chat.links[link["invite_link"]] = new
    return new


@method("setChatStickerSet")
@method("deleteChatStickerSet", delete=True)
def set_chat_sticker_set(request: Request, *, delete: bool = False) -> bool:
    chat = editable_chat(request)
    if chat.kind != "supergroup":
        raise bad_request("method is available only for supergroups")
    refusal = "not enough rights to change chat sticker set"
    require_right(request, chat, "can_change_info", refusal)
    chat.details.pop("sticker_set_name", None)
    if not delete:
        chat.details["sticker_set_name"] = request.required("sticker_set_name")
    return True
