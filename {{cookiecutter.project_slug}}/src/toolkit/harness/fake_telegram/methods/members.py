"""Members of a chat: who is there, and what the bot may do to them."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.chats import chat_permissions
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.fake_telegram.policy import editable_chat, readable_chat, require_right
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import ALL_RIGHTS, is_member, member
from toolkit.harness.types import Json


@method("getChatMember")
def get_chat_member(request: Request) -> Json:
    user_id, world = request.user_id(), request.world
    chat = readable_chat(request)
    if chat.is_private and user_id in (chat.id, world.bot_id):
        return member("member", world.bot_user if user_id == world.bot_id else world.user(user_id))
    if user_id in chat.members:
        return chat.members[user_id]
    if user_id not in world.users:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return member("left", world.user(user_id))


@method("getChatAdministrators")
def get_chat_administrators(request: Request) -> list[Json]:
    chat = readable_chat(request)
    if chat.is_private:
        raise bad_request("there are no administrators in the private chat")
    ranks = ("creator", "administrator")
    return [data for data in chat.members.values() if data["status"] in ranks]


@method("getChatMemberCount", "getChatMembersCount")
def get_chat_member_count(request: Request) -> int:
    chat = readable_chat(request)
    return 2 if chat.is_private else sum(map(is_member, chat.members.values()))


def _target(request: Request, right: str, refusal: str) -> tuple[Chat, int]:
    user_id = request.user_id()
    chat = editable_chat(request, "can't restrict or promote members in private chats")
    require_right(request, chat, right, refusal)
    status = chat.status_of(user_id)
    if status == "creator":
        raise bad_request("can't remove chat owner")
    if status == "administrator" and right == "can_restrict_members":
        raise bad_request("user is an administrator of the chat")
    return chat, user_id


def _restricted(request: Request) -> tuple[Chat, int]:
    refusal = "not enough rights to restrict/unrestrict chat member"
    return _target(request, "can_restrict_members", refusal)


def _change(request: Request, chat: Chat, user_id: int, status: str, **fields: object) -> bool:
    world = request.world
    world.change_member(chat, world.bot_user, member(status, world.user(user_id), **fields))
    return True


@method("banChatMember", "kickChatMember")
def ban_chat_member(request: Request) -> bool:
    chat, user_id = _restricted(request)
    return _change(request, chat, user_id, "kicked", until_date=request.integer("until_date"))


@method("unbanChatMember")
def unban_chat_member(request: Request) -> bool:
    chat, user_id = _restricted(request)
    if not chat.has_own_sequence:
        raise bad_request("method is available for supergroup and channel chats only")
    if request.flag("only_if_banned") and chat.status_of(user_id) != "kicked":
        return True
    return _change(request, chat, user_id, "left")


@method("restrictChatMember")
def restrict_chat_member(request: Request) -> bool:
    permissions = chat_permissions(request)
    chat, user_id = _restricted(request)
    if chat.kind != "supergroup":
        raise bad_request("method is available only for supergroups")
    if all(permissions.values()):
        return _change(request, chat, user_id, "member")
    fields: Json = {**permissions, "until_date": request.integer("until_date")}
    fields["is_member"] = is_member(chat.members.get(user_id))
    return _change(request, chat, user_id, "restricted", **fields)


@method("promoteChatMember")
def promote_chat_member(request: Request) -> bool:
    refusal = "not enough rights to promote/demote chat member"
    chat, user_id = _target(request, "can_promote_members", refusal)
    granted: Json = {name: request.flag(name) for name in ALL_RIGHTS}
    if not any(granted.values()):
        return _change(request, chat, user_id, "member")
    granted |= {"can_be_edited": True, "can_manage_chat": True}
    granted["is_anonymous"] = request.flag("is_anonymous")
    return _change(request, chat, user_id, "administrator", **granted)


@method("setChatAdministratorCustomTitle")
def set_chat_administrator_custom_title(request: Request) -> bool:
    chat, user_id = _target(request, "can_promote_members", "not enough rights")
    if chat.status_of(user_id) != "administrator":
        raise bad_request("user is not an administrator")
    title = request.text("custom_title")
    if len(title) > 16:
        raise bad_request("ADMIN_RANK_INVALID")
    new = {**chat.members[user_id], "custom_title": title}
    request.world.change_member(chat, request.world.bot_user, new)
    return True


@method("approveChatJoinRequest", approve=True)
@method("declineChatJoinRequest", approve=False)
def answer_chat_join_request(request: Request, *, approve: bool) -> bool:
    user_id = request.user_id()
    chat = editable_chat(request)
    require_right(request, chat, "can_invite_users", "not enough rights to manage join requests")
    if chat.requests.pop(user_id, None) is None:
        raise bad_request("HIDE_REQUESTER_MISSING")
    return _change(request, chat, user_id, "member") if approve else True


@method("answerChatJoinRequestQuery")
def answer_chat_join_request_query(request: Request) -> bool:
    query_id = request.text("chat_join_request_query_id")
    result = request.text("result")
    if result not in ("approve", "decline", "queue"):
        raise bad_request("wrong result specified")
    for chat in request.world.chats.values():
        for user_id, asked in chat.requests.items():
            if asked.get("query_id") == query_id:
                if result != "queue":
                    del chat.requests[user_id]
                return _change(request, chat, user_id, "member") if result == "approve" else True
    raise bad_request("QUERY_ID_INVALID")
