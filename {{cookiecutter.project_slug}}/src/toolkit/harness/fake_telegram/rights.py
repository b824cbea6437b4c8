"""Chat members and what their status lets them do, https://core.telegram.org/bots/api#chatmember."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import Chat
from toolkit.harness.types import Json

_RIGHTS = (
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members "
    "can_promote_members can_change_info can_invite_users can_post_stories can_edit_stories "
    "can_delete_stories can_send_welcome_messages"
)
_MEDIA_PERMISSIONS = (
    "can_send_audios can_send_documents can_send_photos can_send_videos can_send_video_notes "
    "can_send_voice_notes"
)
_OTHER_PERMISSIONS = (
    "can_send_polls can_send_other_messages can_add_web_page_previews can_react_to_messages "
    "can_edit_tag can_change_info can_invite_users can_pin_messages can_manage_topics"
)
RIGHTS = tuple(_RIGHTS.split())
GROUP_RIGHTS = ("can_pin_messages", "can_manage_topics", "can_manage_tags")
CHANNEL_RIGHTS = ("can_post_messages", "can_edit_messages", "can_manage_direct_messages")
ALL_RIGHTS = RIGHTS + GROUP_RIGHTS + CHANNEL_RIGHTS
MEDIA_PERMISSIONS = tuple(_MEDIA_PERMISSIONS.split())
ANONYMOUS: Json = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
"""Whom a message of an anonymous admin comes from, beside its `sender_chat`."""
WITHHELD = ("can_change_info", "can_pin_messages", "can_manage_topics")
"""Permissions that members of a new group do not have."""
PERMISSIONS = ("can_send_messages", *MEDIA_PERMISSIONS, *_OTHER_PERMISSIONS.split())


def member(status: str, user: Json, **fields: object) -> Json:
    """Return a ChatMember; an administrator has every right that `fields` do not take away."""
    data: Json = {"status": status, "user": user}
    if status == "administrator":
        granted = dict.fromkeys(ALL_RIGHTS, True)
        data |= {"can_be_edited": False, "is_anonymous": False, **granted}
    elif status == "creator":
        data["is_anonymous"] = False
    elif status == "restricted":
        data |= {"is_member": True, "until_date": 0, **dict.fromkeys(PERMISSIONS, False)}
    elif status == "kicked":
        data["until_date"] = 0
    return {**data, **fields}


def shown_permissions(granted: Json) -> Json:
    """Return permissions with the one that stood for all media, which is still shown."""
    return {
        **granted,
        "can_send_media_messages": any(granted.get(each) for each in MEDIA_PERMISSIONS),
    }


def shown_member(data: Json, kind: str) -> Json:
    """Return a ChatMember as it is shown in a chat of this kind, which lacks rights of others."""
    if data["status"] == "restricted":
        return shown_permissions(data)
    if data["status"] != "administrator":
        return data
    hidden: tuple[str, ...] = GROUP_RIGHTS if kind == "channel" else CHANNEL_RIGHTS
    if kind == "group":
        hidden = (*hidden, "can_manage_topics")
    shown = {name: value for name, value in data.items() if name not in hidden}
    return {**shown, "can_manage_voice_chats": data.get("can_manage_video_chats", False)}


def is_member(data: Json | None) -> bool:
    """Tell whether a ChatMember is in the chat now."""
    if data is None:
        return False
    return data["status"] not in ("left", "kicked") and bool(data.get("is_member", True))


def is_admin(chat: Chat, user_id: int) -> bool:
    """Tell whether a user administers the chat."""
    return chat.status_of(user_id) in ("administrator", "creator")


def administers(chat: Chat, user_id: int, right: str) -> bool:
    """Tell whether a user has a right as an administrator; a permission of members will not do."""
    return is_admin(chat, user_id) and may(chat, user_id, right)


def may(chat: Chat, user_id: int, right: str) -> bool:
    """Tell whether a user has an administrator right, or a permission that members have."""
    status, data = chat.status_of(user_id), chat.members.get(user_id, {})
    if status == "creator" or chat.is_private:
        return True
    if status in ("administrator", "restricted"):
        default = status == "administrator" and right in PERMISSIONS
        return bool(data.get(right, default))
    default = right in PERMISSIONS and right not in WITHHELD
    return bool(chat.details.get("permissions", {}).get(right, default))
