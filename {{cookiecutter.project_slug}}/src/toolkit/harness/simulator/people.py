"""Who is there, and which chats: people, groups, forums and channels that are added or changed.

They go into what the world began with as well, so that a saved spec has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram import Chat, Event
from toolkit.harness.fake_telegram.rights import (
    ALL_RIGHTS,
    CHANNEL_RIGHTS,
    GROUP_RIGHTS,
    RIGHTS,
    member,
)
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.turns import Turn, name_of
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation

USERNAME = re.compile(r"[A-Za-z]\w{3,31}", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
KINDS = ("group", "forum", "channel")
RIGHTS_IN: dict[str, Sequence[str]] = {
    "group": (*RIGHTS, *GROUP_RIGHTS),
    "forum": (*RIGHTS, *GROUP_RIGHTS),
    "channel": (*RIGHTS, *CHANNEL_RIGHTS),
}
"""What an administrator can be allowed in each kind of chat."""


def meet(
    simulation: Simulation,
    name: str,
    username: str = "",
    language: str = "",
    user_id: str | int = "",
) -> int:
    """Let a new person come along, in every group; return their id.

    Raises `SimulatorError` for what no user of Telegram can be.
    """
    world = simulation.telegram
    user = _new_id(simulation, str(user_id)) if user_id else max(world.users, default=0) + 1
    world.user(user, **_fields(simulation, user, name, username, language))
    world.private_chat(user)
    for chat in list(world.chats.values()):
        if not chat.is_private:
            world.group(chat.id, members=[user])
    _keep(simulation, "users", world.users[user].data)
    simulation.changed("people", None)
    simulation.changed("event", Event("chat", user, None))
    return user


def describe(
    simulation: Simulation, user: int, name: str, username: str = "", language: str = ""
) -> None:
    """Give a person another name, username or language; the next update has them."""
    world = simulation.telegram
    if user not in world.users:
        raise SimulatorError(f"there is no user {user}")
    fields = _fields(simulation, user, name, username, language)
    if "username" not in fields:
        for each in (world.users[user], world.chats[user]):
            each.data = {key: value for key, value in each.data.items() if key != "username"}
    world.user(user, **fields)
    _keep(simulation, "users", world.users[user].data)
    simulation.changed("people", None)
    simulation.changed("event", Event("chat", user, None))


def gather(
    simulation: Simulation, title: str, kind: str = "group", rights: list[str] | None = None
) -> int:
    """Open a chat of all people and the bot, an administrator with `rights` if any; return its id.

    `kind` is one of `KINDS`. In a channel the bot is an administrator in any case.
    """
    if not title.strip():
        raise SimulatorError("a chat needs a title")
    if kind not in KINDS:
        raise SimulatorError(f"a chat is one of {', '.join(KINDS)}, not {kind!r}")
    world = simulation.telegram
    chat_id = min(world.chats) - 1
    members = [user.id for user in world.users.values() if not user.data["is_bot"]]
    type_ = "channel" if kind == "channel" else "supergroup"
    world.group(chat_id, title.strip(), members, forum=kind == "forum", kind=type_)
    chat = world.chats[chat_id]
    given: Json = {"id": chat_id, "type": type_, "title": title.strip(), "members": members}
    if kind == "forum":
        given["topics"] = []
    if kind == "channel":  # only administrators write there
        given["administrators"] = given.pop("members")
        for user_id in members:
            chat.members[user_id] = member("administrator", world.user(user_id))
    if rights or kind == "channel":
        given["bot_rights"] = rights or []
        granted = _granted(rights or ())
        chat.members[world.bot_id] = member("administrator", world.bot_user, **granted)
    _keep(simulation, "chats", given)
    simulation.changed("event", Event("chat", chat_id, None))
    return chat_id


def grant(simulation: Simulation, user: int, chat: int, rights: list[str]) -> Turn:
    """Let a person make the bot an administrator with `rights`; with none, an ordinary member."""
    found = simulation.telegram.chats[chat]
    admin = bool(rights) or found.kind == "channel"
    status, granted = ("administrator", _granted(rights)) if admin else ("member", {})
    return simulation.act(lambda world: world.add_bot(user, chat, status, **granted))


def shown(simulation: Simulation) -> list[Json]:
    """Return all people as pages see them."""
    users = [user.data for user in simulation.telegram.users.values() if not user.data["is_bot"]]
    return [
        {
            "id": user["id"],
            "name": name_of(user),
            "username": user.get("username", ""),
            "language": user.get("language_code", ""),
        }
        for user in users
    ]


def bot_in(chat: Chat, bot_id: int) -> Json:
    """Return the bot's status in a chat, and the rights that it has there."""
    data = chat.members.get(bot_id, {})
    return {
        "status": data.get("status", "member"),
        "rights": [right for right in ALL_RIGHTS if data.get(right)],
    }


def _new_id(simulation: Simulation, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**52):
        raise SimulatorError(f"an id is a number above 0, not {text!r}")
    if int(text) in simulation.telegram.users or int(text) == simulation.telegram.bot_id:
        raise SimulatorError(f"there is a user {text} already")
    return int(text)


def _fields(
    simulation: Simulation, user_id: int, name: str, username: str, language: str
) -> dict[str, str]:
    """Return the fields of a Bot API User; those that are empty are left out."""
    name, username, language = name.strip(), username.strip().removeprefix("@"), language.strip()
    if not name:
        raise SimulatorError("a person needs a name")
    if username and not USERNAME.fullmatch(username):
        raise SimulatorError(
            f"{username!r} is no username: 4 to 32 letters, digits or _, a letter first"
        )
    for other in simulation.telegram.users.values():
        taken = other.data.get("username", "").casefold() == username.casefold()
        if username and taken and other.id != user_id:
            raise SimulatorError(f"@{username} is somebody else's")
    if language and not LANGUAGE.fullmatch(language):
        raise SimulatorError(f'{language!r} is no language: a code such as "de" or "pt-br"')
    fields = {"first_name": name, "username": username, "language_code": language}
    return {key: value for key, value in fields.items() if value}


def _granted(rights: Iterable[str]) -> dict[str, Any]:
    chosen = {"can_manage_chat", *rights}
    if unknown := chosen - {*ALL_RIGHTS}:
        raise SimulatorError(f"{min(unknown)!r} is no right of an administrator")
    return {right: right in chosen for right in ALL_RIGHTS}


def _keep(simulation: Simulation, where: str, data: Json) -> None:
    """Let the world have begun with this user or chat."""
    kept = {key: value for key, value in data.items() if key != "is_bot"}
    others = [each for each in getattr(simulation.given, where) if each["id"] != data["id"]]
    changes: dict[str, Any] = {where: (*others, kept)}
    simulation.given = replace(simulation.given, **changes)
