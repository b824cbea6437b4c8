"""The bot's own profile: commands, names, descriptions, the menu button."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import find_chat
from toolkit.harness.fake_telegram.request import Request, checked_object
from toolkit.harness.fake_telegram.rights import RIGHTS
from toolkit.harness.types import Json

MAX_COMMAND, MAX_DESCRIPTION, MAX_COMMANDS = 32, 256, 100
SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")


def _scope(request: Request) -> str:
    """Return the scope of commands, as a key of `World.commands`."""
    what = "BotCommandScope"
    wrong = f"can't parse {what}: {what} must be an Object"
    scope: Json = request.json("scope", f"{what} JSON object", wrong) or {"type": "default"}
    kind = scope.get("type")
    if kind not in SCOPES + CHAT_SCOPES:
        raise cannot_parse(
            what, "Unsupported type specified" if kind else 'Can\'t find field "type"'
        )
    if kind in SCOPES:
        return str(kind)
    if not scope.get("chat_id"):
        raise cannot_parse(what, "Empty chat_id specified")
    chat = find_chat(request.inside(scope))
    if kind == "chat_administrators" and chat.is_private:
        raise bad_request("can't use specified scope in private chats")
    if kind == "chat_member" and int(scope.get("user_id") or 0) <= 0:
        raise cannot_parse(what, "Invalid user_id specified")
    member = f":{scope['user_id']}" if kind == "chat_member" else ""
    return f"{kind}:{chat.id}{member}"


def _language(request: Request) -> str:
    language = request.text("language_code")
    if language and not re.fullmatch(r"[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    return language


@method("setMyCommands")
def set_my_commands(request: Request) -> bool:
    wrong = "expected an Array of BotCommand"
    values = request.json("commands", "commands JSON object", wrong, list)
    given = [
        checked_object(value, "BotCommand", "command", "description") for value in values or []
    ]
    key = (_scope(request), _language(request))
    commands = [_command(value) for value in given]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    request.world.commands[key] = commands
    request.world.notify("commands", None, commands)
    return True


def _command(value: Json) -> Json:
    command = str(value["command"]).strip().removeprefix("/")
    description = str(value["description"]).strip()
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
    return request.world.commands.get((_scope(request), _language(request)), [])


@method("deleteMyCommands")
def delete_my_commands(request: Request) -> bool:
    request.world.commands.pop((_scope(request), _language(request)), None)
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
    return "menu_button", str(find_chat(request).id) if "chat_id" in request.payload else ""


@method("getChatMenuButton")
def get_chat_menu_button(request: Request) -> Any:
    profile, default = request.world.profile, {"type": "commands"}
    return profile.get(_menu_button_key(request)) or profile.get(("menu_button", ""), default)


@method("setChatMenuButton")
def set_chat_menu_button(request: Request) -> bool:
    key = _menu_button_key(request)
    button = request.payload.get("menu_button", {"type": "default"})
    kind = button.get("type") if isinstance(button, dict) else None
    if kind not in ("default", "commands", "web_app"):
        raise cannot_parse("menu button", "MenuButton has unsupported type")
    if kind == "web_app" and not ("text" in button and "url" in button.get("web_app", {})):
        raise cannot_parse("menu button", "it needs text and web_app")
    request.world.profile[key] = None if kind == "default" else button
    return True


def _rights_key(request: Request) -> tuple[str, str]:
    return "default_rights", "channels" if request.flag("for_channels") else ""


@method("getMyDefaultAdministratorRights")
def get_default_administrator_rights(request: Request) -> Json:
    none: Json = {"is_anonymous": False, **dict.fromkeys(RIGHTS, False)}
    return none | (request.world.profile.get(_rights_key(request)) or {})


@method("setMyDefaultAdministratorRights")
def set_default_administrator_rights(request: Request) -> bool:
    rights = request.json("rights", "ChatAdministratorRights JSON object", kind=object)
    request.world.profile[_rights_key(request)] = rights
    return True
