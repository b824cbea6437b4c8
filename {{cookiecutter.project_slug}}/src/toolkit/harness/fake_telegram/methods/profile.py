"""The bot's own profile: commands, names, descriptions, the menu button."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.buttons import RIGHTS as BUTTON_RIGHTS
from toolkit.harness.fake_telegram.buttons import check_web_app
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, Problem, parsing
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import members_chat
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rights import CHANNEL_RIGHTS, GROUP_RIGHTS, RIGHTS
from toolkit.harness.types import Json

MAX_COMMAND, MAX_DESCRIPTION, MAX_COMMANDS = 32, 256, 100
SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")


def _scope(request: Request) -> Callable[[], str]:
    """Return the scope of commands, as a key of `World.commands`, for when the rest is read."""
    what = "BotCommandScope"
    if "scope" not in request.payload:
        return lambda: "default"
    value = request.json("scope", f"{what} JSON object", kind=object)
    with parsing(what):
        scope = fields.an_object(value, f"{what} must be an Object")
        kind = fields.required_text(scope, "type")
        if kind in SCOPES:
            return lambda: kind
        if kind not in CHAT_SCOPES:
            raise Problem("Unsupported type specified")
        chat_id = fields.required_text(scope, "chat_id")
        if not chat_id:
            raise Problem("Empty chat_id specified")
        user_id = fields.required_integer(scope, "user_id", INT64) if kind == CHAT_SCOPES[2] else 0
        if kind == CHAT_SCOPES[2] and user_id <= 0:
            raise Problem("Invalid user_id specified")
    return lambda: _chat_scope(request, kind, chat_id, user_id)


def _chat_scope(request: Request, kind: str, chat_id: str, user_id: int) -> str:
    chat = members_chat(request.inside({"chat_id": chat_id}))
    if user_id and user_id not in request.world.users:
        raise bad_request("user not found")
    if kind != "chat" and chat.is_private:
        raise bad_request("can't use specified scope in private chats")
    if chat.kind == "channel":
        raise bad_request("can't change commands in channel chats")
    return f"{kind}:{chat.id}{f':{user_id}' if user_id else ''}"


def _language(request: Request) -> str:
    language = request.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    return language


@method("setMyCommands")
def set_my_commands(request: Request) -> bool:
    wrong, unparsed = "expected an Array of BotCommand", "commands JSON object"
    values = request.array("commands", wrong, unparsed, required=False)
    with parsing("BotCommand"):
        given = [_read_command(value) for value in values]
    scope = _scope(request)
    key = (scope(), _language(request))
    commands = [_command(value) for value in given]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    request.world.commands[key] = commands
    request.world.notify("commands", None, commands)
    return True


def _read_command(value: Any) -> Json:
    given = fields.an_object(value)
    return {name: fields.required_text(given, name) for name in ("command", "description")}


def _command(value: Json) -> Json:
    command = value["command"].strip().removeprefix("/")
    description = value["description"].strip()
    for what, text, most in (
        ("command", command, MAX_COMMAND),
        ("command description", description, MAX_DESCRIPTION),
    ):
        if not text:
            raise bad_request(f"{what} must be non-empty")
        if len(text) > most:
            raise bad_request(f"{what} length must not exceed {most}")
    if not re.fullmatch(r"[a-z0-9_]+", command):
        raise bad_request("BOT_COMMAND_INVALID")
    return {"command": command, "description": description}


@method("getMyCommands")
def get_my_commands(request: Request) -> list[Json]:
    scope = _scope(request)
    return request.world.commands.get((scope(), _language(request)), [])


@method("deleteMyCommands")
def delete_my_commands(request: Request) -> bool:
    scope = _scope(request)
    request.world.commands.pop((scope(), _language(request)), None)
    request.world.notify("commands", None, [])
    return True


# The longest texts: https://core.telegram.org/bots/api#setmyname and the methods after it.
@method("setMyName", field="name", most=64)
@method("setMyDescription", field="description", most=512)
@method("setMyShortDescription", field="short_description", most=120)
def set_my_text(request: Request, field: str, most: int) -> bool:
    text = request.text(field)
    if len(text) > most:
        raise bad_request(f"bot {field.replace('_', ' ')} is too long")
    language = _language(request)
    request.world.profile[field, language] = text
    if field == "name" and not language:
        request.world.me = {**request.world.me, "first_name": text or "Bot"}
    return True


@method("getMyName", field="name")
@method("getMyDescription", field="description")
@method("getMyShortDescription", field="short_description")
def get_my_text(request: Request, field: str) -> Json:
    profile = request.world.profile
    default = request.world.me["first_name"] if field == "name" else ""
    return {field: profile.get((field, _language(request))) or profile.get((field, ""), default)}


def _menu_button_key(request: Request) -> tuple[str, str]:
    """Return under which key the button of a user stands, or everybody's."""
    if "chat_id" not in request.payload:
        return "menu_button", ""
    user_id = request.user_id("chat_id")
    if user_id not in request.world.users:
        raise bad_request("user not found")
    return "menu_button", str(user_id)


@method("getChatMenuButton")
def get_chat_menu_button(request: Request) -> Any:
    profile, default = request.world.profile, {"type": "commands"}
    return profile.get(_menu_button_key(request)) or profile.get(("menu_button", ""), default)


@method("setChatMenuButton")
def set_chat_menu_button(request: Request) -> bool:
    button = _read_menu_button(request)
    key = _menu_button_key(request)
    if button["type"] == "web_app":
        if not button["text"]:
            raise bad_request("menu button text must be non-empty")
        what = "menu button Web App"
        url = check_web_app(button["web_app"]["url"], what, "Web App URL buttons")
        button = {**button, "web_app": {"url": url}}
    request.world.profile[key] = None if button["type"] == "default" else button
    return True


def _read_menu_button(request: Request) -> Json:
    if "menu_button" not in request.payload:
        return {"type": "default"}
    value = request.json("menu_button", "menu button JSON object", kind=object)
    with parsing("menu button"):
        given = fields.an_object(value, "MenuButton must be an Object")
        kind = fields.required_text(given, "type")
        if kind in ("default", "commands"):
            return {"type": kind}
        if kind != "web_app":
            raise Problem("MenuButton has unsupported type")
        text = fields.required_text(given, "text")
        url = fields.required_text(fields.required_nested(given, "web_app"), "url")
        return {"type": kind, "text": text, "web_app": {"url": url}}


def _rights_key(request: Request) -> tuple[str, str]:
    return "default_rights", "channels" if request.flag("for_channels") else ""


@method("getMyDefaultAdministratorRights")
def get_default_administrator_rights(request: Request) -> Json:
    own = CHANNEL_RIGHTS if request.flag("for_channels") else GROUP_RIGHTS
    granted = request.world.profile.get(_rights_key(request)) or {}
    rights = {name: granted.get(name, False) for name in (*RIGHTS, *own, "is_anonymous")}
    return {**rights, "can_manage_chat": any(rights.values())}


@method("setMyDefaultAdministratorRights")
def set_default_administrator_rights(request: Request) -> bool:
    what = "ChatAdministratorRights"
    value = None
    if "rights" in request.payload:
        value = request.json("rights", f"{what} JSON object", kind=object)
        with parsing(what):
            fields.check_flags(fields.an_object(value, f"{what} must be an Object"), BUTTON_RIGHTS)
    request.world.profile[_rights_key(request)] = value
    return True
