"""Bots that the bot manages for their owners, https://core.telegram.org/bots/api#managedbotupdated."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.model import ManagedBot
from toolkit.harness.fake_telegram.policy import positive_id
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

MAX_ADDED = 10


def managed_token(world: World, bot_id: int) -> str:
    """Return a new token for a bot that the bot manages."""
    return f"{bot_id}:managed-{world.number('managed_token')}"


def _managed(request: Request) -> ManagedBot:
    user_id, world = request.user_id(), request.world
    if user_id not in world.users:
        raise bad_request("user not found")
    if user_id not in world.managed_bots:
        raise bad_request("BOT_INVALID")
    return world.managed_bots[user_id]


@method("getManagedBotToken")
def get_managed_bot_token(request: Request) -> str:
    return _managed(request).token


@method("replaceManagedBotToken")
def replace_managed_bot_token(request: Request) -> str:
    managed = _managed(request)
    managed.token = managed_token(request.world, request.user_id())
    return managed.token


@method("getManagedBotAccessSettings")
def get_managed_bot_access_settings(request: Request) -> Json:
    managed, world = _managed(request), request.world
    if managed.added is None:
        return {"is_access_restricted": False}
    added = [world.user(user_id) for user_id in managed.added]
    return {"is_access_restricted": True, **({"added_users": added} if added else {})}


@method("setManagedBotAccessSettings")
def set_managed_bot_access_settings(request: Request) -> bool:
    request.user_id()
    restricted = request.flag("is_access_restricted")
    added = _user_ids(request) if restricted and request.text("added_user_ids") else []
    managed = _managed(request)
    if any(user_id not in request.world.users for user_id in added):
        raise bad_request("USER_ID_INVALID")
    managed.added = added if restricted else None
    return True


def _user_ids(request: Request) -> list[int]:
    name = "added_user_ids"
    values = request.array(name, "expected an Array of user identifiers")
    if len(values) > MAX_ADDED:
        raise bad_request("too many user identifiers specified")
    return [positive_id(value, "user identifier") for value in values]
