"""A bot wired to a fake Telegram: updates go in, calls come out."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from toolkit.harness.clock import clock_of, dated, moment_of, seconds_of
from toolkit.harness.specs.caused import Caused
from toolkit.harness.specs.given import Given, begin_sessions_with
from toolkit.harness.specs.scene import set_scene
from toolkit.harness.specs.settling import (
    GRACE,
    Task,
    finish,
    noting_tasks,
    pass_time,
    settle,
    started,
)
from toolkit.harness.specs.spec import read_given
from toolkit.harness.specs.timing import timers_handled
from toolkit.harness.types import Json
from toolkit.talks.state import FIELD as TALK

if TYPE_CHECKING:
    from aiogram import Dispatcher
    from aiogram.types import Update

    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Call, Event, FakeTelegram

STEP_LIMIT = 10.0
"""Real seconds a handler may take. Tests are fast, so this only ends handlers that hang."""

MakeBot = Callable[[], "BotApp[Any]"]
"""A function that returns a new bot, such as `make_bot` of `bot.app`."""


def load_factory(name: str) -> MakeBot:
    """Return the function that `module:function` names, or one for a `Dispatcher` of that name.

    Raise ImportError, AttributeError or TypeError that says what is wrong, and what the module
    itself raises.
    """
    from toolkit.harness.specs.making import making
    from toolkit.harness.specs.plain import factory_of

    module, _, function = name.partition(":")
    if not module or not function:
        raise ImportError(f"{name!r} does not name a bot; write module:function, bot.app:make_bot")
    with making():
        imported = importlib.import_module(module)
    make_bot = factory_of(getattr(imported, function), vars(imported))
    if make_bot is None:
        raise TypeError(f"{name} is not a function that makes a bot, nor a Dispatcher")
    return cast(MakeBot, make_bot)


async def raised_by(done: Awaitable[object]) -> Exception | SystemExit | None:
    """Await something of a bot, and return what it raised: that may be anything."""
    try:
        await done
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        return error
    return None


class RunningBot:
    """A fresh bot for the time of an `async with` block, closed when it ends.

    `make_bot` returns a bot of `create_bot`, or a `Dispatcher`, alone or with its `Bot`. It may be
    a `Dispatcher`, too, or the `async def main()` that polls with one.
    `given` is what it starts from, as in a spec; `session` are fields that its sessions begin with
    instead of those of `initial()`. The date is `now`, a moment with its offset from UTC, or that
    of `given`, and stands still but for what passes in `advance` and while handlers sleep; without
    either, it is today's.
    """

    app: BotApp[Any]
    """The bot."""
    telegram: FakeTelegram
    """The Telegram that the bot talks to, from the start of the block."""

    def __init__(
        self,
        make_bot: MakeBot | Callable[[], Any] | Dispatcher,
        *,
        first_update_id: int = 1,
        session: Json | None = None,
        telegram: FakeTelegram | None = None,
        given: Given | Json | None = None,
        now: datetime | str | None = None,
    ) -> None:
        from toolkit.harness.specs.plain import make_app

        self._given = given if isinstance(given, Given) else read_given(given or {})
        self._now = moment_of(now) if now is not None else self._given.now
        with dated(self._now):
            self.app = make_app(make_bot, self._given.options)
        if session := session or self._given.session:
            begin_sessions_with(self.app, session)
        self._known, self._first_update_id = telegram, first_update_id
        self._last_update: Update | None = None
        self._tasks: list[Task] = []
        self._errors: list[BaseException] = []
        self._caused = Caused()

    async def __aenter__(self) -> RunningBot:
        from toolkit.harness.fake_telegram import FakeTelegram
        from toolkit.harness.specs.plain import is_plain

        bot = self.app.bot
        first = self._first_update_id
        self.telegram = self._known or FakeTelegram(token=bot.token, first_update_id=first)
        self.telegram.attach(bot)
        loop = asyncio.get_running_loop()
        self._clock = clock_of(loop)
        async with AsyncExitStack() as stack:
            stack.enter_context(self._clock.used(self._now))
            if self._known is None:
                await set_scene(self.app, self.telegram, self._given)
            stack.callback(loop.set_exception_handler, loop.get_exception_handler())
            loop.set_exception_handler(self._collect)
            stack.enter_context(noting_tasks())
            stack.push_async_callback(self._end_tasks)
            stack.callback(self.telegram.observe(self._notice))
            with self._noted():
                await stack.enter_async_context(self.app.running())
                await stack.enter_async_context(timers_handled(self.app, self._feed_timer))
            if not is_plain(self.app):
                # What waits for time would be waited for, as at a real stop.
                stack.callback(self.app.tasks.cancel)
            await self._feed_caused()
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

        Wait for all that comes of it; what these calls cause, a service message for instance, is
        given to the bot as well. Raise what a handler or a task that it started raised,
        TimeoutError when a handler does not end, and ValueError for a malformed update.
        """
        from aiogram.types import Update

        start = len(self.telegram.calls)
        context = {"bot": self.app.bot}
        given = [Update.model_validate(each, context=context) for each in (update, *others)]
        self._last_update = given[-1]
        await self._feed(*given)
        await self._feed_caused()
        self._raise_first()
        return self.telegram.calls[start:]

    async def advance(self, duration: str | timedelta) -> list[Call]:
        """Let time pass, such as "24h", and return the calls that the bot made meanwhile.

        Timers, limits and `asyncio.sleep` are due one after another, each at its time. Raise what a
        task of the bot raised, and TimeoutError when it takes too long.
        """
        seconds, start = seconds_of(duration), len(self.telegram.calls)
        self._clock.check_moves()
        with self._clock.held():
            await pass_time(self._clock, seconds, self._tasks, STEP_LIMIT)
        await self._feed_caused()
        self._raise_first()
        return self.telegram.calls[start:]

    def _raise_first(self) -> None:
        errors, self._errors = self._errors, []
        if errors:
            raise errors[0]

    async def _feed(self, *updates: Update) -> None:
        with self._clock.held(), self._noted():
            fed = (self.app.feed_update(self.app.bot, update) for update in updates)
            tasks = [asyncio.create_task(raised_by(each)) for each in fed]
            try:
                if await finish(tasks, self._tasks, STEP_LIMIT):
                    endless = TimeoutError(f"no handler ended within {STEP_LIMIT:g} seconds")
                    self._errors.append(endless)
                else:
                    self._errors += filter(None, [await task for task in tasks])
            finally:
                for task in tasks:
                    task.cancel()
            self._errors += await settle(self._tasks)

    async def _feed_timer(self, update: Update) -> Exception | SystemExit | None:
        error = await raised_by(self.app.feed_update(self.app.bot, update))
        self._errors += [error] if error else []
        return error

    async def _feed_caused(self) -> None:
        from aiogram.types import Update

        context = {"bot": self.app.bot}
        try:
            for update in self._caused.take():
                await self._feed(Update.model_validate(update, context=context))
        except RuntimeError as error:
            self._errors.append(error)

    def _notice(self, event: Event) -> None:
        self._caused.note(event, self.app)

    async def session(self, update: Json | None = None) -> Json | None:
        """Return the fields of the session that an update belongs to, as they are stored.

        Without `update` it is the last one. A session that nothing changed has its initial fields;
        None where updates have no session.
        """
        key = self._key_of(update)
        if not key:
            return None
        record = await self.app.session_storage.read(key)
        return self.app.sessions.codec.load(key, record)[1]

    async def talk(self) -> Json | None:
        """Return name, waiting question and answers of the talk that is open, None for none."""
        key = self._key_of(None)
        record = await self.app.session_storage.read(key) if key else None
        stored = (record or {}).get(TALK)
        if stored is None:
            return None
        answers = {name: answer[0] for name, *answer in stored.get("answers", ())}
        return {"name": stored["name"], "waiting": stored.get("waiting"), "answers": answers}

    def _key_of(self, update: Json | None) -> str | None:
        from aiogram.types import Update

        given = Update.model_validate(update) if update is not None else self._last_update
        return self.app.session_key(given) if given else None

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
