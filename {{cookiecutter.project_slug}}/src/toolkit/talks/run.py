"""One run of a talk's function, from its top to the question that is asked next.

What ran before the newest answer has run and was committed before, so the session is put back to
how it was when the talk began, and then at the newest answer to how it was committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

from aiogram.methods import SendMessage
from aiogram.types import (
    CallbackQuery,
    InlineKeyboardMarkup,
    Message,
    ReplyKeyboardMarkup,
)

from toolkit.errors import SessionUndecodable
from toolkit.sessions.middleware import BotContext, Sessions
from toolkit.talks.errors import Asked, TalkMisused
from toolkit.talks.labels import PREFIX, Labels, Tap
from toolkit.talks.replay import restore
from toolkit.talks.state import EVENT, Answer, OpenTalk, short

logger = logging.getLogger(__name__)

TIMEOUT = f"{PREFIX}:timeout"
"""The timer of the question that waits."""


@dataclass(frozen=True)
class Came:
    """What an update brings to the talk: a message, a tap, the data of an event, or an end."""

    kind: str = ""
    """ "text", "message", "tap", "event", "timeout", "resume" or "" at the start."""
    value: Any = None
    question: str | None = None
    """The one that it is for, where it says so."""


Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup | None


async def tell(text: str, data: Mapping[str, Any], markup: Markup = None) -> None:
    """Send a text to the chat of the session."""
    origin = data["session_origin"]
    await data["bot"](
        SendMessage(
            chat_id=origin.user if origin.chat is None else origin.chat,
            message_thread_id=origin.topic,
            business_connection_id=origin.business,
            text=text,
            reply_markup=markup,
        )
    )


class Call(Protocol):
    """A call of the talk, with the place where it stands."""

    name: str

    @property
    def line(self) -> str:
        """File and line."""


class Question(Call, Protocol):
    """A call that waits for what an update brings."""

    takes: str
    within: timedelta | float | None


class Reopen(BaseException):
    """Has the function run again from its top, as a question is to be asked again."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


