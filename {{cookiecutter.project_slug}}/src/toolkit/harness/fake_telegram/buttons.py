"""The buttons of keyboards, https://core.telegram.org/bots/api#inlinekeyboardbutton."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.entities.links import LinkError, check_link, user_of
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, Problem
from toolkit.harness.types import Json

MAX_CALLBACK_DATA = 64  # bytes
MAX_COPY_TEXT = 256
INLINE, REPLY = "inline keyboard button", "keyboard button"
STYLES = ("", "default", "primary", "danger", "success")
_RIGHTS = (
    "can_manage_chat can_change_info can_post_messages can_edit_messages can_delete_messages "
    "can_invite_users can_restrict_members can_pin_messages can_manage_topics can_promote_members "
    "can_manage_video_chats can_post_stories can_edit_stories can_delete_stories "
    "can_manage_direct_messages can_manage_tags is_anonymous"
)
RIGHTS = tuple(_RIGHTS.split())
_USER_FLAGS = [
    "user_is_bot",
    "user_is_premium",
    "request_name",
    "request_username",
    "request_photo",
]
_CHAT_FLAGS = [
    "chat_is_channel",
    "chat_is_forum",
    "chat_has_username",
    "chat_is_created",
    "bot_is_member",
    "request_title",
    "request_username",
    "request_photo",
]
_ALLOWED = ("allow_user_chats", "allow_bot_chats", "allow_group_chats", "allow_channel_chats")
# What a reply button asks for, and who asks for it in private chats only.
_REQUESTS = {
    "request_contact": "phone number can be requested",
    "request_location": "location can be requested",
    "request_poll": "poll can be requested",
    "web_app": "Web App buttons can be used",
    "request_users": "users can be requested",
    "request_user": "users can be requested",
    "request_chat": "chats can be requested",
    "request_managed_bot": "managed bots can be requested",
}


def _head(button: Json) -> Json:
    """Return the label of a button and how it looks."""
    head: Json = {"text": fields.required_text(button, "text")}
    if icon := fields.integer(button, "icon_custom_emoji_id", 0, INT64):
        head["icon_custom_emoji_id"] = str(icon)
    style = fields.text(button, "style").lower()
    if style not in STYLES:
        raise Problem("invalid button style specified")
    return {**head, "style": style} if style not in STYLES[:2] else head


def read_reply_button(button: Any) -> Json:
    """Return a KeyboardButton; a Problem for what is none."""
    if isinstance(button, str):
        return {"text": button}
    fields.an_object(button, "KeyboardButton must be a String or an Object")
    head = _head(button)
    for name in ("request_phone_number", "request_contact", "request_location"):
        if fields.flag(button, name):
            return {**head, name.replace("phone_number", "contact"): True}
    for name, read in _OBJECTS.items():
        if name in button:
            return {**head, name: read(fields.nested(button, name))}
    return head


def _poll(value: Json) -> Json:
    kind = fields.text(value, "type")
    return {"type": kind} if kind in ("quiz", "regular") else {}


def _web_app(value: Json) -> Json:
    return {"url": fields.required_text(value, "url")}


def _users(value: Json) -> Json:
    asked: Json = {"request_id": fields.required_integer(value, "request_id")}
    fields.check_flags(value, _USER_FLAGS)
    most = fields.integer(value, "max_quantity", 1)
    return {**value, **asked, "max_quantity": most}


def _chat(value: Json) -> Json:
    asked: Json = {"request_id": fields.required_integer(value, "request_id")}
    fields.check_flags(value, _CHAT_FLAGS[:4])
    for name in ("user_administrator_rights", "bot_administrator_rights"):
        if name in value:
            fields.check_flags(
                fields.an_object(value[name], "ChatAdministratorRights must be an Object"), RIGHTS
            )
    fields.check_flags(value, _CHAT_FLAGS[4:])
    return {**value, **asked}


def _managed_bot(value: Json) -> Json:
    asked: Json = {"request_id": fields.required_integer(value, "request_id")}
    names = ("suggested_name", "suggested_username")
    return asked | {name: fields.text(value, name) for name in names if name in value}


_OBJECTS = {
    "request_poll": _poll,
    "web_app": _web_app,
    "request_users": _users,
    "request_user": _users,
    "request_chat": _chat,
    "request_managed_bot": _managed_bot,
}


def check_reply_button(button: Json, *, private: bool) -> Json:
    """Return a button with a label; refuse one that this chat may not have."""
    if not button["text"]:
        raise bad_request(f"{REPLY} text must be non-empty")
    for name, what in _REQUESTS.items():
        if name in button and not private:
            raise bad_request(f"{what} in private chats only")
    if "web_app" in button:
        check_web_app(button["web_app"]["url"], f"{REPLY} Web App", "Web App URL buttons")
    for name in ("request_users", "request_user"):
        if name in button and not 1 <= button[name]["max_quantity"] <= 10:
            raise bad_request("BUTTON_QUANTITY_MAX_INVALID")
    return button


def read_inline_button(button: Any) -> Json:
    """Return an InlineKeyboardButton with the one thing it does; a Problem for what is none."""
    fields.an_object(button, "InlineKeyboardButton must be an Object")
    head = _head(button)
    for name in ("url", "callback_data"):
        if value := fields.text(button, name):
            return {**head, name: value}
    for name, read in _INLINE.items():
        if name in button:
            return {**head, name: read(button, name)}
    raise Problem("Text buttons are unallowed in the inline keyboard")


def _chosen_chat(button: Json, name: str) -> Json:
    value: Json = fields.nested(button, name)
    query = fields.text(value, "query")
    fields.check_flags(value, _ALLOWED)
    return {**value, "query": query} if "query" in value else value


def _login(button: Json, name: str) -> Json:
    value: Json = fields.nested(button, name)
    login: Json = {**value, "url": fields.required_text(value, "url")}
    bot = fields.text(value, "bot_username")
    fields.flag(value, "request_write_access")
    fields.text(value, "forward_text")
    if bot and not re.fullmatch(r"@?[A-Za-z0-9_]+", bot):
        raise Problem("LoginUrl bot username is invalid")
    return login


def _copied(button: Json, name: str) -> Json:
    return {"text": fields.required_text(fields.nested(button, name), "text")}


# In this order the server looks for what an inline button does; only the first one counts.
_INLINE: dict[str, Any] = {
    "callback_game": lambda button, name: {},
    "pay": lambda button, name: True,
    "switch_inline_query": fields.required_text,
    "switch_inline_query_chosen_chat": _chosen_chat,
    "switch_inline_query_current_chat": fields.required_text,
    "login_url": _login,
    "web_app": lambda button, name: _web_app(fields.nested(button, name)),
    "copy_text": _copied,
}


def check_inline_button(button: Json, *, switches: bool) -> Json:
    """Return a button as it is shown; refuse one that cannot be sent."""
    if not button["text"]:
        raise bad_request(f"{INLINE} text must be non-empty")
    if "callback_data" in button:
        if len(button["callback_data"].encode()) > MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    elif "url" in button:
        if not user_of(button["url"]):
            return {**button, "url": _checked(button["url"], INLINE)}
    elif "login_url" in button:
        what = f"{INLINE} login"
        url = check_web_app(button["login_url"]["url"], what, "login URL buttons")
        return {**button, "login_url": {**button["login_url"], "url": url}}
    elif "web_app" in button:
        url = check_web_app(button["web_app"]["url"], f"{INLINE} Web App", "Web App URL buttons")
        return {**button, "web_app": {"url": url}}
    elif "copy_text" in button:
        if not 1 <= len(button["copy_text"]["text"]) <= MAX_COPY_TEXT:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")
    else:
        _check_switch(button, allowed=switches)
    return button


def _check_switch(button: Json, *, allowed: bool) -> None:
    chosen = button.get("switch_inline_query_chosen_chat")
    if chosen is not None and not any(chosen.get(name) for name in _ALLOWED):
        raise bad_request("at least one chat type must be allowed")
    name = next((name for name in button if name.startswith("switch_inline_query")), None)
    if name is not None and not allowed:
        shown = name.removesuffix("_chosen_chat")
        raise bad_request(
            f"can't use {shown} button in a channel chat, because users will not be able to use "
            "the button without knowing bot's username"
        )


def check_web_app(url: str, what: str, buttons: str) -> str:
    """Return an HTTPS link; refuse any other, of a user too."""
    if user_of(url):
        raise bad_request(f"link to a user can't be used in {buttons}")
    return _checked(url, what, https_only=True)


def _checked(url: str, what: str, *, https_only: bool = False) -> str:
    reason = ""
    try:
        kept = check_link(url)
    except LinkError as error:
        reason = str(error)
    if https_only and reason in ("", "Wrong HTTP URL") and not url.lower().startswith("https://"):
        reason = "Only HTTPS links are allowed"
    if reason:
        raise bad_request(f"{what} URL '{url}' is invalid: {reason}")
    return kept
