"""The questions of a `Talk`: a choice, a text, a message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from aiogram.dispatcher.event.handler import CallbackType, FilterObject
from aiogram.types import InlineKeyboardMarkup, KeyboardButton, Message, ReplyKeyboardMarkup

from toolkit.keyboards import reply_menu
from toolkit.talks.answers import Choices, Option, Reader, chosen, looked_up, options_of
from toolkit.talks.calls import UNKNOWN, Waiting, Within
from toolkit.talks.errors import Refused
from toolkit.talks.labels import BACK, CANCEL, CHOICE, PAGE, keyboard
from toolkit.talks.replay import fingerprint
from toolkit.talks.run import Came, Run
from toolkit.talks.state import Answer


class AskMessage(Waiting[Message]):
    """Asks for a message."""

    __slots__ = ("_filters", "_question", "_request")

    depth = 4
    takes = "message"

    def __init__(
        self,
        run: Run,
        name: str,
        was: str | None,
        within: Within,
        question: str,
        filters: Sequence[CallbackType],
        request: KeyboardButton | None,
    ) -> None:
        super().__init__(run, name, was, within)
        self._question, self._filters, self._request = question, filters, request

    def again(self, answer: Answer) -> Any:
        """Return the message."""
        try:
            return Message.model_validate(answer.value).as_(self.run.data["bot"])
        except ValueError:
            return UNKNOWN

    async def work(self) -> Message:
        """Return a message that came, or ask for one."""
        run, note, labels = self.run, "", self.run.labels
        came = self.came({labels.back: BACK, labels.cancel: CANCEL} if self._request else {})
        if came is not None and isinstance(came.value, Message):
            if await self._passes(came.value):
                stored = came.value.model_dump(mode="json", exclude_none=True)
                run.keep(self.name, Answer(stored))
                return came.value
            note = labels.unreadable
        await run.said()
        await run.show(noted(note, self._question), self._markup())
        raise run.wait_for(self)

    def _markup(self) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
        if self._request is None:
            return keyboard(self.run.tap_of(self.name), (), 0, 1, 1, self.below(), self.run.labels)
        return reply_menu([self._request, *(label for label, _ in self.below())])

    async def _passes(self, message: Message) -> bool:
        for each in self._filters:
            if not await FilterObject(each).call(message, **self.run.data):
                return False
        return True


class Ask(Waiting[Any]):
    """Asks for a choice, or a text."""

    __slots__ = ("_choices", "_columns", "_question", "_read", "_rows")

    depth = 4
    takes = "text"

    def __init__(
        self,
        run: Run,
        name: str,
        was: str | None,
        within: Within,
        question: str,
        choices: Choices[Any] | None,
        read: Callable[[str], Any] | None,
        columns: int,
        rows: int,
    ) -> None:
        super().__init__(run, name, was, within)
        self._question, self._choices, self._read = question, choices, read
        self._columns, self._rows = columns, rows

    def again(self, answer: Answer) -> Any:
        """Return the value of an answer whose code is what it was."""
        if answer.text is not None:
            if self._read is str:
                return answer.text
            if self._read is None or answer.code != fingerprint(self._read):
                return UNKNOWN
            try:
                return Reader(self.name, self._read).load(answer.value)
            except ValueError:
                return UNKNOWN
        if callable(self._choices):
            # Not looked up again for what was answered, unless another function does.
            return answer.value if answer.code == fingerprint(self._choices) else UNKNOWN
        if self._choices is None:
            return UNKNOWN
        for option in options_of(self.name, self._choices):
            if option.stored == answer.value:
                return option.value
        return UNKNOWN

    async def work(self) -> Any:
        """Return what was chosen or typed, or ask for it."""
        run, name = self.run, self.name
        if (answer := run.talk.answers.get(name)) is not None:
            try:
                return await self._anew(answer)
            except (Refused, ValueError):
                del run.talk.answers[name]
        page, note = 0, ""
        if (came := self.came()) is not None:
            does = came.value if came.kind == "tap" else ""
            if does.startswith(PAGE):
                page = int(does.removeprefix(PAGE))
            else:
                try:
                    value, answer = await self._take(came)
                except Refused as refusal:
                    note = refusal.text
                else:
                    run.keep(name, answer)
                    return value
        await run.said()
        options = await self._options()
        tap = run.tap_of(name)
        markup = keyboard(tap, options, page, self._columns, self._rows, self.below(), run.labels)
        await run.show(noted(note, self._question), markup)
        raise run.wait_for(self)

    async def _anew(self, answer: Answer) -> Any:
        """Return the value that the code of today makes of an answer. Raises where it does not."""
        if answer.text is not None:
            if self._read is None:
                raise Refused
            value, stored = await Reader(self.name, self._read).take(answer.text)
            taken = Answer(stored, answer.text, fingerprint(self._read))
        else:
            option = next((x for x in await self._options() if x.stored == answer.value), None)
            if option is None:
                raise Refused
            value, taken = self._chosen(option)
        self.run.talk.answers[self.name] = taken
        return value

    async def _take(self, came: Came) -> tuple[Any, Answer]:
        """Return the value of what came, and the answer to keep. Raises `Refused`."""
        labels, text = self.run.labels, str(came.value)
        options = await self._options()
        if came.kind == "tap":
            mark = text.removeprefix(CHOICE)
            option = next((each for each in options if each.mark == mark), None)
            if option is None:
                raise Refused(labels.not_offered)
        else:
            option = chosen(options, text)
        if option is not None:
            return self._chosen(option)
        if self._read is None:
            raise Refused(labels.pick)
        try:
            value, stored = await Reader(self.name, self._read).take(text)
        except ValueError as error:
            raise Refused(labels.unreadable) from error
        return value, Answer(stored, text, fingerprint(self._read))

    def _chosen(self, option: Option) -> tuple[Any, Answer]:
        if not callable(self._choices):
            return option.value, Answer(option.stored)
        if option.stored != option.value:
            kind = type(option.value).__name__
            raise TypeError(
                f"{self.line}: a choice of {self.name!r} is a {kind}; what a function looks up "
                "must be JSON, as it is not looked up again"
            )
        return option.value, Answer(option.stored, code=fingerprint(self._choices))

    async def _options(self) -> list[Option]:
        if self._choices is None:
            return []
        return options_of(self.name, await looked_up(self._choices))


def noted(note: str, question: str) -> str:
    """Put a note above a question."""
    return f"{note}\n\n{question}" if note else question