class Run:
    """The state of one run: which questions it has come by, and whether it is past the newest."""

    def __init__(
        self,
        talk: OpenTalk,
        came: Came,
        event: object,
        data: Mapping[str, Any],
        labels: Labels,
        in_place: bool,
        reopened: bool = False,
    ) -> None:
        self.talk = talk
        self.came = came
        self.event = event
        self.data = data
        self.labels = labels
        self.asked: list[str] = []
        """The questions of this run, in their order."""
        self.names: set[str] = set()
        self.live = came.kind == ""
        self.left: str | None = None
        """The line at which the function was left."""
        self.pending: set[Call] = set()
        """Calls that were made and not awaited yet."""
        self._held: list[str] = []
        self._task = asyncio.current_task()
        self._context: BotContext[Any] = data["context"]
        self._sessions: Sessions[Any] = data["sessions"]
        self._reopened = reopened
        self._anew = reopened or came.kind == "resume"
        self._was_waiting = talk.waiting
        self._fresh = in_place and self._tapped is not None
        if talk.before and not self.live:
            self._put_session({**self._context.fields, **talk.before})

    @property
    def _tapped(self) -> Message | None:
        message = self.event.message if isinstance(self.event, CallbackQuery) else None
        return message if isinstance(message, Message) else None

    def enter(self, call: Call) -> None:
        """Check a call of the talk. Raises `TalkMisused` where it cannot work."""
        self.pending.discard(call)
        name = call.name
        if self.left is not None:
            raise TalkMisused(
                f"{call.line}: the talk goes on after {self.left} was left to wait for an answer. "
                "Use `except Exception`, as `except BaseException` and `finally` see that too"
            )
        if name and name in self.names:
            raise TalkMisused(
                f"{call.line}: {name!r} is there twice. Name it otherwise; in a loop, "
                'number the rounds: `talk.at("item", n).ask(…)`'
            )
        self.names.add(name)

    def check_awaited(self) -> None:
        """Raise `TalkMisused` for a call that nobody awaits."""
        for call in self.pending:
            raise TalkMisused(f"{call.line}: not awaited. Write `await` before it")

    def _check_task(self, call: Call) -> None:
        if asyncio.current_task() is not self._task:
            raise TalkMisused(
                f"{call.line}: {call.name!r} runs in a task of its own. Await it in the talk's own "
                "function, one after the other: no gather, no create_task"
            )
        self.check_awaited()

    def answer_of(self, name: str, was: str | None) -> Answer | None:
        """Return the answer to a question, under its old name too."""
        self.asked.append(name)
        talk = self.talk
        if was is not None and name not in talk.answers:
            if was in talk.answers:
                talk.answers = {
                    name if old == was else old: each for old, each in talk.answers.items()
                }
            for kept in (talk.inputs, talk.signals):
                if was in kept:
                    kept[name] = kept.pop(was)
            if self._was_waiting == was:
                self._was_waiting = name
            if self.came.question == was:
                self.came = replace(self.came, question=name)
        answer = talk.answers.get(name)
        if answer is not None:
            self._held.clear()
        return answer

    @property
    def previous(self) -> str | None:
        """The question before this one; events are none."""
        answers, before = self.talk.answers, self.asked[-2::-1]
        return next((name for name in before if answers[name].code != EVENT), None)

    def arrive(self, call: Call) -> Came | None:
        """Return what came for an unanswered question, and go on from how it was left."""
        self._check_task(call)
        name = call.name
        if name == self._was_waiting and not self.live:
            self.live = True
            if not self._reopened:
                self._put_session(None)
        came = self.came
        if came.question == name and came.kind not in ("", "resume"):
            self.came = Came("resume")
            return came
        if kept := self.talk.inputs.pop(name, None):
            self._held.clear()
            kind, value = kept
            return Came(kind, value, name)
        return None

    def keep(self, name: str, answer: Answer) -> None:
        """Have a question answered."""
        talk = self.talk
        talk.answers[name] = answer
        talk.waiting = None
        talk.inputs.pop(name, None)
        self._context.timers.cancel(TIMEOUT)

    def wait_for(self, call: Question) -> Asked:
        """Note what the talk waits for; return what leaves its function."""
        name, within = call.name, call.within
        talk, timers = self.talk, self._context.timers
        came = self.came
        if came.kind in ("text", "tap") and came.question is not None:
            # The answer to a question that others come before now: it is not lost.
            talk.inputs[came.question] = [came.kind, came.value]
        asked_anew = name != self._was_waiting or self._anew
        talk.waiting, talk.takes = name, call.takes
        if asked_anew:
            timers.cancel(TIMEOUT)
            if within is not None:
                timers.set(TIMEOUT, after=within, data={"number": talk.number, "question": name})
        self.left = call.line
        return Asked()

    def finish_order(self) -> None:
        """Put answers into the order in which questions were asked, the others behind them."""
        answers = self.talk.answers
        names = [*(name for name in self.asked if name in answers), *answers]
        self.talk.answers = {name: answers[name] for name in names}

    def note_changes(self) -> None:
        """Note how the fields were at first that the talk has changed."""
        context, before = self._context, self.talk.before
        fields = self._sessions.codec.dump(context.key, context.session, context.fields)
        for name, value in context.fields.items():
            if fields.get(name) != value:
                before.setdefault(name, value)
        self.talk.before = {
            name: value for name, value in before.items() if fields.get(name) != value
        }

    def _put_session(self, fields: Mapping[str, Any] | None) -> None:
        """Put the session to `fields`, or to how it was committed."""
        codec, context = self._sessions.codec, self._context
        if fields is None:
            now = codec.dump(context.key, context.session, context.fields)
            if now == context.fields:
                return
            fields = context.fields
        try:
            wanted, _ = codec.load(context.key, {"session": fields, "version": codec.version})
        except SessionUndecodable as error:
            # A migration came between, for which the session of today is the one to go on with.
            logger.warning("talk %s goes on with the session as it is: %s", self.talk.name, error)
            self.talk.before.clear()
            return
        if restore(context.session, wanted) is wanted:
            raise TypeError(f"a talk needs a session of one type, not {type(wanted).__name__}")

    def tap_of(self, name: str) -> Tap:
        """Return what the buttons of a question carry."""
        return Tap(short(self.talk.name, 4), self.talk.number, short(name), "")

    async def show(self, text: str, markup: Markup = None) -> None:
        """Put a text into the message that was tapped, or send one."""
        tapped = self._tapped
        if self._fresh and tapped is not None and not isinstance(markup, ReplyKeyboardMarkup):
            self._fresh = False
            await tapped.edit_text(text, reply_markup=markup)
            return
        await tell(text, self.data, markup)

    async def say(self, text: str) -> None:
        """Send a text that was not sent before.

        What leads to a question that was answered before was: it waits until that is known.
        """
        if not self.live:
            return
        if {*self.talk.answers, *self.talk.inputs}.difference(self.asked):
            self._held.append(text)
        else:
            await self.show(text)

    async def said(self) -> None:
        """Send what has waited: the next question was never asked."""
        for text in self._held:
            await self.show(text)
        self._held.clear()
