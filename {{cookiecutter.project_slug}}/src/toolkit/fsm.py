"""aiogram's FSM inside the session's own record.

States, scenes and aiogram-dialog work as they do elsewhere; what they store is committed together
with the session, in one write, or not at all.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from aiogram import Bot
from aiogram.fsm.context import FSMContext
from aiogram.fsm.middleware import FSMContextMiddleware
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import DEFAULT_DESTINY, BaseStorage, StateType, StorageKey
from aiogram.fsm.strategy import FSMStrategy
from aiogram.types import TelegramObject

from toolkit.sessions.keys import Origin, Scope
from toolkit.sessions.middleware import BotContext, Sessions

STRATEGIES: dict[Scope, FSMStrategy] = {
    "chat_user": FSMStrategy.USER_IN_CHAT,
    "chat": FSMStrategy.CHAT,
    "user": FSMStrategy.GLOBAL_USER,
    "chat_user_topic": FSMStrategy.USER_IN_TOPIC,
    "chat_topic": FSMStrategy.CHAT_TOPIC,
}


class SessionFSMMiddleware(FSMContextMiddleware):
    """Gives handlers `state`, as aiogram's own middleware does, from the record that is held.

    The key is the session's: aiogram knows an anonymous admin only as the technical user they all
    share. Nothing is locked here, the checkout has done that.
    """

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler with `state` and `raw_state`, where the update has a session."""
        data["fsm_storage"] = self.storage
        context: BotContext[Any] | None = data.get("context")
        if context is not None:
            data["state"] = LazyFSMContext(self, data["bot"], data["session_origin"])
            data["raw_state"] = context.raw_state
        return await handler(event, data)

    def resolve_event_context(
        self, bot: Bot, data: dict[str, Any], destiny: str = DEFAULT_DESTINY
    ) -> FSMContext | None:
        """Return the FSM context of the update in `data`; `None` where it has no session."""
        return self.resolve_origin(bot, data["session_origin"], destiny)

    def resolve_origin(
        self, bot: Bot, origin: Origin, destiny: str = DEFAULT_DESTINY
    ) -> FSMContext | None:
        """Return the FSM context of an update from `origin`; `None` for no session."""
        chat, user, topic, business, *_ = origin
        if chat is None and user is None:
            return None
        return self.resolve_context(
            bot,
            chat_id=user if chat is None else chat,
            user_id=chat if user is None else user,
            thread_id=topic,
            business_connection_id=business,
            destiny=destiny,
        )


class LazyFSMContext(FSMContext):
    """An FSM context that makes its key when it is needed: most handlers never ask for it."""

    def __init__(self, fsm: SessionFSMMiddleware, bot: Bot, origin: Origin) -> None:
        self.storage = fsm.storage
        self._comes_from = (fsm, bot, origin)

    @functools.cached_property
    def key(self) -> StorageKey:  # type: ignore[override]
        """Bot, chat, user, topic and business connection."""
        fsm, bot, origin = self._comes_from
        return cast(FSMContext, fsm.resolve_origin(bot, origin)).key


class SessionFSMStorage(BaseStorage):
    """Keeps FSM state and data under `fsm` in the record of the same key, one entry per destiny.

    Inside an update of that key it works on the record that is checked out. From elsewhere, another
    user's state for instance, it checks that record out for the one call.
    """

    def __init__(self, sessions: Sessions[Any], scope: Scope) -> None:
        self._sessions = sessions
        self._scope = scope

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Store the state's name; `None` clears it."""
        await self._set(key, "state", state.state if isinstance(state, State) else state)

    async def get_state(self, key: StorageKey) -> str | None:
        """Return the name of the present state."""
        state: str | None = await self._get(key, "state")
        return state

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Replace the data. It must be JSON, like a session."""
        if not isinstance(data, Mapping):
            raise TypeError(f"FSM data must be a dict, not {type(data).__name__}")
        await self._set(key, "data", copy.deepcopy(dict(data)))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        """Return a copy of the data; changing it changes nothing until `set_data`."""
        return copy.deepcopy(await self._get(key, "data")) or {}

    async def close(self) -> None:
        """Do nothing: the session store belongs to the bot."""

    async def _get(self, key: StorageKey, part: str) -> Any:
        async with self._context(key) as context:
            return context.fsm.get(key.destiny, {}).get(part)

    async def _set(self, key: StorageKey, part: str, value: Any) -> None:
        async with self._context(key) as context:
            context.fsm_changed = True
            entry = context.fsm.setdefault(key.destiny, {})
            if value:
                entry[part] = value
            else:
                entry.pop(part, None)
            if not entry:
                del context.fsm[key.destiny]

    def _context(self, key: StorageKey) -> AbstractAsyncContextManager[BotContext[Any]]:
        origin = Origin(key.chat_id, key.user_id, key.thread_id, key.business_connection_id)
        name = str(origin.key(self._scope))
        context = self._sessions.current(name)
        if context is not None:
            return contextlib.nullcontext(context)
        return self._sessions.checkout(name, holder="FSM access outside its update")
