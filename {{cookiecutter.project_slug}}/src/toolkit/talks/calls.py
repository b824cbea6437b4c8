"""What the calls of a `Talk` do when they are awaited.

What is known from an earlier run is returned at once: a talk of thirty questions comes by each of
them at each update.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Mapping
from datetime import timedelta
from typing import Any, Generic, TypeVar

from aiogram.types import Message

from toolkit.talks.answers import as_json
from toolkit.talks.errors import ENDINGS
from toolkit.talks.labels import BACK, CANCEL
from toolkit.talks.run import Came, Reopen, Run
from toolkit.talks.state import EVENT, Answer

T = TypeVar("T")

Within = timedelta | float | None

UNKNOWN: Any = object()
"""Stands for what no earlier run has found out."""


class Call(Generic[T]):
    """A call of a talk, to be awaited in its function. `was` is its name in an earlier release."""

    __slots__ = ("_code", "_line", "name", "run", "was")

    depth = 3
    """How many calls lie between `__init__` here and the talk's function."""

    def __init__(self, run: Run, name: str, was: str | None = None) -> None:
        self.run, self.name, self.was = run, name, was
        frame = sys._getframe(self.depth)
        self._code, self._line = frame.f_code, frame.f_lineno
        run.pending.add(self)

    @property
    def line(self) -> str:
        """File and line where it stands."""
        return f"{self._code.co_filename}:{self._line}"

    def __await__(self) -> Generator[Any, Any, T]:
        self.run.enter(self)
        known: T = self.known()
        return known if known is not UNKNOWN else (yield from self.work().__await__())

    def known(self) -> Any:
        """Return what is known, else `UNKNOWN`."""
        return UNKNOWN

    async def work(self) -> Any:
        """Do it."""
        raise NotImplementedError


class Say(Call[None]):
    """Sends a text."""

    __slots__ = ("_text",)

    def __init__(self, run: Run, text: str) -> None:
        super().__init__(run, "")
        self._text = text

    async def work(self) -> None:
        """Send it."""
        await self.run.say(self._text)


class Once(Call[T]):
    """Does something once."""

    __slots__ = ("_work",)

    def __init__(self, run: Run, name: str, was: str | None, work: Callable[[], Any]) -> None:
        super().__init__(run, name, was)
        self._work = work

    def known(self) -> Any:
        """Return what it returned."""
        results = self.run.talk.results
        if self.was in results:
            results.setdefault(self.name, results.pop(self.was))
        return results.get(self.name, UNKNOWN)

    async def work(self) -> Any:
        """Do it. Raises `TypeError` for a result that is no JSON."""
        value = self._work()
        if inspect.isawaitable(value):
            value = await value
        stored = as_json(self.name, value)
        if stored != value:
            kind = type(value).__name__
            raise TypeError(f"{self.line}: {self.name!r} returned a {kind}, which is no JSON")
        self.run.talk.results[self.name] = stored
        return value


class Waiting(Call[T]):
    """Waits for what an update brings."""

    __slots__ = ("within",)

    takes = ""
    """What of updates it can use; see `OpenTalk.takes`."""
    code: str | None = None
    """What its answers are kept with."""

    def __init__(self, run: Run, name: str, was: str | None, within: Within) -> None:
        super().__init__(run, name, was)
        self.within = within

    def known(self) -> Any:
        """Return the answer that was given, or raise what came instead of one."""
        answer = self.run.answer_of(self.name, self.was)
        if answer is None:
            return UNKNOWN
        if answer.ended is not None:
            raise ENDINGS[answer.ended](self.name)
        return self.again(answer)

    def again(self, answer: Answer) -> Any:
        """Return the value of an answer; `UNKNOWN` where that has to be looked up."""
        return answer.value

    def came(self, labelled: Mapping[str | None, str] = {}) -> Came | None:
        """Return what came for it. Raises what ends the talk, and what goes back in it.

        `labelled` are buttons that send their label.
        """
        run = self.run
        # One that another kind of question was answered with.
        run.talk.answers.pop(self.name, None)
        came = run.arrive(self)
        if came is None:
            return None
        does = came.value
        if isinstance(does, Message):
            does = labelled.get(does.text)
        if came.kind == "timeout" or does == CANCEL:
            ended = "timeout" if came.kind == "timeout" else "cancel"
            run.keep(self.name, Answer(code=self.code, ended=ended))
            raise ENDINGS[ended](self.name)
        if does == BACK and run.previous is not None:
            raise Reopen(run.previous)
        return came

    def below(self) -> list[tuple[str, str]]:
        """Return labels and data of the buttons below a question."""
        labels, found = self.run.labels, []
        if labels.back is not None and self.run.previous is not None:
            found.append((labels.back, BACK))
        if labels.cancel is not None:
            found.append((labels.cancel, CANCEL))
        return found


class Event(Waiting[Any]):
    """Waits for an event."""

    __slots__ = ()

    takes = "event"
    code = EVENT

    def again(self, answer: Answer) -> Any:
        """Return its data."""
        return answer.value if answer.code == EVENT else UNKNOWN

    async def work(self) -> Any:
        """Return its data, or wait for it."""
        run, name = self.run, self.name
        came = self.came()
        signals = run.talk.signals
        if came is not None:
            signals[name] = came.value
        if name not in signals:
            await run.said()
            raise run.wait_for(self)
        run.live = True
        value = signals.pop(name)
        run.keep(name, Answer(value, code=EVENT))
        return value
