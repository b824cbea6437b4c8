"""What begins talks and brings them on from outside, and what takes updates while one is open."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aiogram import Router
from aiogram.dispatcher.event.bases import UNHANDLED
from aiogram.types import TelegramObject

from toolkit.sessions.middleware import BotContext, Sessions
from toolkit.storage.base import Value
from toolkit.talks.labels import PREFIX, Labels
from toolkit.talks.registering import SIGNAL, START, talk_handlers
from toolkit.talks.run import TIMEOUT, tell

logger = logging.getLogger(__name__)


class Talks:
    """Begins talks and brings them on from outside: `app.talks`, or what a handler gets as `talks`.

    What it is told is committed with the session, and comes to the talk as an update of its own.
    """

    def __init__(self, sessions: Sessions[Any], router: Router) -> None:
        self._sessions = sessions
        self._router = router
        self.labels = Labels()
        """Says that a talk is over whose function there is no more."""

    async def start(self, key: str, name: str, data: Any = None) -> None:
        """Begin a talk in the chat of a session. Raises `ValueError` where there is none of it."""
        if name not in (known := talk_handlers(self._router)):
            raise ValueError(f"there is no talk {name!r}; there are: {', '.join(known) or 'none'}")
        await self._set(key, f"{START}:{name}", data)

    async def signal(self, key: str, name: str, data: Any = None) -> bool:
        """Bring on the talk that waits for `talk.event(name)`, or will; tell if one is open."""
        return await self._set(key, f"{SIGNAL}:{name}", [name, data], to_open=True)

    async def _set(self, key: str, part: str, data: Any, *, to_open: bool = False) -> bool:
        context = self._sessions.current(key)
        if context is None:
            async with self._sessions.checkout(key, holder="talks") as context:
                return self._set_in(context, part, data, to_open)
        return self._set_in(context, part, data, to_open)

    def _set_in(self, context: BotContext[Any], part: str, data: Any, to_open: bool) -> bool:
        if to_open and context.talk is None:
            return False
        name, number = f"{PREFIX}:{part}", 1
        while name in context.timers:
            number += 1
            name = f"{PREFIX}:{part}:{number}"
        context.timers.set(name, after=0, data=data)
        return True

    async def around(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Any],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Take an update while a talk is open. One without a function ends, others at commands."""
        context: BotContext[Any] = data["context"]
        stored = context.talk or {}
        talk = talk_handlers(self._router).get(stored["name"])
        if talk is None:
            logger.warning("talk %s of %s ends: it has no function", stored["name"], context.key)
            _end(context, stored)
            await tell(self.labels.over, data)
            return await handler(event, data)
        result = await handler(event, data)
        text = getattr(getattr(event, "message", None), "text", None) or ""
        ends = talk.at_command == "end" and text.startswith("/") and result is not UNHANDLED
        if ends and (context.talk or {}).get("number") == stored["number"]:
            _end(context, stored)
        return result


def _end(context: BotContext[Any], stored: Value) -> None:
    """End a talk, without a word; the one below it waits again."""
    context.talk = stored.get("below")
    context.timers.cancel(TIMEOUT)
