"""The bot's own profile: commands, name, descriptions."""

from __future__ import annotations

from typing import Any

from .registry import Request, method


@method("setMyCommands")
def set_my_commands(request: Request) -> bool:
    request.telegram.commands[""] = request.payload["commands"]
    return True


@method("getMyCommands")
def get_my_commands(request: Request) -> Any:
    return request.telegram.commands.get("", [])
