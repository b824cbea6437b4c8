"""The session of a bot that was not made by `create_bot`: its FSM state and data.

It is kept as the bot keeps it, in memory and with any values, and read and edited as the session of
other bots is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from types import SimpleNamespace
from typing import Any, TypedDict

from aiogram import Bot, Dispatcher
from aiogram.dispatcher.middlewares.user_context import UserContextMiddleware
from aiogram.fsm.storage.base import DEFAULT_DESTINY, StorageKey
from aiogram.fsm.storage.memory import (
    DisabledEventIsolation,
    MemoryStorage,
    MemoryStorageRecord,
    SimpleEventIsolation,
)
from aiogram.types import Update

from toolkit.fsm import STRATEGIES
from toolkit.harness.types import Json
from toolkit.sessions.keys import Origin, Scope, parse_key

Kept = defaultdict[StorageKey, MemoryStorageRecord]


class FsmSession(TypedDict):
    """What specs and the simulator call the session."""

    state: str | None
    data: dict[str, Any]


class FsmCodec:
    """Stands in for the codec of a bot's sessions."""

    type = FsmSession
    version = 0

    def __init__(self) -> None:
        self.initial: Callable[[], FsmSession] = lambda: {"state": None, "data": {}}

    def load(self, key: str, record: Json | None) -> tuple[Any, Json]:
        """Return the fields twice, as what handlers get and as JSON."""
        given = self.initial() if record is None else record["session"]
        fields: Json = {"state": None, "data": {}, **given}
        if not (isinstance(fields["data"], dict) and isinstance(fields["state"], str | None)):
            raise ValueError(  # noqa: TRY004 - what is wrong is in a file
                f"{key}: state must be text or null, data an object"
            )
        return fields, fields

    def dump(self, key: str, session: Any) -> Json:
        """Return the fields."""
        return dict(session)


class FsmSessions:
    """The FSM states and data of a dispatcher, which it keeps in `kept` as long as it runs."""

    name = "session"

    def __init__(self, kept: Kept, bot_id: int) -> None:
        self.codec = FsmCodec()
        self.kept = kept
        self._bot_id = bot_id
        kept.default_factory = self._begin

    def _begin(self) -> MemoryStorageRecord:
        fields = self.codec.initial()
        return MemoryStorageRecord(data=fields["data"], state=fields["state"])

    def take_over(self, dispatcher: Dispatcher) -> Callable[[], None]:
        """Have the dispatcher keep what it keeps here; the answer, when called, ends that."""
        fsm = dispatcher.fsm
        before = fsm.storage, fsm.events_isolation
        fsm.storage = MemoryStorage()
        fsm.storage.storage = self.kept
        if not isinstance(fsm.events_isolation, DisabledEventIsolation):
            fsm.events_isolation = SimpleEventIsolation()

        def give_back() -> None:
            fsm.storage, fsm.events_isolation = before

        return give_back

    async def read(self, key: str) -> Json | None:
        """Return the record under `key`, or None."""
        for known, record in self.kept.items():
            if known.destiny == DEFAULT_DESTINY and text_of(known) == key:
                return {"session": {"state": record.state, "data": _apart(record.data)}}
        return None

    async def write(self, key: str, record: Json) -> None:
        """Keep the record of a session. Raises ValueError for any other record."""
        origin = parse_key(key)
        if origin is None:
            raise ValueError(f"given.records.{key}: only bots of create_bot have a store for it")
        chat, user, thread, business, *_ = origin
        known = StorageKey(self._bot_id, chat or 0, user or 0, thread, business)
        fields = self.codec.load(key, deepcopy(record))[0]
        self.kept[known] = MemoryStorageRecord(data=fields["data"], state=fields["state"])

    @asynccontextmanager
    async def checkout(self, key: str, *, holder: str) -> AsyncIterator[Any]:
        """Have the session edited; what is deleted begins anew."""
        context = SimpleNamespace(session=self.codec.load(key, await self.read(key))[0])
        yield context
        found = [known for known in self.kept if text_of(known) == key]
        if not hasattr(context, "session"):
            for known in found:
                del self.kept[known]
        elif found:
            fields = context.session
            self.kept[found[0]] = MemoryStorageRecord(data=fields["data"], state=fields["state"])
        else:
            raise LookupError("there is nothing to edit yet: the bot has not heard of this chat")


def _apart(value: Any) -> Any:
    """Copy objects and arrays; what else is in them stays what it is."""
    if isinstance(value, dict):
        return {name: _apart(item) for name, item in value.items()}
    return [_apart(item) for item in value] if isinstance(value, list) else value


def text_of(key: StorageKey) -> str:
    """Return a key as text, like the one of a session."""
    origin = Origin(key.chat_id, key.user_id, key.thread_id, key.business_connection_id)
    return str(origin.key("chat_user_topic"))


def key_of(dispatcher: Dispatcher, bot: Bot, update: Update) -> str | None:
    """Return the key of the FSM context of an update; None where it has none."""
    origin = UserContextMiddleware.resolve_event_context(update)
    context = dispatcher.fsm.resolve_context(
        bot, origin.chat_id, origin.user_id, origin.thread_id, origin.business_connection_id
    )
    return text_of(context.key) if context else None


def scope_of(dispatcher: Dispatcher) -> Scope:
    """Return the scope that is the dispatcher's strategy."""
    return next(scope for scope, each in STRATEGIES.items() if each is dispatcher.fsm.strategy)
