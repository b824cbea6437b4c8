"""Around every update: check the session out, call the handler, commit or let go."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any

from aiogram import BaseMiddleware
from aiogram.filters import Filter
from aiogram.methods import TelegramMethod
from aiogram.types import TelegramObject, Update

from toolkit.sessions.context import Sessions
from toolkit.sessions.deadlines import Deadlines
from toolkit.sessions.keys import Scope, origin_of
from toolkit.storage.base import SessionBusy, SessionConflict, StorageUnavailable

logger = logging.getLogger(__name__)


OUTAGES = (StorageUnavailable, SessionBusy, SessionConflict)
"""Errors that are no fault of the update: it goes through once the store answers again."""


class StoreFailed(BaseException):
    """Carries one of `OUTAGES` past error handlers, which must not count the update as handled."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class HandlerTimedOut(Exception):
    """A handler took longer than its limit and was cancelled; nothing of it was written."""


class SessionMiddleware(BaseMiddleware):
    """Gives handlers ``session``, ``context`` and ``storage``, and commits when they return.

    When the handler raises, is cancelled or takes ``handler_timeout`` seconds, nothing is written.
    An update whose id is already in the record is not handled again.
    """

    def __init__(self, sessions: Sessions[Any], scope: Scope, handler_timeout: float) -> None:
        self.sessions = sessions
        self.scope = scope
        self.deadlines = Deadlines(handler_timeout)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if not isinstance(event, Update):
            raise TypeError(f"SessionMiddleware wraps updates, not {type(event).__name__}")
        data["storage"] = self.sessions.storage
        origin = data["session_origin"] = origin_of(event)
        key = origin.key(self.scope)
        if key is None:
            return await self._limited(handler, event, data, "no session")
        try:
            context = await self.sessions.begin(key, f"update {event.update_id}")
        except OUTAGES as error:
            raise StoreFailed(error) from error
        try:
            if context.has_applied(event.update_id):
                logger.info("update %d of %s was applied before", event.update_id, key)
                await self.sessions.abandon(context)
                return None
            data["context"] = context
            data["session"] = context.session
            result = await self._limited(handler, event, data, key)
        except BaseException:
            await self.sessions.abandon(context)
            raise
        try:
            await self.sessions.commit(context, event.update_id)
        except OUTAGES as error:
            raise StoreFailed(error) from error
        return result

    async def _limited(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
        key: str,
    ) -> Any:
        try:
            with self.deadlines.bound() as limit:
                result = await handler(event, data)
                # A handler may return a call for the bot instead of making it.
                return await data["bot"](result) if isinstance(result, TelegramMethod) else result
        except Exception as error:
            if not limit.expired:
                raise
            raise HandlerTimedOut(
                f"the handler of {key} took longer than {self.deadlines.seconds:g} s"
            ) from error


class in_step(Filter):  # noqa: N801 - reads as a predicate beside aiogram's own F and Command
    """Passes when ``session.step`` is one of ``steps``.

    ``@router.message(in_step(Step.choosing_time))``
    """

    def __init__(self, *steps: Enum | str) -> None:
        if not steps:
            raise ValueError("in_step() needs at least one step")
        self.steps = steps

    async def __call__(self, event: TelegramObject, session: Any) -> bool:
        step = session["step"] if isinstance(session, dict) else session.step
        return step in self.steps
