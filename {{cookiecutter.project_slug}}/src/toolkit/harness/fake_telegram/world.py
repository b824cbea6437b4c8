"""World: the users, chats and messages of one bot's Telegram, with ids in order of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from toolkit.harness.fake_telegram.files import Files
from toolkit.harness.fake_telegram.model import Chat, Event, ManagedBot, Query, StickerSet, User
from toolkit.harness.fake_telegram.people import NAMES, bot_json, names_of
from toolkit.harness.fake_telegram.rights import is_member, member, shown_member
from toolkit.harness.fake_telegram.stars import Stars
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
        """What time it is: a function that returns seconds, as `time.time` does."""
        self.me = bot_json(int(token.partition(":")[0]))
        self.language = "en"
        """The `language_code` of users of whom nothing else is known."""
        self.users: dict[int, User] = {}
        self.chats: dict[int, Chat] = {}
        """Every chat by its id."""
        self.callbacks: dict[str, Query] = {}
        """The latest taps by the id of their callback query; each has its `answer`."""
        self.queries: dict[str, Query] = {}
        """The latest inline, shipping and pre-checkout queries by id; each has its `answer`."""
        self.polls: dict[str, tuple[int, int]] = {}
        self.invoices: dict[str, Json] = {}
        self.inline_messages: dict[str, tuple[int, int]] = {}
        self.business_connections: dict[str, Json] = {}
        self.managed_bots: dict[int, ManagedBot] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self.profile: dict[tuple[str, str], Any] = {}
        self.stars = Stars()
        """The Stars of the bot: its `balance` and its `transactions`."""
        self.sticker_sets: dict[str, StickerSet] = {}
        self.files = Files()
        """The files that were sent, by either side."""
        self.updates = UpdateQueue(first_update_id)
        self.query_lifetime = query_lifetime
        self._first_message_id = first_message_id
        self._last_message_id = first_message_id - 1
        self._history = history
        self._numbers: dict[str, int] = {}
        self._observers: list[Callable[[Event], None]] = []

    def now(self) -> int:
        """Return the time in whole seconds, as the Bot API writes dates."""
        return int(self.clock())

    def number(self, name: str) -> int:
        """Return the next number of a named sequence, from 1."""
        self._numbers[name] = number = self._numbers.get(name, 0) + 1
        return number

    def observe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call `callback` with every Event from now on; calling the answer stops it."""
        self._observers.append(callback)
        return lambda: self._observers.remove(callback)

    def notify(self, kind: str, chat_id: int | None, data: Any) -> None:
        """Call the observers."""
        if self._observers:
            event = Event(kind, chat_id, data)
            for callback in tuple(self._observers):
                callback(event)

    def user(self, user_id: int, first_name: str | None = None, **fields: Any) -> Json:
        """Return a user, created on first mention; `fields` are those of a Bot API User."""
        known = self.users.get(user_id)
        if known is None:
            name = first_name or f"User {user_id}"
            data = {"is_bot": False, "first_name": name, "language_code": self.language}
            known = self.users[user_id] = User({"id": user_id, **data, **fields})
        elif first_name or fields:
            named = {"first_name": first_name} if first_name else {}
            data = {**known.data, **named, **fields}
            known.data = {name: value for name, value in data.items() if value != ""}
            chat = self.chats.get(user_id)
            if chat is not None:
                kept = {name: chat.data[name] for name in chat.data if name not in NAMES}
                chat.data = {**kept, **names_of(known.data)}
        return known.data

    @property
    def bot_id(self) -> int:
        """The user id of the bot."""
        return int(self.me["id"])

    @property
    def bot_user(self) -> Json:
        """The bot as the sender of its messages."""
        return {key: self.me[key] for key in ("id", "is_bot", "first_name", "username")}

    def chat(self, chat_id: int) -> Chat:
        """Return a chat by its id; raises KeyError for a group that does not exist."""
        return self.private_chat(chat_id) if chat_id > 0 else self.chats[chat_id]

    def private_chat(self, user_id: int) -> Chat:
        """Return the private chat of a user with the bot; it has the user's id."""
        chat = self.chats.get(user_id)
        if chat is None:
            data = {"id": user_id, "type": "private", **names_of(self.user(user_id))}
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
        """Return a group with `members` and the bot (a member, administrator, left or kicked).

        It is created on first mention; ids below -10¹² are supergroups, as on Telegram.
        """
        chat = self.chats.get(chat_id)
        if chat is None:
            kind = kind or ("supergroup" if forum or chat_id < -(10**12) else "group")
            data = {"id": chat_id, "type": kind, "title": title, **fields}
            chat = self.chats[chat_id] = Chat({**data, "is_forum": True} if forum else data)
            chat.members[self.bot_id] = member(bot, self.bot_user)
        for user_id in members:
            chat.members.setdefault(user_id, member("member", self.user(user_id)))
        return chat.data

    def channel(self, chat_id: int, title: str = "Channel", **fields: Any) -> Json:
        """Return a channel where the bot is an administrator, created on first mention."""
        return self.group(chat_id, title, kind="channel", **{"bot": "administrator", **fields})

    def change_member(self, chat: Chat, by: Json, new: Json) -> Json:
        """Let user `by` give a member the ChatMember `new`; return the update about it."""
        user_id = new["user"]["id"]
        kind, before = "chat_member", "left"
        if user_id == self.bot_id:
            kind, before = "my_chat_member", "member"
        old = chat.members.get(user_id) or member(before, new["user"])
        chat.members[user_id] = new
        self.notify("chat", chat.id, new)
        head = {"chat": chat.data, "from": by, "date": self.now()}
        old, new = shown_member(old, chat.kind), shown_member(new, chat.kind)
        return self.emit(kind, {**head, "old_chat_member": old, "new_chat_member": new})

    def next_message_id(self, chat: Chat) -> int:
        """Return a fresh id: private chats and basic groups share one sequence, others do not."""
        if chat.has_own_sequence:
            chat.last_message_id = max(chat.last_message_id + 1, self._first_message_id)
            return chat.last_message_id
        self._last_message_id += 1
        return self._last_message_id

    def put_message(self, chat: Chat, message: Json) -> Json:
        """Show a message, or a new version of one, in its chat."""
        message_id = message["message_id"]
        if message_id not in chat.messages:
            if chat.has_own_sequence:
                chat.last_message_id = max(chat.last_message_id, message_id)
            else:
                self._last_message_id = max(self._last_message_id, message_id)
            if self._history is not None:
                while len(chat.messages) >= self._history:
                    del chat.messages[next(iter(chat.messages))]
        chat.messages[message_id] = message
        self.notify("message", chat.id, message)
        return message

    def new_message(
        self, chat: Chat, sender: Json, content: Json, message_id: int | None = None, **fields: Any
    ) -> Json:
        """Append a message, with a fresh id by default; in a channel the channel is its sender."""
        head: Json = {"message_id": message_id or self.next_message_id(chat)}
        shown = {"sender_chat": chat.data} if chat.kind == "channel" else {"from": sender}
        head.update(shown, chat=chat.data, date=self.now(), **fields)
        return self.put_message(chat, {**head, **content})

    def inline_message(self, chat: Chat, user_id: int, content: Json, **fields: Any) -> str:
        """Append a message of a user, sent through the bot; return its inline message id."""
        guest = "guest_bot_caller_user" in fields
        sender = self.bot_user if guest else self.user(user_id)
        fields |= {} if guest else {"via_bot": self.bot_user}
        message = self.new_message(chat, sender, content, **fields)
        inline_id = f"inline-{self.number('inline_message')}"
        self.inline_messages[inline_id] = (chat.id, message["message_id"])
        return inline_id

    def service_message(self, chat: Chat, sender: Json, content: Json, **fields: Any) -> Json:
        """Show what happened in a chat as a service message; return the update with it."""
        message = self.new_message(chat, sender, content, **fields)
        update = self.emit_message(chat, message)
        self.notify("chat", chat.id, content)
        return update

    def open_topic(self, chat: Chat, sender: Json, created: Json) -> Json:
        """Open a topic of a forum; its id is that of the service message, whose update returns."""
        thread_id = self.next_message_id(chat)
        if thread_id == 1:  # the topic that every forum has
            thread_id = self.next_message_id(chat)
        if sender["id"] == self.bot_id:
            chat.own_topics.add(thread_id)
        chat.topics[thread_id] = {"message_thread_id": thread_id, **created}
        content = {"forum_topic_created": created}
        return self.service_message(
            chat, sender, content, message_id=thread_id, **in_topic(thread_id)
        )

    def remove_message(self, chat: Chat, message_id: int) -> None:
        """Take a message off the screen."""
        del chat.messages[message_id]
        chat.deleted.add(message_id)
        chat.uneditable.discard(message_id)
        chat.outgoing.discard(message_id)
        if message_id in chat.pinned:
            chat.pinned.remove(message_id)
        self.notify("deleted", chat.id, message_id)

    def emit(self, kind: str, content: Json) -> Json:
        """Make an update of `content`, queue it for the bot, and return it."""
        update = self.updates.put(kind, content)
        chat = content.get("chat") or content.get("message", {}).get("chat")
        self.notify("update", chat["id"] if chat else None, update)
        return update

    def emit_message(self, chat: Chat, message: Json, *, edited: bool = False) -> Json:
        """Return the update for a message; a bot that is not in the chat does not get it."""
        kind = "channel_post" if chat.kind == "channel" else "message"
        kind = f"edited_{kind}" if edited else kind
        if not chat.is_private and not is_member(chat.members.get(self.bot_id)):
            return {"update_id": 0, kind: message}
        return self.emit(kind, message)

    def emit_query(
        self,
        kind: str,
        user_id: int,
        content: Json,
        chat_id: int | None = None,
        message_id: int | None = None,
    ) -> Json:
        """Make a query of a user, remember it until it is answered, and return its update."""
        query_id = str(self.number("query"))
        content = {"id": query_id, "from": self.user(user_id), **content}
        place = (chat_id or user_id, message_id)
        self.remember(Query(kind, query_id, user_id, content, self.clock(), *place))
        return self.emit(kind, content)

    def remember(self, query: Query) -> None:
        """Keep a query until it is answered, in place of the oldest one if there are too many."""
        kept = self.callbacks if query.kind == "callback_query" else self.queries
        while len(kept) >= KEPT_QUERIES:
            del kept[next(iter(kept))]
        kept[query.id] = query

    def adopt(self, token: str) -> None:
        """Become the bot of this token: the same Telegram, another id."""
        old, self.token = self.bot_id, token
        self.me = {**self.me, "id": int(token.partition(":")[0])}
        for chat in self.chats.values():
            if old in chat.members:
                chat.members[self.bot_id] = {**chat.members.pop(old), "user": self.bot_user}

    def messages(self, chat_id: int) -> list[Json]:
        """Return what is on screen in a chat, oldest first, edits applied."""
        chat = self.chats.get(chat_id)
        return list(chat.messages.values()) if chat else []

    def message(self, chat_id: int, message_id: int) -> Json | None:
        """Return one message on screen, or None."""
        chat = self.chats.get(chat_id)
        return chat.messages.get(message_id) if chat else None

    @property
    def unanswered(self) -> list[Query]:
        """Taps the bot has not answered: their buttons still spin."""
        return [query for query in self.callbacks.values() if not query.answered]


def in_topic(thread_id: int) -> Json:
    """Return the fields of a message in a topic of a forum."""
    return {"message_thread_id": thread_id, "is_topic_message": True}
