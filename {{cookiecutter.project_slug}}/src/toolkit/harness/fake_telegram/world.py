"""World: the users, chats and messages of one bot's Telegram, with ids in order of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from toolkit.harness.fake_telegram.files import Files
from toolkit.harness.fake_telegram.membership import member
from toolkit.harness.fake_telegram.model import Chat, Event, Query, User
from toolkit.harness.fake_telegram.update_queue import UpdateQueue
from toolkit.harness.types import Json

Clock = Callable[[], float]
KEPT_QUERIES = 10_000


class World:
    """The state of the server; nothing in it depends on time or chance but `clock`."""

    def __init__(
        self,
        *,
        token: str = "42:fake",  # noqa: S107 - no secret: nothing outside knows it
        clock: Clock = time.time,
        first_message_id: int = 1,
        first_update_id: int = 1,
        history: int | None = None,
        query_lifetime: float = 900.0,
    ) -> None:
        self.token = token
        self.clock = clock
        self.me = _bot(int(token.partition(":")[0]))
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        self.callbacks: dict[str, Query] = {}
        self.queries: dict[str, Query] = {}
        self.polls: dict[str, tuple[int, int]] = {}
        self.invoices: dict[str, Json] = {}
        self.inline_messages: dict[str, tuple[int, int]] = {}
        self.business_connections: dict[str, Json] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.profile: dict[tuple[str, str], Any] = {}
        self.files = Files()
        self.updates = UpdateQueue(first_update_id)
        self.query_lifetime = query_lifetime
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
        """Call `callback` with every Event from now on; calling the answer stops it."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def notify(self, kind: str, chat_id: int | None, data: Any) -> None:
        """Tell the observers."""
        if self._observers:
            event = Event(kind, chat_id, data)
            for callback in tuple(self._observers):
                callback(event)

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
            chat = self.chats.get(user_id)
            if chat is not None:
                chat.data = {**chat.data, **_private(known.data)}
        return known.data

    @property
    def bot_user(self) -> Json:
        """The bot as the sender of its messages."""
        return {key: self.me[key] for key in ("id", "is_bot", "first_name", "username")}

    def private_chat(self, user_id: int) -> Chat:
        """The private chat of a user with the bot; it has the user's id."""
        chat = self.chats.get(user_id)
        if chat is None:
            data = {"id": user_id, "type": "private", **_private(self.user(user_id))}
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
        bot: str = "member",
        **fields: Any,
    ) -> Json:
        """A group with the bot (as `bot`: member, administrator, left or kicked) and `members`.

        Ids below -10¹² are supergroups, as on Telegram; other groups are basic ones.
        """
        chat = self.chats.get(chat_id)
        if chat is None:
            kind = kind or ("supergroup" if forum or chat_id < -(10**12) else "group")
            data = {"id": chat_id, "type": kind, "title": title, **fields}
            chat = self.chats[chat_id] = Chat({**data, "is_forum": True} if forum else data)
            chat.members[self.me["id"]] = member(bot, self.bot_user)
        for user_id in members:
            chat.members.setdefault(user_id, member("member", self.user(user_id)))
        return chat.data

    def channel(self, chat_id: int, title: str = "Channel", **fields: Any) -> Json:
        """A channel where the bot is an administrator."""
        return self.group(chat_id, title, kind="channel", **{"bot": "administrator", **fields})

    def next_message_id(self, chat: Chat) -> int:
        """Private chats and basic groups share one sequence; other chats have their own."""
        if chat.is_own:
            chat.last_message_id = max(chat.last_message_id + 1, self._first_message_id)
            return chat.last_message_id
        self._last_message_id += 1
        return self._last_message_id

    def put_message(self, chat: Chat, message: Json) -> Json:
        """Show a message, or a new version of one, in its chat."""
        message_id = message["message_id"]
        if message_id not in chat.messages:
            if chat.is_own:
                chat.last_message_id = max(chat.last_message_id, message_id)
            else:
                self._last_message_id = max(self._last_message_id, message_id)
            if self._history is not None:
                while len(chat.messages) >= self._history:
                    del chat.messages[next(iter(chat.messages))]
        chat.messages[message_id] = message
        self.notify("message", chat.id, message)
        return message

    def new_message(self, chat: Chat, sender: Json, content: Json, **fields: Any) -> Json:
        """Append a message with a fresh id; in a channel the channel speaks."""
        head: Json = {"message_id": self.next_message_id(chat)}
        speaker = {"sender_chat": chat.data} if chat.kind == "channel" else {"from": sender}
        head.update(speaker, chat=chat.data, date=self.now(), **fields)
        return self.put_message(chat, {**head, **content})

    def remove_message(self, chat: Chat, message_id: int) -> None:
        """Take a message off the screen."""
        del chat.messages[message_id]
        chat.uneditable.discard(message_id)
        if message_id in chat.pinned:
            chat.pinned.remove(message_id)
        self.notify("deleted", chat.id, message_id)

    def emit(self, kind: str, content: Json) -> Json:
        """Make an update of `content`, queue it for the bot, and return it."""
        update = self.updates.put(kind, content)
        chat = content.get("chat") or content.get("message", {}).get("chat")
        self.notify("update", chat["id"] if chat else None, update)
        return update

    def ask(self, query: Query) -> Json:
        """Remember what a person waits for, and tell the bot; returns the update."""
        asked = self.callbacks if query.kind == "callback_query" else self.queries
        while len(asked) >= KEPT_QUERIES:
            del asked[next(iter(asked))]
        asked[query.id] = query
        return self.emit(query.kind, query.content)

    def adopt(self, token: str) -> None:
        """Become the bot of this token: the same Telegram, another id."""
        old, self.token = self.me["id"], token
        self.me = {**self.me, "id": int(token.partition(":")[0])}
        for chat in self.chats.values():
            if old in chat.members:
                chat.members[self.me["id"]] = {**chat.members.pop(old), "user": self.bot_user}

    def messages(self, chat_id: int) -> list[Json]:
        """What is on screen in a chat, oldest first, edits applied."""
        chat = self.chats.get(chat_id)
        return list(chat.messages.values()) if chat else []

    def message(self, chat_id: int, message_id: int) -> Json | None:
        """One message on screen, or None."""
        chat = self.chats.get(chat_id)
        return chat.messages.get(message_id) if chat else None

    @property
    def unanswered(self) -> list[Query]:
        """Taps the bot has not answered: their buttons still spin."""
        return [query for query in self.callbacks.values() if not query.answered]


def _private(user: Json) -> Json:
    """What a private chat shows of its user."""
    return {name: user[name] for name in ("first_name", "last_name", "username") if name in user}


def _bot(bot_id: int) -> Json:
    return {
        "id": bot_id,
        "is_bot": True,
        "first_name": "Bot",
        "username": "fake_bot",
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": True,
        "can_connect_to_business": True,
        "has_main_web_app": False,
    }
