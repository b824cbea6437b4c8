"""Members of a chat: who is there, and what the bot may do to them."""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.buttons import check_web_app
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.chats import chat_permissions
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import members_chat, readable_chat, writable_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import (
    ALL_RIGHTS,
    administers,
    is_admin,
    is_member,
    may,
    member,
    shown_member,
)
from toolkit.harness.types import Json

MAX_TITLE = 16


@method("getChatMember")
def get_chat_member(request: Request) -> Json:
    user_id, world = request.user_id(), request.world
    chat = readable_chat(request) if user_id == world.bot_id else members_chat(request)
    if chat.is_private and user_id in (chat.id, world.bot_id):
        return member("member", world.bot_user if user_id == world.bot_id else world.user(user_id))
    if user_id in chat.members:
        return shown_member(chat.members[user_id], chat.kind)
    if chat.is_private or user_id not in world.users:
        raise bad_request("member not found" if chat.is_private else "PARTICIPANT_ID_INVALID")
    if chat.kind == "channel" and not is_admin(chat, world.bot_id):
        raise bad_request("member list is inaccessible")
    return member("left", world.user(user_id))


@method("getChatAdministrators")
def get_chat_administrators(request: Request) -> list[Json]:
    chat = members_chat(request)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    ranks = ("creator", "administrator")
    found = [data for data in chat.members.values() if data["status"] in ranks]
    return [shown_member(data, chat.kind) for data in found]


@method("getChatMemberCount", "getChatMembersCount")
def get_chat_member_count(request: Request) -> int:
    chat = members_chat(request)
    return 2 if chat.is_private else sum(map(is_member, chat.members.values()))


def _change(request: Request, chat: Chat, user_id: int, status: str, **rights: object) -> bool:
    world = request.world
    world.change_member(chat, world.bot_user, member(status, world.user(user_id), **rights))
    return True


def _supergroup(request: Request, refusal: str, *kinds: str) -> Chat:
    chat = writable_chat(request)
    if chat.kind not in kinds:
        raise bad_request(refusal)
    return chat


SUPERGROUPS = "method is available only for supergroups"
WITH_CHANNELS = "method is available for supergroup and channel chats only"
GROUPS = "method is available only for groups and supergroups"


def _status(request: Request, chat: Chat, user_id: int) -> str:
    """Return the status of somebody the bot is about to change; refuse who is not known."""
    if user_id not in chat.members and user_id not in request.world.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return chat.status_of(user_id) or "left"


def _check_restricting(request: Request, chat: Chat, user_id: int, new: str) -> None:
    """Refuse to restrict or ban the owner, the bot itself, administrators, and without right."""
    bot_id = request.world.bot_id
    status = _status(request, chat, user_id)
    if status == "creator":
        raise bad_request("can't remove chat owner")
    if user_id == bot_id:
        verb = "unrestrict" if new == "member" else "restrict"
        if new != "left":
            raise bad_request(f"can't {verb} self")
    elif not administers(chat, bot_id, "can_restrict_members"):
        raise bad_request("not enough rights to restrict/unrestrict chat member")
    elif status == "administrator":
        raise bad_request("user is an administrator of the chat")


@method("banChatMember", "kickChatMember")
def ban_chat_member(request: Request) -> bool:
    user_id = request.user_id()
    until = request.integer("until_date")
    chat = writable_chat(request)
    if chat.is_private:
        raise bad_request("can't ban members in private chats")
    if chat.kind == "group":
        return _remove_from_group(request, chat, user_id)
    if chat.status_of(user_id) == "kicked":
        return True
    _check_restricting(request, chat, user_id, "kicked")
    return _change(request, chat, user_id, "kicked", until_date=until)


def _remove_from_group(request: Request, chat: Chat, user_id: int) -> bool:
    """Remove somebody from a basic group, where only the last server looks at rights."""
    if user_id not in request.world.users:
        raise bad_request("user not found")
    bot_id = request.world.bot_id
    if not administers(chat, bot_id, "can_restrict_members"):
        raise bad_request("CHAT_ADMIN_REQUIRED")
    if chat.status_of(user_id) in ("creator", "administrator"):
        raise bad_request("user is an administrator of the chat")
    if not is_member(chat.members.get(user_id)):
        raise bad_request("USER_NOT_PARTICIPANT")
    return _change(request, chat, user_id, "kicked")


@method("unbanChatMember")
def unban_chat_member(request: Request) -> bool:
    user_id = request.user_id()
    chat = _supergroup(request, WITH_CHANNELS, "supergroup", "channel")
    status = _status(request, chat, user_id)
    if status == "left" or (request.flag("only_if_banned") and status != "kicked"):
        return True
    _check_restricting(request, chat, user_id, "left")
    return _change(request, chat, user_id, "left")


@method("restrictChatMember")
def restrict_chat_member(request: Request) -> bool:
    user_id = request.user_id()
    until = request.integer("until_date")
    permissions = chat_permissions(request)
    chat = _supergroup(request, SUPERGROUPS, "supergroup")
    status = _status(request, chat, user_id)
    new = "member" if all(permissions.values()) else "restricted"
    if status == new == "member":
        return True
    _check_restricting(request, chat, user_id, new)
    inside = is_member(chat.members.get(user_id))
    if new == "member":
        return _change(request, chat, user_id, new if inside else "left")
    limits: Json = {**permissions, "until_date": until, "is_member": inside}
    return _change(request, chat, user_id, "restricted", **limits)


