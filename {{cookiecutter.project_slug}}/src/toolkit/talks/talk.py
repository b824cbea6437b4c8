"""`Talk`: what the function of a dialogue asks, says and does once."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, overload

from aiogram.dispatcher.event.handler import CallbackType, FilterObject
from aiogram.types import KeyboardButton, Message

from toolkit.keyboards import reply_menu
from toolkit.talks.answers import Choices, Option, Reader, as_json, chosen, looked_up, options_of
from toolkit.talks.errors import Refused
from toolkit.talks.labels import BACK, CANCEL, CHOICE, PAGE, Labels, keyboard
from toolkit.talks.replay import fingerprint
from toolkit.talks.run import Came, Reopen, Run, line_of_caller
from toolkit.talks.state import EVENT, Answer

T = TypeVar("T")
R = TypeVar("R")

Within = timedelta | float | None


class _Call(Generic[T]):
    """A call of a talk, to be awaited where it was made."""

    def __init__(
        self, run: Run, name: str, work: Callable[[str], Coroutine[Any, Any, T]], depth: int = 2
    ) -> None:
        self._run, self._name, self._work = run, name, work
        self._line = line_of_caller(depth)
        run.pending.append((self, self._line))

    def __await__(self) -> Generator[Any, Any, T]:
        run = self._run
        run.pending = [each for each in run.pending if each[0] is not self]
        run.enter(self._name, self._line)
        return self._work(self._line).__await__()


class Talk:
    """An open dialogue, as its function sees it.

    The function runs from its top at each update, and what was answered is returned at once. At a
    question without an answer it is left, and comes back with the next update.
    """

    def __init__(self, run: Run, prefix: str = "") -> None:
        self._run = run
        self._prefix = prefix

    @property
    def data(self) -> Any:
        """What `talks.start` was given for it."""
        return self._run.talk.data

    @property
    def labels(self) -> Labels:
        """Its buttons and sentences, to be replaced at the top of the function."""
        return self._run.labels

    @labels.setter
    def labels(self, labels: Labels) -> None:
        self._run.labels = labels

    def at(self, name: str, number: int | str = "") -> Talk:
        """Return the talk with names of its own: for a round of a loop, or a function it calls."""
        parts = (self._prefix, name, str(number))
        return Talk(self._run, ".".join(part for part in parts if part))

    @overload
    def ask(
        self,
        name: str,
        question: str,
        *,
        choices: Choices[T],
        read: Callable[[str], Awaitable[R]],
        columns: int = 1,
        rows: int = 8,
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[T | R]: ...
    @overload
    def ask(
        self,
        name: str,
        question: str,
        *,
        choices: Choices[T],
        read: Callable[[str], R],
        columns: int = 1,
        rows: int = 8,
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[T | R]: ...
    @overload
    def ask(
        self,
        name: str,
        question: str,
        *,
        choices: Choices[T],
        columns: int = 1,
        rows: int = 8,
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[T]: ...
    @overload
    def ask(
        self,
        name: str,
        question: str,
        *,
        read: Callable[[str], Awaitable[R]],
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[R]: ...
    @overload
    def ask(
        self,
        name: str,
        question: str,
        *,
        read: Callable[[str], R],
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[R]: ...
    @overload
    def ask(
        self, name: str, question: str, *, within: Within = None, was: str | None = None
    ) -> Awaitable[str]: ...
    def ask(
        self,
        name: str,
        question: str,
        *,
        choices: Choices[Any] | None = None,
        read: Callable[[str], Any] | None = None,
        columns: int = 1,
        rows: int = 8,
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[Any]:
        """Return what was answered; where nothing was, ask, and leave the function.

        - `name`: what the answer is kept by, once per run.
        - `question`: HTML.
        - `choices`: a list of values, or a dict of labels with values, shown as buttons; or a
          function that looks them up when the question is asked. A label can be typed, too.
        - `read`: turns a typed text into a value. It raises `Refused("…")` with a sentence, or
          `ValueError`, for a text that is no answer. What it returns is JSON-serialisable, or its
          annotation says what it is.
        - `columns`: of the buttons.
        - `rows`: of the buttons; where there are more, they are turned like pages.
        - `within`: seconds, or a timedelta, after which `TalkTimeout` is raised here.
        - `was`: the name of this question in a release before.

        Without `choices` and `read`, the answer is the text.
        """
        asking = _Asking(question, choices, read or (None if choices else str), columns, rows)
        full = self._named(name)
        old = self._named(was) if was is not None else None

        async def work(line: str) -> Any:
            return await self._ask(full, asking, within, old, line)

        return _Call(self._run, full, work)

    def ask_message(
        self,
        name: str,
        question: str,
        *filters: CallbackType,
        request: KeyboardButton | None = None,
        within: Within = None,
        was: str | None = None,
    ) -> Awaitable[Message]:
        """Ask for a message that passes aiogram's filters: `F.photo`, `F.contact`, `F.location`.

        `request` is a button that sends one, such as
        `KeyboardButton(text="Send my number", request_contact=True)`. The rest is as in `ask`.
        """
        full = self._named(name)
        old = self._named(was) if was is not None else None

        async def work(line: str) -> Message:
            return await self._ask_message(full, question, filters, request, within, old, line)

        return _Call(self._run, full, work)

    def event(self, name: str, *, within: Within = None, was: str | None = None) -> Awaitable[Any]:
        """Wait for `talks.signal(key, name, data)`, and return its data.

        One that came before, since this talk began, counts.
        """
        full = self._named(name)
        old = self._named(was) if was is not None else None

        async def work(line: str) -> Any:
            return await self._event(full, within, old, line)

        return _Call(self._run, full, work)

    @overload
    def once(
        self, name: str, work: Callable[[], Awaitable[T]], *, was: str | None = None
    ) -> Awaitable[T]: ...
    @overload
    def once(self, name: str, work: Callable[[], T], *, was: str | None = None) -> Awaitable[T]: ...
    def once(self, name: str, work: Callable[[], Any], *, was: str | None = None) -> Awaitable[Any]:
        """Call `work` the first time that the function comes by, and return what it returned.

        That is kept with the answers, and must be JSON. It is for what has an effect, for what is
        random, and for the time. Where the process dies before the commit, it is called again.
        """
        full = self._named(name)
        old = self._named(was) if was is not None else None

        async def call(line: str) -> Any:
            results = self._run.talk.results
            if old in results:
                results.setdefault(full, results.pop(old))
            if full not in results:
                value = work()
                if inspect.isawaitable(value):
                    value = await value
                results[full] = as_json(full, value)
                if results[full] != value:
                    kind = type(value).__name__
                    raise TypeError(f"{line}: {full!r} returned a {kind}, which JSON does not have")
            return results[full]

        return _Call(self._run, full, call)

    def say(self, text: str) -> Awaitable[None]:
        """Send HTML, or put it into the message that was tapped; not again at later runs."""

        async def work(line: str) -> None:
            await self._run.say(text)

        return _Call(self._run, "", work)

    def _named(self, name: str) -> str:
        return f"{self._prefix}.{name}" if self._prefix else name

    async def _ask(
        self, name: str, asking: _Asking, within: Within, was: str | None, line: str
    ) -> Any:
        run = self._run
        answer = run.answer_of(name, was)
        if answer is not None:
            try:
                return await asking.again(name, answer)
            except ValueError:
                del run.talk.answers[name]
        page, note = 0, ""
        if (came := run.arrive(name)) is not None:
            does = came.value if came.kind == "tap" else ""
            if came.kind == "timeout" or does == CANCEL:
                run.keep(name, Answer(ended="cancel" if does else "timeout"))
            if does == BACK and run.previous is not None:
                raise Reopen(run.previous)
            if does.startswith(PAGE):
                page = int(does.removeprefix(PAGE))
            else:
                try:
                    value, answer = await asking.take(name, came, run.labels)
                except Refused as refusal:
                    note = refusal.text
                else:
                    run.keep(name, answer)
                    return value
        await run.said()
        await asking.show(run, name, page, note)
        run.wait_for(name, "text", within)
        raise run.leave(line)

    async def _ask_message(
        self,
        name: str,
        question: str,
        filters: Sequence[CallbackType],
        request: KeyboardButton | None,
        within: Within,
        was: str | None,
        line: str,
    ) -> Message:
        run = self._run
        if (answer := run.answer_of(name, was)) is not None:
            try:
                return Message.model_validate(answer.value).as_(run.data["bot"])
            except ValueError:
                del run.talk.answers[name]
        note = ""
        if (came := run.arrive(name)) is not None:
            if came.kind == "timeout" or came.value == CANCEL:
                run.keep(name, Answer(ended="timeout" if came.kind == "timeout" else "cancel"))
            if came.value == BACK and run.previous is not None:
                raise Reopen(run.previous)
            if isinstance(came.value, Message):
                if await _passes(came.value, filters, run.data):
                    stored = came.value.model_dump(mode="json", exclude_none=True)
                    run.keep(name, Answer(stored))
                    return came.value
                note = run.labels.unreadable
        await run.said()
        markup = reply_menu([request]) if request is not None else None
        below = keyboard(run.tap_of(name), (), 0, 1, 1, _below(run))
        await run.show(_noted(note, question), markup or below)
        run.wait_for(name, "message", within)
        raise run.leave(line)

    async def _event(self, name: str, within: Within, was: str | None, line: str) -> Any:
        run = self._run
        if (answer := run.answer_of(name, was)) is not None:
            if answer.code == EVENT:
                return answer.value
            del run.talk.answers[name]
        came = run.arrive(name)
        if came is not None and came.kind == "timeout":
            run.keep(name, Answer(code=EVENT, ended="timeout"))
        if came is not None and came.kind == "event":
            run.talk.signals[name] = came.value
        if name in run.talk.signals:
            run.live = True
            value = run.talk.signals.pop(name)
            run.keep(name, Answer(value, code=EVENT))
            return value
        await run.said()
        run.wait_for(name, "event", within)
        raise run.leave(line)


@dataclass(frozen=True)
class _Asking:
    """A question with what can answer it."""

    question: str
    choices: Choices[Any] | None
    read: Callable[[str], Any] | None
    columns: int
    rows: int

    async def again(self, name: str, answer: Answer) -> Any:
        """Return the value of an answer that was given before.

        Raises `ValueError` where it is none any more.
        """
        if answer.text is not None:
            if self.read is None:
                raise ValueError(name)
            reader = Reader(name, self.read)
            if answer.code != fingerprint(self.read):
                try:
                    value, _ = await reader.take(answer.text)
                except Refused as refusal:
                    raise ValueError(name) from refusal
                return value
            return reader.load(answer.value)
        if self.choices is None:
            raise ValueError(name)
        # Not looked up again for what was answered, unless another function does.
        if callable(self.choices) and answer.code == fingerprint(self.choices):
            return answer.value
        for option in await self.options(name):
            if option.stored == answer.value:
                return option.value
        raise ValueError(name)

    async def take(self, name: str, came: Came, labels: Labels) -> tuple[Any, Answer]:
        """Return the value of what came, and the answer to keep. Raises `Refused`."""
        text = str(came.value)
        options = await self.options(name)
        if came.kind == "tap":
            mark = text.removeprefix(CHOICE)
            option = next((each for each in options if each.mark == mark), None)
            if option is None:
                raise Refused(labels.not_offered)
        else:
            option = chosen(options, text)
        if option is not None:
            lazy = callable(self.choices)
            if lazy and option.stored != option.value:
                raise TypeError(f"{name!r}: {option.value!r} is looked up, and must be JSON")
            code = fingerprint(self.choices) if lazy else None
            return option.value, Answer(option.stored, code=code)
        if self.read is None:
            raise Refused(labels.pick)
        try:
            value, stored = await Reader(name, self.read).take(text)
        except ValueError as error:
            raise Refused(labels.unreadable) from error
        return value, Answer(stored, text, fingerprint(self.read))

    async def options(self, name: str) -> list[Option]:
        """Return what is offered now."""
        return options_of(name, await looked_up(self.choices)) if self.choices is not None else []

    async def show(self, run: Run, name: str, page: int, note: str) -> None:
        """Show the question with its buttons."""
        options = await self.options(name)
        tap = run.tap_of(name)
        markup = keyboard(tap, options, page, self.columns, self.rows, _below(run))
        await run.show(_noted(note, self.question), markup)


def _below(run: Run) -> list[tuple[str, str]]:
    labels, found = run.labels, []
    if labels.back is not None and run.previous is not None:
        found.append((labels.back, BACK))
    if labels.cancel is not None:
        found.append((labels.cancel, CANCEL))
    return found


def _noted(note: str, question: str) -> str:
    return f"{note}\n\n{question}" if note else question


async def _passes(message: Message, filters: Sequence[CallbackType], data: Any) -> bool:
    for each in filters:
        if not await FilterObject(each).call(message, **data):
            return False
    return True
