"""Members of a chat: who is there, and what the bot may do to them."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.membership import (
    CHANNEL_RIGHTS,
    GROUP_RIGHTS,
    RIGHTS,
    is_member,
    member,
)
from toolkit.harness.fake_telegram.methods.chats import chat_permissions
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, readable_chat, require_right
from toolkit.harness.types import Json

RESTRICT_REFUSED = "not enough rights to restrict/unrestrict chat member"


@method("getChatMember")
def get_chat_member(request: Request) -> Json:
    user_id = request.user_id()
    chat = readable_chat(request)
    if chat.is_private and user_id in (chat.id, request.telegram.me["id"]):
        known = request.telegram.users[chat.id].data
        return member("member", known if user_id == chat.id else request.telegram.bot_user)
    if user_id in chat.members:
        return chat.members[user_id]
    user = request.telegram.users.get(user_id)
    if user is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member("left", user.data)


@method("getChatAdministrators")
def get_chat_administrators(request: Request) -> list[Json]:
    chat = readable_chat(request)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    ranks = ("creator", "administrator")
    return [one for one in chat.members.values() if one["status"] in ranks]


@method("getChatMemberCount", "getChatMembersCount")
def get_chat_member_count(request: Request) -> int:
    chat = readable_chat(request)
    return 2 if chat.is_private else sum(map(is_member, chat.members.values()))


def _target(request: Request, right: str, refusal: str) -> tuple[Chat, int]:
    user_id = request.user_id()
    chat = editable_chat(request)
    if chat.is_private:
        raise bad_request("can't restrict or promote members in private chats")
    require_right(request, chat, right, refusal)
    status = chat.members.get(user_id, {}).get("status")
    if status == "creator":
        raise bad_request("can't remove chat owner")
    if status == "administrator" and right == "can_restrict_members":
        raise bad_request("user is an administrator of the chat")
    return chat, user_id


def _set(request: Request, chat: Chat, user_id: int, new: Json) -> bool:
    """Change a member; the bot is told as its own doing, where it asked for such updates."""
    world = request.telegram
    old = chat.members.get(user_id) or member("left", world.user(user_id))
    chat.members[user_id] = new
    world.emit(
        "chat_member",
        {
            "chat": chat.data,
            "from": world.bot_user,
            "date": world.now(),
            "old_chat_member": old,
            "new_chat_member": new,
        },
    )
    world.notify("chat", chat.id, new)
    return True


@method("banChatMember", "kickChatMember")
def ban_chat_member(request: Request) -> bool:
    chat, user_id = _target(request, "can_restrict_members", RESTRICT_REFUSED)
    until = {"until_date": request.integer("until_date")}
    new = member("kicked", request.telegram.user(user_id), **until)
    return _set(request, chat, user_id, new)


@method("unbanChatMember")
def unban_chat_member(request: Request) -> bool:
    chat, user_id = _target(request, "can_restrict_members", RESTRICT_REFUSED)
    if not chat.is_own:
        raise bad_request("method is available for supergroup and channel chats only")
    status = chat.members.get(user_id, {}).get("status")
    if request.flag("only_if_banned") and status != "kicked":
        return True
    return _set(request, chat, user_id, member("left", request.telegram.user(user_id)))


@method("restrictChatMember")
def restrict_chat_member(request: Request) -> bool:
    permissions = chat_permissions(request)
    chat, user_id = _target(request, "can_restrict_members", RESTRICT_REFUSED)
    if chat.kind != "supergroup":
        raise bad_request("method is available only for supergroups")
    fields: Json = {**permissions, "until_date": request.integer("until_date")}
    fields["is_member"] = is_member(chat.members.get(user_id))
    user = request.telegram.user(user_id)
    new = member("member", user) if all(permissions.values()) else None
    return _set(request, chat, user_id, new or member("restricted", user, **fields))


@method("promoteChatMember")
def promote_chat_member(request: Request) -> bool:
    refusal = "not enough rights to promote/demote chat member"
    chat, user_id = _target(request, "can_promote_members", refusal)
    granted: Json = {n: request.flag(n) for n in (*RIGHTS, *GROUP_RIGHTS, *CHANNEL_RIGHTS)}
    user = request.telegram.user(user_id)
    if not any(granted.values()):
        return _set(request, chat, user_id, member("member", user))
    granted |= {"can_be_edited": True, "can_manage_chat": True}
    granted["is_anonymous"] = request.flag("is_anonymous")
    return _set(request, chat, user_id, member("administrator", user, **granted))


@method("setChatAdministratorCustomTitle")
def set_chat_administrator_custom_title(request: Request) -> bool:
    chat, user_id = _target(request, "can_promote_members", "not enough rights")
    if chat.members.get(user_id, {}).get("status") != "administrator":
        raise bad_request("user is not an administrator")
    title = request.text("custom_title")
    if len(title) > 16:
        raise bad_request("ADMIN_RANK_INVALID")
    return _set(request, chat, user_id, {**chat.members[user_id], "custom_title": title})


@method("approveChatJoinRequest", "declineChatJoinRequest")
def answer_chat_join_request(request: Request) -> bool:
    user_id = request.user_id()
    chat = editable_chat(request)
    require_right(request, chat, "can_invite_users", "not enough rights to manage join requests")
    if chat.requests.pop(user_id, None) is None:
        raise bad_request("HIDE_REQUESTER_MISSING")
    if request.method.lower().startswith("approve"):
        return _set(request, chat, user_id, member("member", request.telegram.user(user_id)))
    return True


@method("answerChatJoinRequestQuery")
def answer_chat_join_request_query(request: Request) -> bool:
    query_id = request.text("chat_join_request_query_id")
    result = request.text("result")
    if result not in ("approve", "decline", "queue"):
        raise bad_request("wrong result specified")
    for chat in request.telegram.chats.values():
        for user_id, asked in chat.requests.items():
            if asked.get("query_id") == query_id:
                if result != "queue":
                    del chat.requests[user_id]
                if result == "approve":
                    user = request.telegram.user(user_id)
                    return _set(request, chat, user_id, member("member", user))
                return True
    raise bad_request("QUERY_ID_INVALID")
