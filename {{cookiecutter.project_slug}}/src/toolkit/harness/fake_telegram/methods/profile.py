"""The bot's own profile: commands, names, descriptions, the menu button."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.membership import RIGHTS
from toolkit.harness.fake_telegram.methods.registry import Request, method
from toolkit.harness.fake_telegram.policy import find_chat
from toolkit.harness.types import Json

MAX_COMMAND, MAX_DESCRIPTION, MAX_COMMANDS = 32, 256, 100
SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")
# What getX answers is called, and how long it may be: https://core.telegram.org/bots/api#setmyname
TEXTS = {"name": 64, "description": 512, "short_description": 120}


def _scope(request: Request) -> str:
    """The scope of commands, as a key of `World.commands`."""
    scope = request.payload.get("scope") or {"type": "default"}
    if isinstance(scope, str):
        raise bad_request("can't parse BotCommandScope JSON object")
    if not isinstance(scope, dict):
        raise bad_request("can't parse BotCommandScope: BotCommandScope must be an Object")
    kind = scope.get("type")
    if kind not in SCOPES + CHAT_SCOPES:
        problem = "Unsupported type specified" if kind else 'Can\'t find field "type"'
        raise bad_request(f"can't parse BotCommandScope: {problem}")
    if kind in SCOPES:
        return str(kind)
    if not scope.get("chat_id"):
        raise bad_request("can't parse BotCommandScope: Empty chat_id specified")
    chat = find_chat(Request(request.telegram, request.method, scope, {}))
    if kind == "chat_administrators" and chat.is_private:
        raise bad_request("can't use specified scope in private chats")
    if kind == "chat_member" and int(scope.get("user_id") or 0) <= 0:
        raise bad_request("can't parse BotCommandScope: Invalid user_id specified")
    member = f":{scope['user_id']}" if kind == "chat_member" else ""
    return f"{kind}:{chat.id}{member}"


def _language(request: Request) -> str:
    language = request.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    return language


@method("setMyCommands")
def set_my_commands(request: Request) -> bool:
    values = request.payload.get("commands", [])
    if isinstance(values, str):
        raise bad_request("can't parse commands JSON object")
    if not isinstance(values, list):
        raise bad_request("expected an Array of BotCommand")
    commands = [_fields(value) for value in values]
    key = (_scope(request), _language(request))
    commands = [_command(value) for value in commands]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    request.telegram.commands[key] = commands
    request.telegram.notify("commands", None, commands)
    return True


def _fields(value: Any) -> Json:
    if not isinstance(value, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    for field in ("command", "description"):
        if field not in value:
            raise bad_request(f"can't parse BotCommand: Can't find field \"{field}\"")
    return value


def _command(value: Json) -> Json:
    command = str(value["command"]).strip().removeprefix("/")
    description = str(value["description"]).strip()
    if not command:
        raise bad_request("command must be non-empty")
    if len(command) > MAX_COMMAND:
        raise bad_request(f"command length must not exceed {MAX_COMMAND}")
    if not description:
        raise bad_request("command description must be non-empty")
    if len(description) > MAX_DESCRIPTION:
        raise bad_request(f"command description length must not exceed {MAX_DESCRIPTION}")
    if not re.fullmatch(r"[a-z0-9_]+", command):
        raise bad_request("BOT_COMMAND_INVALID")
    return {"command": command, "description": description}


@method("getMyCommands")
def get_my_commands(request: Request) -> list[Json]:
    return request.telegram.commands.get((_scope(request), _language(request)), [])


@method("deleteMyCommands")
def delete_my_commands(request: Request) -> bool:
    request.telegram.commands.pop((_scope(request), _language(request)), None)
    request.telegram.notify("commands", None, [])
    return True


@method("setMyName", "setMyDescription", "setMyShortDescription")
def set_my_text(request: Request) -> bool:
    field = _field(request)
    text = request.text(field)
    if len(text) > TEXTS[field]:
        raise bad_request(f"bot {field.replace('_', ' ')} is too long")
    language = _language(request)
    request.telegram.profile[field, language] = text
    if field == "name" and not language:
        request.telegram.me = {**request.telegram.me, "first_name": text or "Bot"}
    return True


@method("getMyName", "getMyDescription", "getMyShortDescription")
def get_my_text(request: Request) -> Json:
    field, profile = _field(request), request.telegram.profile
    default = request.telegram.me["first_name"] if field == "name" else ""
    return {field: profile.get((field, _language(request))) or profile.get((field, ""), default)}


def _field(request: Request) -> str:
    name = request.method.lower()[len("setmy") :]
    return "short_description" if name == "shortdescription" else name


@method("setChatMenuButton", "getChatMenuButton")
def chat_menu_button(request: Request) -> Any:
    chat = find_chat(request).id if "chat_id" in request.payload else ""
    profile, key = request.telegram.profile, ("menu_button", str(chat))
    if request.method.lower().startswith("get"):
        return profile.get(key) or profile.get(("menu_button", ""), {"type": "commands"})
    button = request.payload.get("menu_button", {"type": "default"})
    kind = button.get("type") if isinstance(button, dict) else None
    if kind not in ("default", "commands", "web_app"):
        raise bad_request("can't parse menu button: MenuButton has unsupported type")
    if kind == "web_app" and not ("text" in button and "url" in button.get("web_app", {})):
        raise bad_request("can't parse menu button: it needs text and web_app")
    profile[key] = None if kind == "default" else button
    return True


@method("setMyDefaultAdministratorRights", "getMyDefaultAdministratorRights")
def default_administrator_rights(request: Request) -> Any:
    key = ("default_rights", "channels" if request.flag("for_channels") else "")
    if request.method.lower().startswith("get"):
        none: Json = {"is_anonymous": False, **dict.fromkeys(RIGHTS, False)}
        return none | (request.telegram.profile.get(key) or {})
    rights = request.payload.get("rights")
    if isinstance(rights, str):
        raise bad_request("can't parse ChatAdministratorRights JSON object")
    request.telegram.profile[key] = rights
    return True
