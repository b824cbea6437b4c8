"""`Talk`: what the function of a dialogue asks, says and does once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

from aiogram.dispatcher.event.handler import CallbackType
from aiogram.types import KeyboardButton, Message

from toolkit.talks.answers import Choices
from toolkit.talks.calls import Event, Once, Say, Within
from toolkit.talks.labels import Labels
from toolkit.talks.questions import Ask, AskMessage
from toolkit.talks.run import Run

T = TypeVar("T")
R = TypeVar("R")


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
        if read is None and choices is None:
            read = str
        call = (self._run, self._named(name), self._was(was), within)
        return Ask(*call, question, choices, read, columns, rows)

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
        call = (self._run, self._named(name), self._was(was), within)
        return AskMessage(*call, question, filters, request)

    def event(self, name: str, *, within: Within = None, was: str | None = None) -> Awaitable[Any]:
        """Wait for `talks.signal(key, name, data)`, and return its data.

        One that came before, since this talk began, counts.
        """
        return Event(self._run, self._named(name), self._was(was), within)

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
        return Once(self._run, self._named(name), self._was(was), work)

    def say(self, text: str) -> Awaitable[None]:
        """Send HTML, or put it into the message that was tapped; not again at later runs."""
        return Say(self._run, text)

    def _named(self, name: str) -> str:
        return f"{self._prefix}.{name}" if self._prefix else name

    def _was(self, was: str | None) -> str | None:
        return None if was is None else self._named(was)
