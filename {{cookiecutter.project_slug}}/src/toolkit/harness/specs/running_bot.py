"""A bot wired to a fake Telegram: updates go in, calls come out."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from toolkit.harness.specs.given import Given, begin_sessions_with
from toolkit.harness.specs.scene import set_scene
from toolkit.harness.specs.settling import GRACE, Task, noting_tasks, settle, started
from toolkit.harness.specs.spec import read_given
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from aiogram.types import Update

    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Call, FakeTelegram

STEP_LIMIT = 10.0
"""Seconds a handler may take. Tests are fast, so this only ends handlers that hang."""

MakeBot = Callable[[], "BotApp[Any]"]
"""A function that returns a new bot, such as `make_bot` of `bot.app`."""


def load_factory(name: str) -> MakeBot:
    """Return the function that `module:function` names.

    Raise ImportError, AttributeError or TypeError that says what is wrong, and what the module
    itself raises.
    """
    module, _, function = name.partition(":")
    if not module or not function:
        raise ImportError(f"{name!r} does not name a bot; write module:function, bot.app:make_bot")
    found = getattr(importlib.import_module(module), function)
    if not callable(found):
        raise TypeError(f"{name} is not a function that makes a bot")
    return cast(MakeBot, found)


class RunningBot:
    """A fresh bot for the time of an `async with` block, closed when it ends.

    `given` is what it starts from, as in a spec; `session` are fields that its sessions begin with
    instead of those of `initial()`.
    """

    app: BotApp[Any]
    """The bot."""
    telegram: FakeTelegram
    """The Telegram that the bot talks to, from the start of the block."""

    def __init__(
        self,
        make_bot: MakeBot,
        *,
        first_update_id: int = 1,
        session: Json | None = None,
        telegram: FakeTelegram | None = None,
        given: Given | Json | None = None,
    ) -> None:
        self._given = given if isinstance(given, Given) else read_given(given or {})
        self.app = self._given.factory(make_bot)()
        if session := session or self._given.session:
            begin_sessions_with(self.app, session)
        self._known, self._first_update_id = telegram, first_update_id
        self._last_update: Update | None = None
        self._tasks: list[Task] = []
        self._errors: list[BaseException] = []

    async def __aenter__(self) -> RunningBot:
        from toolkit.harness.fake_telegram import FakeTelegram

        bot = self.app.bot
        first = self._first_update_id
        self.telegram = self._known or FakeTelegram(token=bot.token, first_update_id=first)
        self.telegram.attach(bot)
        if self._known is None:
            await set_scene(self.app, self.telegram, self._given)
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            stack.callback(loop.set_exception_handler, loop.get_exception_handler())
            loop.set_exception_handler(self._collect)
            stack.enter_context(noting_tasks())
            stack.push_async_callback(self._end_tasks)
            with self._noted():
                await stack.enter_async_context(self.app.running())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)

    async def deliver(self, update: Json, *others: Json) -> list[Call]:
        """Give the bot one update, or several at the same time, and return the calls it made.

        Wait for all that comes of it. Raise what a handler or a task that it started raised,
        TimeoutError when a handler does not end, and ValueError for a malformed update.
        """
        from aiogram.types import Update

        start = len(self.telegram.calls)
        bot = self.app.bot
        given = [Update.model_validate(each, context={"bot": bot}) for each in (update, *others)]
        self._last_update = given[-1]
        limit = asyncio.timeout(STEP_LIMIT)
        try:
            with self._noted():
                async with limit:
                    if others:
                        fed = (self.app.feed_update(bot, each) for each in given)
                        ended = await asyncio.gather(*fed, return_exceptions=True)
                        self._errors += (each for each in ended if isinstance(each, BaseException))
                    else:
                        await self.app.feed_update(bot, given[0])
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            endless = TimeoutError(f"no handler ended within {STEP_LIMIT:g} seconds")
            self._errors.append(endless if limit.expired() else error)
        self._errors += await settle(self._tasks)
        if self._errors:
            errors, self._errors = self._errors, []
            raise errors[0]
        return self.telegram.calls[start:]

    async def session(self, update: Json | None = None) -> Json | None:
        """Return the fields of the session that an update belongs to, as they are stored.

        Without `update` it is the last one. A session that nothing changed has its initial fields;
        None where updates have no session.
        """
        from aiogram.types import Update

        given = Update.model_validate(update) if update is not None else self._last_update
        key = given and self.app.session_key(given)
        if not key:
            return None
        record = await self.app.session_storage.read(key)
        return self.app.sessions.codec.load(key, record)[1]

    def unanswered(self, update: Json) -> str | None:
        """Say what is wrong when `update` is a tap that the bot never answered, else None."""
        query = update.get("callback_query")
        if query is None or self.telegram.callbacks[query["id"]].answered:
            return None
        return (
            f"the tap on {query['data']!r} was never answered, so its button keeps spinning; "
            "call answer() on the callback query"
        )

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note the tasks that are started in this block, and by whatever it starts."""
        token = started.set(self._tasks)
        try:
            yield
        finally:
            started.reset(token)

    def _collect(self, loop: asyncio.AbstractEventLoop, context: Json) -> None:
        # `settle` reports the exceptions of tasks, so asyncio need not do it when it collects them.
        if "exception" in context and "future" not in context:
            self._errors.append(context["exception"])
        else:
            loop.default_exception_handler(context)
