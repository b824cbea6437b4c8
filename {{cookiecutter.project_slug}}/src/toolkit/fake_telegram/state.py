"""What the fake server remembers: users, chats, messages, callback queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .updates import UpdateQueue

Json = dict[str, Any]
Clock = Callable[[], float]


@dataclass
class User:
    """A person, as `data` (a Bot API User), and how they stand towards the bot."""

    data: Json
    started: bool = False
    blocked: bool = False
    deactivated: bool = False

    @property
    def id(self) -> int:
        return int(self.data["id"])


@dataclass
class Chat:
    """A chat: `data` is the Bot API Chat; `messages` are Bot API Messages that are never mutated."""

    data: Json
    messages: dict[int, Json] = field(default_factory=dict)
    members: dict[int, Json] = field(default_factory=dict)
    reply_keyboard: Json | None = None
    pinned: list[int] = field(default_factory=list)
    topics: dict[int, Json] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    last_message_id: int = 0
    migrated_to: int | None = None
    details: Json = field(default_factory=dict)

    @property
    def id(self) -> int:
        return int(self.data["id"])

    @property
    def kind(self) -> str:
        return str(self.data["type"])


@dataclass
class CallbackQuery:
    """A tap on an inline button, and what the bot answered to it."""

    id: str
    user_id: int
    chat_id: int | None
    message_id: int | None
    data: str
    at: float
    answer: Json | None = None

    @property
    def answered(self) -> bool:
        return self.answer is not None


@dataclass(frozen=True)
class Event:
    """Something changed: `kind` is call, update, message, deleted, callback or chat."""

    kind: str
    chat_id: int | None
    data: Any


class World:
    """Users, chats and messages with ids that depend on nothing but the order of events."""

    def __init__(
        self,
        *,
        token: str = "42:fake",  # noqa: S107 - a placeholder; the fake has no secrets
        clock: Clock = time.time,
        first_message_id: int = 1,
        first_update_id: int = 1,
        history: int | None = None,
    ) -> None:
        self.token = token
        self.clock = clock
        self.me: Json = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Bot",
            "username": "fake_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": True,
            "supports_inline_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.callbacks: dict[str, CallbackQuery] = {}
        self.updates = UpdateQueue(first_update_id)
        self._first_message_id = first_message_id
        self._last_message_id = first_message_id - 1
        self._history = history
        self._numbers: dict[str, int] = {}
        self._observers: list[Callable[[Event], None]] = []

    def now(self) -> int:
        """The clock in whole seconds, as the Bot API writes dates."""
        return int(self.clock())

    def number(self, name: str) -> int:
        """The next number of a named sequence, from 1."""
        self._numbers[name] = number = self._numbers.get(name, 0) + 1
        return number

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with every Event from now on; the answer stops it."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def notify(self, kind: str, chat_id: int | None, data: Any) -> None:
        """Tell the observers."""
        for callback in tuple(self._observers):
            callback(Event(kind, chat_id, data))

    def user(self, user_id: int, first_name: str | None = None, **fields: Any) -> Json:
        """The user with this id, created on first mention; `fields` are those of a Bot API User."""
        known = self.users.get(user_id)
        if known is None:
            name = first_name or f"User {user_id}"
            data = {"id": user_id, "is_bot": False, "first_name": name, "language_code": "en"}
            known = self.users[user_id] = User({**data, **fields})
        elif first_name or fields:
            named = {"first_name": first_name} if first_name else {}
            known.data = {**known.data, **named, **fields}
        return known.data

    def private_chat(self, user_id: int) -> Chat:
        """The private chat of a user with the bot; it has the user's id."""
        chat = self.chats.get(user_id)
        if chat is None:
            user = self.user(user_id)
            names = ("first_name", "last_name", "username")
            data = {"id": user_id, "type": "private", **{n: user[n] for n in names if n in user}}
            chat = self.chats[user_id] = Chat(data)
        return chat

    def group(
        self,
        chat_id: int,
        title: str = "Group",
        members: Iterable[int] = (),
        *,
        forum: bool = False,
        kind: str | None = None,
        **fields: Any,
    ) -> Json:
        """A group (`-100…` ids are supergroups, others basic groups) the bot and `members` are in."""
        chat = self.chats.get(chat_id)
        if chat is None:
            kind = kind or ("supergroup" if forum or chat_id < -(10**12) else "group")
            data = {"id": chat_id, "type": kind, "title": title, **fields}
            chat = self.chats[chat_id] = Chat({**data, "is_forum": True} if forum else data)
            chat.members[self.me["id"]] = {"status": "administrator", "user": self.me}
        for user_id in members:
            chat.members.setdefault(user_id, {"status": "member", "user": self.user(user_id)})
        return chat.data

    def channel(self, chat_id: int, title: str = "Channel", **fields: Any) -> Json:
        """A channel where the bot is an administrator."""
        return self.group(chat_id, title, kind="channel", **fields)

    def next_message_id(self, chat: Chat) -> int:
        """Private chats and basic groups share one sequence; supergroups and channels have their own."""
        if chat.kind in ("supergroup", "channel"):
            chat.last_message_id = max(chat.last_message_id + 1, self._first_message_id)
            return chat.last_message_id
        self._last_message_id += 1
        return self._last_message_id

    def put_message(self, chat: Chat, message: Json) -> Json:
        """Show a message, or a new version of one, in its chat."""
        message_id = message["message_id"]
        if self._history is not None and message_id not in chat.messages:
            while len(chat.messages) >= self._history:
                del chat.messages[next(iter(chat.messages))]
        chat.messages[message_id] = message
        self.notify("message", chat.id, message)
        return message

    def new_message(self, chat: Chat, sender: Json | None, content: Json, **fields: Any) -> Json:
        """Append a message with a fresh id; `sender` None means the chat itself speaks."""
        head: Json = {"message_id": self.next_message_id(chat)}
        if sender is not None and chat.kind != "channel":
            head["from"] = sender
        elif sender is None or chat.kind == "channel":
            head["sender_chat"] = chat.data
        head["chat"] = chat.data
        head["date"] = self.now()
        return self.put_message(chat, {**head, **fields, **content})

    def remove_message(self, chat: Chat, message_id: int) -> None:
        """Take a message off the screen."""
        del chat.messages[message_id]
        if message_id in chat.pinned:
            chat.pinned.remove(message_id)
        self.notify("deleted", chat.id, message_id)

    def emit(self, kind: str, content: Json) -> Json:
        """Make an update of `content`, queue it for the bot, and return it."""
        update = self.updates.put(kind, content)
        chat = content.get("chat") or content.get("message", {}).get("chat")
        self.notify("update", chat["id"] if chat else None, update)
        return update

    def messages(self, chat_id: int) -> list[Json]:
        """What is on screen in a chat, oldest first, edits applied."""
        chat = self.chats.get(chat_id)
        return list(chat.messages.values()) if chat else []

    def message(self, chat_id: int, message_id: int) -> Json | None:
        """One message on screen, or None."""
        chat = self.chats.get(chat_id)
        return chat.messages.get(message_id) if chat else None

    @property
    def unanswered(self) -> list[CallbackQuery]:
        """Taps the bot has not answered: their buttons still spin."""
        return [query for query in self.callbacks.values() if not query.answered]
