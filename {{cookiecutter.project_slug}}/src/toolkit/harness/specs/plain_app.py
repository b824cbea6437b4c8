"""A dispatcher, or the `main` that polls with one, in place of a `BotApp`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from aiogram import Bot, Dispatcher, Router
from aiogram.methods import TelegramMethod
from aiogram.types import Update

from toolkit.delivery.outgoing import RetryingBot
from toolkit.delivery.shutdown import close_within
from toolkit.harness.specs.fsm_session import FsmSessions, Kept, key_of, scope_of
from toolkit.harness.specs.making import TOKEN, making
from toolkit.harness.specs.registrations import Registrations, own_values

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram.transport import FakeSession

Main = Callable[[], Any]

START_LIMIT = 10.0
"""Seconds that a `main` may take until it polls."""

POLLING = (
    *("polling_timeout", "handle_as_tasks", "backoff_config", "allowed_updates"),
    *("handle_signals", "close_bot_session", "tasks_concurrency_limit"),
)
"""Options of `start_polling`; all others are for handlers."""


class PlainApp:
    """What the harness needs of a `BotApp`, for a bot that `create_bot` did not make.

    With `main`, dispatcher and bot are those that it polls with. `before` is what was registered
    before the bot was put together; it is put back after the one time that this can run.
    """

    def __init__(
        self,
        dispatcher: Dispatcher | None = None,
        bot: Bot | None = None,
        *,
        main: Main | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.dispatcher = dispatcher or Dispatcher()
        with making():
            self.bot = bot or Bot(TOKEN)
        self.when_up: list[Callable[[BotApp[Any]], object]] = []
        self.before: Registrations | None = None
        self._main, self._options = main, options or {}
        self._stop = asyncio.Event()
        self.keep_in(defaultdict())

    def keep_in(self, kept: Kept) -> None:
        """Keep FSM states and data there, where there may be some."""
        self.sessions = self.session_storage = FsmSessions(kept, self.bot.id)

    @property
    def workflow_data(self) -> dict[str, Any]:
        """What handlers get."""
        given = {name: value for name, value in self._options.items() if name not in POLLING}
        return {**self.dispatcher.workflow_data, **given}

    @property
    def observers(self) -> Mapping[str, Any]:
        """What handlers are registered with, by the type of update."""
        return self.dispatcher.observers

    @property
    def chain_tail(self) -> Iterable[Router]:
        """The dispatcher and all routers."""
        return self.dispatcher.chain_tail

    @property
    def sub_routers(self) -> list[Router]:
        """The routers right below the dispatcher."""
        return self.dispatcher.sub_routers

    @property
    def scope(self) -> str:
        """Who shares a state."""
        return scope_of(self.dispatcher)

    @property
    def commands(self) -> dict[str, str]:
        """The commands that the bot has set, with their descriptions."""
        lists = cast("FakeSession", self.bot.session).world.commands.values()
        return {each["command"]: each["description"] for commands in lists for each in commands}

    def session_key(self, update: Update) -> str | None:
        """Return the key of the state that `update` belongs to; None where it has none."""
        return key_of(self.dispatcher, self.bot, update)

    def wanted_updates(self) -> list[str] | None:
        """Return the types of updates that the bot asks for."""
        given = self._options.get("allowed_updates")
        return given if isinstance(given, list) else self.dispatcher.resolve_used_update_types()

    async def feed_update(self, bot: Bot, update: Update) -> None:
        """Take one update as polling does; raises what a handler raises."""
        given = {"dispatcher": self.dispatcher, "bots": (bot,), **self.workflow_data}
        done = await self.dispatcher.feed_update(bot, update, **given)
        if isinstance(done, TelegramMethod):
            await self.dispatcher.silent_call_request(bot, done)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the bot for a block without taking updates."""
        for bot in own_values(Bot):
            self._attach(bot)
        if self.before is not None:
            self.before.in_use = True
        try:
            async with self._polling() if self._main is None else self._in_main(self._main):
                yield
        finally:
            if self.before is not None:
                self.before.put_back()

    def _attach(self, bot: Bot) -> None:
        """Let another bot of the same code talk to the same Telegram."""
        if bot is not self.bot and not isinstance(bot, RetryingBot):
            bot.session = cast("FakeSession", self.bot.session).instead_of(bot.session)

    @asynccontextmanager
    async def _polling(self) -> AsyncIterator[None]:
        dispatcher = self.dispatcher
        before = Registrations([dispatcher])
        give_back = self.sessions.take_over(dispatcher)
        data = {"dispatcher": dispatcher, "bots": (self.bot,), **self.workflow_data}
        data["bot"] = self.bot
        try:
            for do in self.when_up:
                do(cast("BotApp[Any]", self))
            await dispatcher.emit_startup(**data)
            try:
                yield
            finally:
                await close_within(2.0, "a shutdown hook", dispatcher.emit_shutdown(**data))
        finally:
            give_back()
            before.put_back()

    @asynccontextmanager
    async def _in_main(self, main: Main) -> AsyncIterator[None]:
        """Run `main` beside the block, which begins when it polls, and ends that."""
        polls = asyncio.Event()

        async def poll(dispatcher: Dispatcher, bots: tuple[Bot, ...], options: Any) -> None:
            self._attach(bots[-1])
            self.dispatcher, self.bot, self._options = dispatcher, bots[-1], options
            async with self._polling():
                polls.set()
                await self._stop.wait()

        with making(poll, self._attach):
            # Not noted as a task of the bot; those that it starts are.
            task = asyncio.Task(main(), loop=asyncio.get_running_loop())
        waiting = asyncio.Task(polls.wait(), loop=asyncio.get_running_loop())
        await asyncio.wait((task, waiting), timeout=START_LIMIT, return_when="FIRST_COMPLETED")
        waiting.cancel()
        try:
            if not polls.is_set():
                raise _never_polled(task, main)
            yield
        finally:
            self._stop.set()
            if not polls.is_set():
                task.cancel()
            await close_within(2.0, _name(main), _end_of(task))


async def _end_of(task: asyncio.Task[Any]) -> None:
    await asyncio.wait((task,))
    if not task.cancelled():
        task.result()


def _never_polled(task: asyncio.Task[Any], main: Main) -> BaseException:
    if not task.done():
        problem = f"did not call start_polling of a Dispatcher within {START_LIMIT:g} seconds"
        return TimeoutError(f"{_name(main)} {problem}")
    if not task.cancelled() and (error := task.exception()) is not None:
        return error
    return TypeError(
        f"{_name(main)} ended without polling: name a function that calls start_polling of a "
        "Dispatcher, or returns one"
    )


def _name(main: Main) -> str:
    return getattr(main, "__qualname__", repr(main))