@method("promoteChatMember")
def promote_chat_member(request: Request) -> bool:
    user_id = request.user_id()
    granted: Json = {name: request.flag(name) for name in ALL_RIGHTS}
    anonymous = request.flag("is_anonymous")
    chat = _supergroup(request, WITH_CHANNELS, "supergroup", "channel")
    bot_id, status = request.world.bot_id, _status(request, chat, user_id)
    promotion = any(granted.values()) or anonymous
    if status == "creator":
        raise bad_request("can't remove chat owner")
    if not promotion and status == "member":
        return True
    if user_id == bot_id:
        if promotion:
            raise bad_request("can't promote self")
    elif not administers(chat, bot_id, "can_promote_members"):
        raise bad_request("not enough rights")
    if not promotion:
        return _change(request, chat, user_id, "member")
    if chat.kind == "channel" and "can_restrict_members" not in request.payload:
        granted["can_restrict_members"] = True
    granted |= {"can_be_edited": True, "can_manage_chat": True, "is_anonymous": anonymous}
    return _change(request, chat, user_id, "administrator", **granted)


@method("setChatAdministratorCustomTitle")
def set_chat_administrator_custom_title(request: Request) -> bool:
    user_id = request.user_id()
    chat = _supergroup(request, GROUPS, "group", "supergroup")
    status = _status(request, chat, user_id)
    if status == "creator":
        raise bad_request("only the owner can edit their custom title")
    if status != "administrator":
        raise bad_request("user is not an administrator")
    if not chat.members[user_id].get("can_be_edited"):
        raise bad_request("not enough rights to change custom title of the user")
    return _set_title(request, chat, user_id, "custom_title", "CUSTOM_TITLE_INVALID")


@method("setChatMemberTag")
def set_chat_member_tag(request: Request) -> bool:
    user_id = request.user_id()
    chat = _supergroup(request, GROUPS, "group", "supergroup")
    if user_id not in request.world.users:
        raise bad_request("user not found")
    if not may(chat, request.world.bot_id, "can_manage_tags"):
        raise bad_request("CHAT_ADMIN_REQUIRED")
    if not is_member(chat.members.get(user_id)):
        raise bad_request("USER_NOT_PARTICIPANT")
    return _set_title(request, chat, user_id, "tag", "TAG_INVALID")


def _set_title(request: Request, chat: Chat, user_id: int, field: str, refusal: str) -> bool:
    title = request.text(field)
    if len(title) > MAX_TITLE:
        raise bad_request(refusal)
    new = {**chat.members[user_id], field: title}
    request.world.change_member(chat, request.world.bot_user, new)
    return True


@method("banChatSenderChat", ban=True)
@method("unbanChatSenderChat", ban=False)
def ban_chat_sender_chat(request: Request, *, ban: bool) -> bool:
    """Ban a channel from writing in its own name, or let it write again."""
    chat = writable_chat(request)
    text = request.text("sender_chat_id")
    if not text:
        raise bad_request("sender_chat_id is empty")
    if not re.fullmatch("-?[0-9]{1,19}", text):
        raise bad_request("sender_chat_id is not a valid Integer")
    if chat.is_private:
        raise bad_request(
            "can't ban members in private chats"
            if ban
            else "chat member status can't be changed in private chats"
        )
    if chat.kind == "group":
        if ban:
            raise bad_request("can't ban chats in basic groups")
        return True
    if int(text) not in request.world.chats:
        raise bad_request("member not found")
    if not may(chat, request.world.bot_id, "can_restrict_members"):
        raise bad_request("not enough rights to restrict/unrestrict chat member")
    banned = chat.details.setdefault("banned_chats", [])
    kept = [each for each in banned if each != int(text)]
    chat.details["banned_chats"] = [*kept, int(text)] if ban else kept
    return True


@method("approveChatJoinRequest", approve=True)
@method("declineChatJoinRequest", approve=False)
def answer_chat_join_request(request: Request, *, approve: bool) -> bool:
    user_id = request.user_id()
    chat = writable_chat(request)
    if chat.is_private:
        raise bad_request("the chat can't have join requests")
    bot_id = request.world.bot_id
    if not administers(chat, bot_id, "can_invite_users"):
        raise bad_request("not enough rights to manage chat join requests")
    if chat.requests.pop(user_id, None) is None:
        raise bad_request("HIDE_REQUESTER_MISSING")
    return _change(request, chat, user_id, "member") if approve else True


@method("answerChatJoinRequestQuery")
def answer_chat_join_request_query(request: Request) -> bool:
    query_id = request.required("chat_join_request_query_id")
    result = request.text("result")
    if result not in ("approve", "decline", "queue"):
        raise bad_request("wrong result specified")
    chat, user_id = _asked(request, query_id)
    if result != "queue":
        del chat.requests[user_id]
    return _change(request, chat, user_id, "member") if result == "approve" else True


@method("sendChatJoinRequestWebApp")
def send_chat_join_request_web_app(request: Request) -> bool:
    """Show a Mini App to somebody who asks to join; what comes of it is up to them."""
    query_id = request.required("chat_join_request_query_id")
    url = request.required("web_app_url")
    _asked(request, query_id)
    check_web_app(url, "Web App", "Web App URL buttons")
    return True


def _asked(request: Request, query_id: str) -> tuple[Chat, int]:
    """Return where somebody asks to join with this query, and who."""
    for chat in request.world.chats.values():
        for user_id, asked in chat.requests.items():
            if asked.get("query_id") == query_id:
                return chat, user_id
    raise bad_request("QUERY_ID_INVALID")
