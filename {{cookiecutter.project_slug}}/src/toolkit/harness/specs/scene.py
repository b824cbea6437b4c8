"""The scene of a spec: who is there, in which chats, and what the store holds before it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.given import Given, session_record
from toolkit.harness.specs.place import Place, short
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import FakeTelegram

USER: dict[str, type] = {
    "id": int,
    **dict.fromkeys(("first_name", "last_name", "username", "language_code"), str),
    "is_premium": bool,
}
CHAT: dict[str, type] = {
    "id": int,
    **dict.fromkeys(("type", "title", "username"), str),
    **dict.fromkeys(("bot_rights", "members", "administrators", "topics"), list),
}
PRIVATE = ("id", "type")
TOPIC: dict[str, type] = {"id": int, "name": str}
KINDS = ("group", "supergroup", "channel")
SESSION = r"^-?\d+_-?\d+"
"""How the key of a session begins."""
SESSION_KEY = SESSION + r"(_t\d+)?(_b.+)?$"


def read_scene(data: Json, place: Place) -> Json:
    """Return the fields of `Given` that are about users, chats and the store."""
    sessions = _objects(data.get("sessions", {}), place, "given.sessions")
    for key in sessions:
        if not re.search(SESSION_KEY, key):
            problem = 'is no key of a session, such as "1_1": the chat, and the user'
            place.refuse(f"given.sessions.{key}", problem)
    records = _objects(data.get("records", {}), place, "given.records")
    for key in records:
        if re.match(SESSION, key):
            place.refuse(f"given.records.{key}", "is a session: it goes into given.sessions")
    users = place.typed(data.get("users", []), list, "given.users")
    chats = place.typed(data.get("chats", []), list, "given.chats")
    for name, items, read in (("user", users, _user), ("chat", chats, _chat)):
        known: set[int] = set()
        for number, item in enumerate(items):
            field = f"given.{name}s[{number}]"
            read(item, place, field)
            if item["id"] in known:
                place.refuse(f"{field}.id", f"there is a {name} {item['id']} already")
            known.add(item["id"])
    stored = {"sessions": sessions, "records": records}
    return {**stored, "users": tuple(users), "chats": tuple(chats)}


def _objects(value: Any, place: Place, field: str) -> Json:
    for key, each in place.typed(value, dict, field).items():
        place.typed(key, str, f"{field}, key")
        place.typed(each, dict, f"{field}.{key}")
    return dict(value)


def _fields(
    value: Any, types: dict[str, type], place: Place, field: str, needed: Iterable[str] = ("id",)
) -> Json:
    for name, each in place.fields(value, field, types, needed).items():
        place.typed(each, types[name], f"{field}.{name}")
    return dict(value)


def _positive(value: Any, place: Place, field: str) -> None:
    if place.typed(value, int, field) < 1:
        place.refuse(field, f"must be 1 or more, not {value}")


def _user(value: Any, place: Place, field: str) -> None:
    _positive(_fields(value, USER, place, field)["id"], place, f"{field}.id")


def _chat(value: Any, place: Place, field: str) -> None:
    chat = _fields(value, CHAT, place, field)
    if chat["id"] > 0:
        place.fields(chat, field, PRIVATE, ())
        if chat.get("type", "private") != "private":
            place.refuse(f"{field}.id", f"of a {chat['type']} is below 0, not {chat['id']}")
        return
    if not chat["id"]:
        place.refuse(f"{field}.id", "0 is the id of no chat")
    kinds = ("supergroup",) if "topics" in chat else KINDS
    if "type" in chat and chat["type"] not in kinds:
        which = "a forum" if "topics" in chat else "a chat with an id below 0"
        problem = f"of {which} must be {' or '.join(kinds)}, not {short(chat['type'])}"
        place.refuse(f"{field}.type", problem)
    for name in ("members", "administrators"):
        for user_id in chat.get(name, ()):
            _positive(user_id, place, f"{field}.{name}")
    for topic in chat.get("topics", ()):
        needed = _fields(topic, TOPIC, place, f"{field}.topics", TOPIC)
        _positive(needed["id"], place, f"{field}.topics")
    if "bot_rights" in chat:
        _rights(chat["bot_rights"], place, f"{field}.bot_rights")


def _rights(names: list[Any], place: Place, field: str) -> None:
    from toolkit.harness.fake_telegram.rights import ALL_RIGHTS

    for name in names:
        if name not in ALL_RIGHTS:
            place.refuse(field, f"{short(name)} is none of {', '.join(ALL_RIGHTS)}")


async def set_scene(app: BotApp[Any], telegram: FakeTelegram, given: Given) -> None:
    """Bring users, chats and records there. Raises `ValueError` where a session does not fit."""
    telegram.language = given.language
    for user in given.users:
        telegram.user(user["id"], **{k: v for k, v in user.items() if k != "id"})
    for chat in given.chats:
        _open(telegram, chat)
    for key, fields in given.sessions.items():
        await app.session_storage.write(key, session_record(app, fields, f"given.sessions.{key}"))
        owner = int(key.partition("_")[0])
        if owner > 0:
            telegram.chat_for(owner)  # who has a session has written before
    for key, value in given.records.items():
        await app.session_storage.write(key, value)


def _open(telegram: FakeTelegram, data: Json) -> None:
    from toolkit.harness.fake_telegram.rights import ALL_RIGHTS, member

    chat_id, topics = data["id"], data.get("topics")
    if chat_id > 0:
        telegram.chat_for(chat_id)
        return
    kind = data.get("type")
    head: Json = {"title": data.get("title", "Group"), "kind": kind, "forum": topics is not None}
    head |= {"bot": "administrator"} if kind == "channel" else {}
    head |= {"username": data["username"]} if "username" in data else {}
    telegram.group(chat_id, members=data.get("members", ()), **head)
    chat = telegram.chats[chat_id]
    if "bot_rights" in data:
        granted = {"can_manage_chat", *data["bot_rights"]}
        rights = {right: right in granted for right in ALL_RIGHTS}
        chat.members[telegram.bot_id] = member("administrator", telegram.bot_user, **rights)
    for user_id in data.get("administrators", ()):
        chat.members[user_id] = member("administrator", telegram.user(user_id))
    for topic in topics or ():
        chat.topic(topic["id"], topic["name"])
        # A topic has the id of the message that opened it.
        chat.last_message_id = max(chat.last_message_id, topic["id"])
