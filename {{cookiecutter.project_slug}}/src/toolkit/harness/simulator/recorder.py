"""Records what came of every update: its calls, its handler, its log lines, its session.

Who caused a call is told by context, not by time: a task that a handler starts inherits the turn it
belongs to, so calls that come late, or while another update is handled, still land where they
belong.
"""

from __future__ import annotations

import inspect
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.settling import Task, started
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Call, Event, FakeTelegram

KEPT = 300
"""Turns that are remembered; the oldest are forgotten first."""


@dataclass
class Turn:
    """One update and all that came of it; without an ``update``, a start of the bot.

    ``action`` is what a person did, as the ``send`` of a spec's step. ``before`` and ``after`` are
    the fields of the session under ``key``. ``point`` makes the world what it was before;
    ``again`` marks an update that was delivered once more; ``tasks`` are those its handler started.
    """

    number: int
    title: str
    at: float
    changed: Callable[[Turn], object] = field(repr=False)
    update: Json | None = None
    action: Json | None = None
    key: str | None = None
    before: Json | None = None
    after: Json | None = None
    calls: list[Call] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list, repr=False)
    handler: str | None = None
    place: str | None = None
    handler_seconds: float | None = None
    seconds: float | None = None
    logs: list[Json] = field(default_factory=list)
    error: str | None = None
    again: bool = False
    done: bool = False
    verdict: str | None = None
    point: Callable[[], None] | None = None

    @property
    def message(self) -> Json | None:
        """The message that a person sent, if the update is one."""
        update = self.update or {}
        found: Json | None = update.get("message") or update.get("channel_post")
        return found


_current: ContextVar[Turn | None] = ContextVar("current_turn", default=None)


class LogLines(logging.Handler):
    """Adds what is logged while a turn is handled to that turn, and drops the rest."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Add one line."""
        turn = _current.get()
        if turn is not None and record.name != "aiogram.event":
            line = {"level": record.levelname, "logger": record.name, "text": self.format(record)}
            turn.logs.append(line)
            turn.changed(turn)


class Recorder:
    """Keeps the turns of one simulation; ``changed`` is called with each turn that changes."""

    def __init__(self, telegram: FakeTelegram, changed: Callable[[Turn], object]) -> None:
        self.turns: list[Turn] = []
        self._changed = changed
        self._number = 0
        telegram.observe(self._note_call)

    def begin(self, title: str, **fields: Any) -> Turn:
        """A new turn, the last one until the next begins."""
        self._number += 1
        turn = Turn(self._number, title, time.time(), self._changed, **fields)
        self.turns.append(turn)
        del self.turns[:-KEPT]
        self._changed(turn)
        return turn

    def find(self, number: int) -> Turn:
        """The turn with this number. Raises `LookupError` once it is forgotten."""
        for turn in self.turns:
            if turn.number == number:
                return turn
        raise LookupError(f"there is no turn {number} any more")

    def forget(self, start: int) -> None:
        """Forget the turn with the number ``start`` and all after it."""
        self.turns = [turn for turn in self.turns if turn.number < start]

    async def run(self, turn: Turn, work: Awaitable[object]) -> None:
        """Await ``work`` as what ``turn`` is about; an exception is kept, not raised."""
        token = _current.set(turn)
        noted = started.set(turn.tasks)
        began = time.perf_counter()
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a bot may raise anything
            turn.error = traceback_of(error)
        finally:
            turn.seconds = time.perf_counter() - began
            started.reset(noted)
            _current.reset(token)

    def finish(self, turn: Turn) -> None:
        """Nothing more is awaited of ``turn``; late calls are still added."""
        turn.done = True
        self._changed(turn)

    def watch_handlers(self, app: BotApp[Any]) -> None:
        """Let every handler of ``app`` be timed and named."""
        for name, observer in app.observers.items():
            if name not in ("update", "error"):
                observer.middleware(self._around_handler)

    def _note_call(self, event: Event) -> None:
        turn = _current.get()
        if event.kind == "call" and turn is not None:
            turn.calls.append(event.data)
            self._changed(turn)

    async def _around_handler(
        self, handler: Callable[[Any, Json], Awaitable[Any]], event: Any, data: Json
    ) -> Any:
        turn = _current.get()
        if turn is None:
            return await handler(event, data)
        turn.handler, turn.place = _name_and_place(data["handler"].callback)
        began = time.perf_counter()
        try:
            return await handler(event, data)
        finally:
            turn.handler_seconds = time.perf_counter() - began


def traceback_of(error: BaseException) -> str:
    """What Python prints for an exception that nobody caught."""
    return "".join(traceback.format_exception(error))


def _name_and_place(callback: Callable[..., Any]) -> tuple[str, str | None]:
    function = inspect.unwrap(getattr(callback, "func", callback))
    name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
    code = getattr(function, "__code__", None)
    if code is None:
        return name, None
    path = Path(code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return name, f"{shown}:{code.co_firstlineno}"
