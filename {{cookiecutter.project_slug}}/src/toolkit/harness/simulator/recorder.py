"""Deliver updates to the bot, and record for each: calls, handler, log lines, session.

Calls are attributed by context, not by time: a task that a handler starts inherits its turn, so
calls that come late, or while another update is handled, still land where they belong.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.errors import StorageError
from toolkit.harness.simulator.turns import Turn, current
from toolkit.harness.specs.caused import Caused
from toolkit.harness.specs.exercised import function_of
from toolkit.harness.specs.settling import settle, started
from toolkit.harness.types import Json
from toolkit.storage.base import SessionStorage
from toolkit.waiting import KeyedLock

if TYPE_CHECKING:
    from aiogram.types import Update

    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Event, FakeTelegram

KEPT = 300
"""Turns that are remembered; the oldest are forgotten first."""

Changed = Callable[[str, Any], object]
"""Is called with `"turn"` and a `Turn`, or `"event"` and an `Event` of the fake Telegram."""


class SimulatorError(Exception):
    """The request cannot be done; the message says why, and is shown to the user."""


class Recorder:
    """The turns of one bot's updates; `records` is the store that its sessions are read from.

    Updates wait until a bot is connected. It may be replaced at any time.
    """

    def __init__(self, telegram: FakeTelegram, records: SessionStorage, changed: Changed) -> None:
        self.telegram = telegram
        self.turns: list[Turn] = []
        self.app: BotApp[Any] | None = None
        self._records = self._stored = records
        self._changed = changed
        self._number = 0
        self._connected = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], Turn] = {}
        self._queues = KeyedLock()
        telegram.observe(self._notice)

    @property
    def running_app(self) -> BotApp[Any]:
        """The connected bot. Raises `SimulatorError` while there is none."""
        if self.app is None:
            raise SimulatorError("the bot is not running yet")
        return self.app

    def watch_handlers(self, app: BotApp[Any]) -> None:
        """Time and name every handler of `app`."""
        from toolkit.harness.specs.plain import when_up

        when_up(app, self._watch)

    def _watch(self, app: BotApp[Any]) -> None:
        for name, observer in app.observers.items():
            if name not in ("update", "error"):
                observer.middleware(self._around_handler)

    def connect(self, app: BotApp[Any]) -> None:
        """Deliver to this bot from now on."""
        from toolkit.harness.specs.plain import is_plain

        self.app = app
        self._stored = app.session_storage if is_plain(app) else self._records
        self._connected.set()

    async def disconnect(self) -> list[Turn]:
        """Cut the bot off in the middle of its work; return the turns of updates not done."""
        unsettled = [turn for turn in self.turns if not turn.done]
        self._connected.clear()
        tasks = [*self._tasks, *(task for turn in self.turns for task in turn.tasks)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.app = None
        for turn in unsettled:
            if turn.update is None:  # a timer comes again by itself
                self.finish(turn)
        return [turn for turn in unsettled if turn.update is not None]

    def begin(self, title: str = "", **fields: Any) -> Turn:
        """Return a new turn, the last one until the next begins."""
        self._number += 1
        turn = Turn(self._number, title, time.time(), self._changed, **fields)
        self.turns.append(turn)
        del self.turns[:-KEPT]
        self._changed("turn", turn)
        return turn

    def find(self, number: int) -> Turn:
        """Return the turn with this number. Raises `LookupError` once it is forgotten."""
        for turn in self.turns:
            if turn.number == number:
                return turn
        raise LookupError(f"there is no turn {number} any more")

    def forget(self, start: int) -> None:
        """Forget the turn with the number `start` and all after it."""
        self.turns = [turn for turn in self.turns if turn.number < start]

    def deliver(self, update: Json, **fields: Any) -> Turn:
        """Give the bot an update; return the turn, which is about to be handled."""
        turn = self.begin(update=update, **fields)
        self.redeliver(turn)
        return turn

    def redeliver(self, turn: Turn) -> None:
        """Give the bot the update of a turn that was not done."""
        self._start(turn, self._handle(turn))

    def start_timer(self, turn: Turn, update: Update) -> None:
        """Have the bot handle a timer as what `turn` is about."""
        self._start(turn, self._handle_timer(turn, update))

    def _start(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = turn
        task.add_done_callback(self._tasks.pop)

    async def handle_timer(self, update: Update) -> str | None:
        """Have the bot handle a timer, as a turn of its own; return what it raised."""
        timer: Any = update.event
        if (chat := timer.origin.chat or 0) > 0:
            # They have talked to the bot, in an earlier process perhaps.
            self.telegram.private_chat(chat)
            self.telegram.users[chat].started = True
        turn = self.begin(f"Timer {timer.name}", key=timer.key)
        await self._handle_timer(turn, update)
        return turn.error

    async def _handle_timer(self, turn: Turn, update: Update) -> None:
        await self._feed(turn, update, turn.key)
        self.finish(turn)
        if errors := await settle(turn.tasks):
            turn.error = turn.error or traceback_of(errors[0])
            self.finish(turn)

    async def settle(self, turn: Turn) -> None:
        """Wait until the update is handled and the tasks of its handler have ended or wait."""
        await asyncio.gather(*(task for task, mine in self._tasks.items() if mine is turn))

    async def run(self, turn: Turn, work: Awaitable[object]) -> None:
        """Await `work` as what `turn` is about; an exception is kept, not raised."""
        token = current.set(turn)
        noted = started.set(turn.tasks)
        began = time.perf_counter()
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a bot may raise anything
            turn.error = traceback_of(error)
        finally:
            turn.seconds = time.perf_counter() - began
            started.reset(noted)
            current.reset(token)

    def finish(self, turn: Turn) -> None:
        """Mark the turn as done; late calls are still added."""
        turn.done = True
        self._changed("turn", turn)

    async def fields(self, key: str | None) -> Json | None:
        """Return the fields of the session under `key`, as they are stored or would begin.

        None where there is no session, or one that this bot cannot read.
        """
        if key is None:
            return None
        try:
            return self.running_app.sessions.codec.load(key, await self.stored(key))[1]
        except StorageError:
            return None

    async def stored(self, key: str) -> Json | None:
        """Return the record under `key` as it is stored, None for none."""
        return await self._stored.read(key)

    async def _handle(self, turn: Turn) -> None:
        await self._connected.wait()
        from aiogram.types import Update

        app = self.running_app
        try:
            update = Update.model_validate(turn.update, context={"bot": app.bot})
        except ValueError as error:
            turn.error = traceback_of(error)
            self.finish(turn)
            return
        turn.key, turn.handler = app.session_key(update), None
        await self._feed(turn, update, turn.key)
        self.finish(turn)
        errors: list[BaseException] = await settle(turn.tasks)
        try:
            for caused in turn.caused.take() if turn.caused else ():
                update = Update.model_validate(caused, context={"bot": app.bot})
                await self._feed(turn, update, app.session_key(update))
                errors += await settle(turn.tasks)
                self.finish(turn)
        except RuntimeError as error:
            errors.append(error)
        if errors:
            turn.error = turn.error or traceback_of(errors[0])
            self.finish(turn)

    async def _feed(self, turn: Turn, update: Update, key: str | None) -> None:
        app = self.running_app
        # As the bot's own poller does: one update per session at a time, others meanwhile.
        async with self._queues.hold(key, f"update {turn.number}"):
            await self.run(turn, app.feed_update(app.bot, update))
            if turn.before is not None:
                turn.after = await self.fields(turn.key)

    def _notice(self, event: Event) -> None:
        turn = current.get()
        if event.kind == "call" and turn is not None:
            turn.calls.append(event.data)
            self._changed("turn", turn)
            return
        if turn is not None and self.app is not None and event.kind == "update":
            turn.caused = turn.caused or Caused()
            turn.caused.note(event, self.app)
        self._changed("event", event)

    async def _around_handler(
        self, handler: Callable[[Any, Json], Awaitable[Any]], event: Any, data: Json
    ) -> Any:
        turn = current.get()
        # The handler of a turn is that of its update, not of those that its own calls cause.
        if turn is None or turn.handler is not None:
            return await handler(event, data)
        if "context" in data:  # the fields as they were read from the store
            turn.before = data["context"]._before
        turn.handler, turn.place = _name_and_place(data["handler"].callback)
        began = time.perf_counter()
        try:
            return await handler(event, data)
        finally:
            turn.handler_seconds = time.perf_counter() - began


def traceback_of(error: BaseException) -> str:
    """Return what Python prints for an exception that is not caught."""
    return "".join(traceback.format_exception(error))


def headline_of(trace: str) -> str:
    """Return what a traceback says first about its exception: the type, and its first line."""
    lines = trace.strip().splitlines()
    if "Exception Group Traceback" in trace:
        lines = [line.removeprefix("  | ") for line in lines if line.startswith("  | ")] or lines
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    about = lines[frames[-1] + 1 :] if frames else lines
    return next((line for line in about if line and line[0] != " "), trace.strip())


def no_listener(kind: str, data: Any) -> None:
    """Do nothing."""


def _name_and_place(callback: Callable[..., Any]) -> tuple[str, str | None]:
    function = function_of(getattr(callback, "func", callback))
    name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
    code = getattr(function, "__code__", None)
    if code is None:
        return name, None
    path = Path(code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return name, f"{shown}:{code.co_firstlineno}"
