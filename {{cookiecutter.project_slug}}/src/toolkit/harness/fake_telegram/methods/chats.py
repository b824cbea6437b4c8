"""Chats themselves: looking at them, naming them, invite links, leaving."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.membership import PERMISSIONS, is_member, member
from toolkit.harness.fake_telegram.methods.media import chat_photo
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, readable_chat, require_right
from toolkit.harness.types import Json

GIFTS = (
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
INFO_REFUSED = "not enough rights to change chat {}"


@method("getChat")
def get_chat(request: Request) -> Json:
    """ChatFullInfo, with what has been set and the fields that are always there."""
    chat = readable_chat(request)
    info: Json = {
        **chat.data,
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(GIFTS, True),
        **chat.details,
    }
    if not chat.is_private and chat.kind != "channel":
        info["permissions"] = permissions_of(chat)
    if chat.pinned:
        info["pinned_message"] = chat.messages[chat.pinned[-1]]
    return info


def permissions_of(chat: Chat) -> Json:
    """The default permissions of the chat's members."""
    withheld = ("can_change_info", "can_pin_messages", "can_manage_topics")
    default = {name: name not in withheld for name in PERMISSIONS}
    return {**default, **chat.details.get("permissions", {})}


@method("leaveChat")
def leave_chat(request: Request) -> bool:
    chat = readable_chat(request)
    if chat.is_private:
        raise bad_request("can't leave private chats")
    world = request.telegram
    old = chat.members[world.me["id"]]
    if not is_member(old):
        raise bad_request("bot is not a member of the chat")
    new = chat.members[world.me["id"]] = member("left", world.bot_user)
    world.emit(
        "my_chat_member",
        {
            "chat": chat.data,
            "from": world.bot_user,
            "date": world.now(),
            "old_chat_member": old,
            "new_chat_member": new,
        },
    )
    return True


def _named_chat(request: Request, what: str) -> Chat:
    chat = editable_chat(request)
    if chat.is_private:
        raise bad_request(f"can't change private chat {what}")
    require_right(request, chat, "can_change_info", INFO_REFUSED.format(what))
    return chat


def _service(request: Request, chat: Chat, content: Json) -> bool:
    """Show what happened as a service message, which the bot also receives."""
    world = request.telegram
    message = world.new_message(chat, world.bot_user, content)
    world.emit("channel_post" if chat.kind == "channel" else "message", message)
    world.notify("chat", chat.id, content)
    return True


@method("setChatTitle")
def set_chat_title(request: Request) -> bool:
    chat = _named_chat(request, "title")
    title = request.text("title").strip()
    if not title:
        raise bad_request("title must be non-empty")
    chat.data = {**chat.data, "title": title[:128]}
    return _service(request, chat, {"new_chat_title": title[:128]})


@method("setChatDescription")
def set_chat_description(request: Request) -> bool:
    chat = _named_chat(request, "description")
    description = request.text("description")[:255]
    if description == chat.details.get("description", ""):
        raise bad_request("chat description is not modified")
    chat.details["description"] = description
    return True


@method("setChatPhoto")
def set_chat_photo(request: Request) -> bool:
    chat = _named_chat(request, "photo")
    return _service(request, chat, {"new_chat_photo": chat_photo(request, chat)})


@method("deleteChatPhoto")
def delete_chat_photo(request: Request) -> bool:
    chat = _named_chat(request, "photo")
    if chat.details.pop("photo", None) is None:
        raise bad_request("CHAT_NOT_MODIFIED")
    return _service(request, chat, {"delete_chat_photo": True})


@method("setChatPermissions")
def set_chat_permissions(request: Request) -> bool:
    permissions = chat_permissions(request)
    chat = editable_chat(request)
    if chat.is_private:
        raise bad_request("can't change private chat permissions")
    require_right(
        request, chat, "can_restrict_members", "not enough rights to change chat permissions"
    )
    chat.details["permissions"] = permissions
    return True


def chat_permissions(request: Request) -> Json:
    """ChatPermissions of a request; one permission implies those it needs, unless told not to."""
    value = request.payload.get("permissions", {})
    if isinstance(value, str):
        raise bad_request("can't parse permissions JSON object")
    if not isinstance(value, dict):
        raise bad_request("object expected as permissions")
    for name, flag in value.items():
        if not isinstance(flag, bool):
            raise bad_request(
                f'can\'t parse chat permissions: Field "{name}" must be of type Boolean'
            )
    granted: Json = {name: bool(value.get(name, False)) for name in PERMISSIONS}
    if not request.flag("use_independent_chat_permissions"):
        media = granted["can_send_other_messages"] or granted["can_add_web_page_previews"]
        for name in PERMISSIONS[1:7]:
            granted[name] = granted[name] or media
        if media or granted["can_send_polls"] or any(granted[n] for n in PERMISSIONS[1:7]):
            granted["can_send_messages"] = True
    return granted


def _link(request: Request, chat: Chat, **fields: Any) -> Json:
    number = request.telegram.number("invite_link")
    address = f"https://t.me/+fake{number:012d}"
    link: Json = {
        "invite_link": address,
        "creator": request.telegram.bot_user,
        "creates_join_request": request.flag("creates_join_request"),
        "is_primary": False,
        "is_revoked": False,
    }
    return chat.links.setdefault(address, link | _link_options(request) | fields)


def _link_options(request: Request) -> Json:
    names = ("expire_date", "member_limit", "subscription_period", "subscription_price")
    options: Json = {name: request.integer(name) for name in names if name in request.payload}
    return options | ({"name": request.text("name")} if request.text("name") else {})


def _inviting_chat(request: Request) -> Chat:
    chat = editable_chat(request)
    if chat.is_private:
        raise bad_request("can't create invite links in private chats")
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


@method("editChatInviteLink", "editChatSubscriptionInviteLink", "revokeChatInviteLink")
def change_chat_invite_link(request: Request) -> Json:
    chat = _inviting_chat(request)
    link = chat.links.get(request.text("invite_link"))
    if link is None:
        raise bad_request("INVITE_HASH_EXPIRED")
    revoke = request.method.lower().startswith("revoke")
    changed = {"is_revoked": True} if revoke else _link_options(request)
    new: Json = {**link, **changed}
    chat.links[link["invite_link"]] = new
    return new


@method("setChatStickerSet", "deleteChatStickerSet")
def set_chat_sticker_set(request: Request) -> bool:
    chat = editable_chat(request)
    if chat.kind != "supergroup":
        raise bad_request("method is available only for supergroups")
    require_right(request, chat, "can_change_info", INFO_REFUSED.format("sticker set"))
    chat.details.pop("sticker_set_name", None)
    if request.method.lower().startswith("set"):
        chat.details["sticker_set_name"] = request.required("sticker_set_name")
    return True
