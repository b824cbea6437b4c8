"""aiogram's FSM inside the session's own record.

States, scenes and aiogram-dialog work as they do elsewhere; what they store is committed together
with the session, in one write, or not at all.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiogram import Bot
from aiogram.fsm.context import FSMContext
from aiogram.fsm.middleware import FSMContextMiddleware
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import DEFAULT_DESTINY, BaseStorage, StateType, StorageKey
from aiogram.fsm.strategy import FSMStrategy

from toolkit.sessions.context import BotContext, Sessions
from toolkit.sessions.keys import Origin, Scope, origin_of

STRATEGIES: dict[Scope, FSMStrategy] = {
    "chat_user": FSMStrategy.USER_IN_CHAT,
    "chat": FSMStrategy.CHAT,
    "user": FSMStrategy.GLOBAL_USER,
    "chat_user_topic": FSMStrategy.USER_IN_TOPIC,
    "chat_topic": FSMStrategy.CHAT_TOPIC,
}


class SessionFSMMiddleware(FSMContextMiddleware):
    """aiogram's own middleware, with the state of an update kept under its session's key.

    aiogram knows an anonymous admin only as the technical user they all share.
    """

    def resolve_event_context(
        self, bot: Bot, data: dict[str, Any], destiny: str = DEFAULT_DESTINY
    ) -> FSMContext | None:
        """The FSM context of the update in ``data``; ``None`` where it has no session."""
        origin = origin_of(data["event_update"])
        return self.resolve_context(
            bot,
            chat_id=origin.chat if origin.chat is not None else origin.user,
            user_id=origin.user if origin.user is not None else origin.chat,
            thread_id=origin.topic,
            business_connection_id=origin.business,
            destiny=destiny,
        )


class SessionFSMStorage(BaseStorage):
    """Keeps FSM state and data under ``fsm`` in the record of the same key, one entry a destiny.

    Inside an update of that key it works on the record that is checked out. From elsewhere, another
    user's state for instance, it checks that record out for the one call.
    """

    def __init__(self, sessions: Sessions[Any], scope: Scope) -> None:
        self._sessions = sessions
        self._scope = scope

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Store the state's name; ``None`` clears it."""
        name = state.state if isinstance(state, State) else state
        async with self._entry(key, change=True) as entry:
            entry.pop("state", None)
            if name is not None:
                entry["state"] = name

    async def get_state(self, key: StorageKey) -> str | None:
        """The name of the present state."""
        async with self._entry(key) as entry:
            return entry.get("state")

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Replace the data. It must be JSON, like a session."""
        if not isinstance(data, Mapping):
            raise TypeError(f"FSM data must be a dict, not {type(data).__name__}")
        async with self._entry(key, change=True) as entry:
            entry.pop("data", None)
            if data:
                entry["data"] = copy.deepcopy(dict(data))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """A copy of the data; changing it changes nothing until `set_data`."""
        async with self._entry(key) as entry:
            return copy.deepcopy(entry.get("data", {}))

    async def close(self) -> None:
        """Nothing to close: the session store belongs to the bot."""

    @contextlib.asynccontextmanager
    async def _entry(
        self, key: StorageKey, *, change: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        origin = Origin(key.chat_id, key.user_id, key.thread_id, key.business_connection_id)
        name = origin.key(self._scope)
        assert name is not None  # noqa: S101 - a StorageKey always has a chat
        context = self._sessions.current(name)
        if context is not None:
            with self._of(context, key.destiny, change) as entry:
                yield entry
            return
        async with self._sessions.checkout(name, holder="FSM access outside its update") as context:
            with self._of(context, key.destiny, change) as entry:
                yield entry

    @staticmethod
    @contextlib.contextmanager
    def _of(context: BotContext[Any], destiny: str, change: bool) -> Any:
        entry = context.fsm.get(destiny, {})
        yield entry
        if not change:
            return
        context.fsm_changed = True
        if entry:
            context.fsm[destiny] = entry
        else:
            context.fsm.pop(destiny, None)
