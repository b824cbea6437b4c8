"""`on_talk`: a function becomes a dialogue; updates, timers and events bring it on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from aiogram import Bot, Router
from aiogram.dispatcher.event.handler import CallbackType, HandlerObject
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message, TelegramObject

from toolkit.routers import on_timer, timer_observer
from toolkit.sessions.middleware import BotContext
from toolkit.storage.base import Value
from toolkit.talks.answers import mark_of
from toolkit.talks.errors import Asked, TalkCancelled, TalkEnded, TalkMisused
from toolkit.talks.labels import CANCEL, CHOICE, PREFIX, Labels, Tap
from toolkit.talks.run import TIMEOUT, Came, Reopen, Run, tell
from toolkit.talks.state import OpenTalk, short
from toolkit.talks.talk import Talk
from toolkit.timers.events import Timer

F = TypeVar("F", bound=Callable[..., Any])

START, SIGNAL, BACK = "start", "signal", "back"
_TALK = "name of its talk"


def on_talk(
    router: Router,
    name: str,
    *filters: CallbackType,
    while_open: Literal["refuse", "stack", "replace"] = "refuse",
    at_command: Literal["wait", "end"] = "wait",
    reopen: bool = True,
    in_place: bool = True,
    labels: Labels | Callable[..., Labels] | None = None,
) -> Callable[[F], F]:
    """Register a function as the dialogue `name`: `@on_talk(router, "order", Command("order"))`.

    It is given the `Talk`, and by name what other handlers get: session, state, bot.

    - `filters`: a message that passes them begins it. Without any, `talks.start` does.
    - `while_open`: what becomes of it while another talk is open in the chat: it is refused, the
      other waits until this one has ended, or the other is ended.
    - `at_command`: whether the talk waits when another handler answers a command, or ends.
    - `reopen`: whether a button of a question that was answered answers it anew.
    - `in_place`: whether a tap changes the message that was tapped, or each question is a new one.
    - `labels`: what the talk says by itself; or a function that returns it, and is given by name
      what handlers get, such as the texts of the user's language.
    """
    if not name or ":" in name:
        raise ValueError(f"a talk has a name without a colon, not {name!r}")

    def register(function: F) -> F:
        handler = TalkHandler(
            name,
            HandlerObject(function),
            while_open,
            at_command,
            reopen,
            in_place,
            labels or Labels(),
        )
        router.message.register(handler.answered, handler.is_answer)
        router.callback_query.register(handler.tapped, handler.is_tap)
        if filters:
            router.message.register(handler.begun, *filters)
        on_timer(router, PREFIX, handler.is_woken)(handler.woken)
        timer_observer(router).handlers[-1].flags[_TALK] = handler
        return function

    return register


def talk_handlers(router: Router) -> dict[str, TalkHandler]:
    """Return the talks of a router and all below it, by name."""
    return {
        handler.flags[_TALK].name: handler.flags[_TALK]
        for each in router.chain_tail
        for handler in timer_observer(each).handlers
        if _TALK in handler.flags
    }


@dataclass(frozen=True)
class TalkHandler:
    """The handlers of one talk."""

    name: str
    function: HandlerObject
    while_open: str
    at_command: str
    reopen: bool
    in_place: bool
    labels: Labels | Callable[..., Labels]

    def _labels_for(self, data: Mapping[str, Any]) -> Labels:
        if isinstance(self.labels, Labels):
            return self.labels
        wanted = inspect.signature(self.labels).parameters
        return self.labels(**{name: data[name] for name in wanted})

    def open_in(self, context: BotContext[Any] | None) -> OpenTalk | None:
        """Return the open talk, where it is this one."""
        stored = context.talk if context is not None else None
        return OpenTalk.of(stored) if stored and stored["name"] == self.name else None

    async def is_answer(
        self, message: Message, bot: Bot, context: BotContext[Any] | None = None
    ) -> bool:
        """Tell whether the talk waits for such a message."""
        talk = self.open_in(context)
        text = message.text or ""
        if talk is None or text.startswith("/") or not _is_meant(message, bot):
            return False
        return talk.takes == "message" or (talk.takes == "text" and bool(text))

    async def answered(self, message: Message, **data: Any) -> Any:
        """Go on with a message."""
        talk = OpenTalk.of(data["context"].talk)
        if talk.takes == "message":
            came = Came("message", message, talk.waiting)
        else:
            came = Came("text", message.text, talk.waiting)
        return await self.run(talk, came, message, data)

    async def is_tap(self, callback: CallbackQuery) -> bool:
        """Tell whether a button of this talk was tapped."""
        tap = Tap.of(callback.data)
        return tap is not None and tap.talk == short(self.name, 4)

    async def tapped(self, callback: CallbackQuery, **data: Any) -> Any:
        """Go on with a tap, or back to the question that it is of."""
        tap, context = Tap.of(callback.data), data["context"]
        talk = self.open_in(context)
        if tap is None or talk is None or tap.number != talk.number:
            return await callback.answer(self._labels_for(data).over)
        if tap.does == CANCEL and talk.waiting is not None:
            await callback.answer()
            return await self.run(talk, Came("tap", CANCEL, talk.waiting), callback, data)
        if talk.waiting is not None and tap.question == short(talk.waiting):
            await callback.answer()
            return await self.run(talk, Came("tap", tap.does, talk.waiting), callback, data)
        name = next((name for name in talk.answers if short(name) == tap.question), None)
        if name is None or not (self.reopen and tap.does.startswith(CHOICE)):
            return await callback.answer(self._labels_for(data).over)
        await callback.answer()
        if tap.does == CHOICE + mark_of(talk.answers[name].value):
            # Tapped twice.
            return None
        talk.reopen(name)
        return await self.run(talk, Came("tap", tap.does, name), callback, data, reopened=True)

    async def begun(self, event: TelegramObject, **data: Any) -> Any:
        """Begin the talk, or say that another one is open."""
        return await self.begin(event, data, None)

    async def begin(self, event: object, data: dict[str, Any], given: Any) -> Any:
        """Begin the talk with what `talks.start` was given."""
        context: BotContext[Any] = data["context"]
        below = context.talk
        again = below is not None and below["name"] == self.name and self.at_command == "end"
        if below is not None and self.while_open == "refuse" and not again:
            await tell(self._labels_for(data).busy, data)
            await _resume(below, event, data)
            return None
        number = short(f"{context.key} {getattr(data['event_update'], 'update_id', 0)}", 4)
        talk = OpenTalk(self.name, number, given)
        if below is not None:
            talk.below = below if self.while_open == "stack" else below.get("below")
        return await self.run(talk, Came(), event, data)

    async def is_woken(self, timer: Timer, context: BotContext[Any] | None = None) -> bool:
        """Tell whether a timer is for this talk."""
        kind, *parts = timer.part.split(":")
        return parts[0] == self.name if kind == START else self.open_in(context) is not None

    async def woken(self, timer: Timer, **data: Any) -> Any:
        """Begin the talk, end the wait for an answer, go on with an event, or go back."""
        if timer.part.startswith(START):
            return await self.begin(timer, data, timer.data)
        talk = OpenTalk.of(data["context"].talk)
        if timer.name == TIMEOUT:
            if timer.data != {"number": talk.number, "question": talk.waiting}:
                return None
            return await self.run(talk, Came("timeout", None, talk.waiting), timer, data)
        if timer.part.startswith(BACK):
            if timer.data not in talk.answers:
                return None
            talk.reopen(timer.data)
            return await self.run(talk, Came("resume"), timer, data, reopened=True)
        name, value = timer.data
        if talk.waiting == name:
            return await self.run(talk, Came("event", value, name), timer, data)
        talk.signals[name] = value
        data["context"].talk = talk.as_json()
        return None

    async def run(
        self,
        talk: OpenTalk,
        came: Came,
        event: object,
        data: Mapping[str, Any],
        *,
        reopened: bool = False,
    ) -> Any:
        """Run the function with what came, and keep where it waits; return what it returns."""
        while True:
            labels = self._labels_for(data)
            run = Run(talk.copy(), came, event, data, labels, self.in_place, reopened)
            try:
                ended, result = await self._call(run)
            except Reopen as again:
                talk.reopen(again.question)
                came, reopened = Came("resume"), True
            else:
                break
        run.check_awaited()
        context: BotContext[Any] = data["context"]
        if context.is_deleted:
            return result
        if not ended:
            run.finish_order()
            run.note_changes()
            context.talk = run.talk.as_json()
            return None
        below = run.talk.below
        context.timers.cancel(TIMEOUT)
        context.talk = below
        if below is not None:
            signals = {**run.talk.signals, **below.get("signals", {})}
            await _resume({**below, "signals": signals}, event, data)
        return result

    async def _call(self, run: Run) -> tuple[bool, Any]:
        """Call the function; return whether the talk has ended, and what it returned."""
        try:
            result = await self.function.call(Talk(run), **run.data)
        except Asked:
            return False, None
        except TalkEnded as end:
            cancelled = isinstance(end, TalkCancelled)
            await run.show(run.labels.cancelled if cancelled else run.labels.timed_out)
            return True, None
        if run.left is not None:
            raise TalkMisused(
                f"{run.left}: the function goes on after this question was left to wait for an "
                "answer. Use `except Exception` instead of `except BaseException`"
            )
        await run.said()
        return True, result


async def _resume(stored: Value, event: object, data: Mapping[str, Any]) -> None:
    """Ask again what an open talk waits for."""
    if (handler := talk_handlers(data["dispatcher"]).get(stored["name"])) is not None:
        await handler.run(OpenTalk.of(stored), Came("resume"), event, data)


def _is_meant(message: Message, bot: Bot) -> bool:
    """Tell whether a message is for the bot: in a group, one that replies to it."""
    if message.chat.type == ChatType.PRIVATE:
        return True
    answered = message.reply_to_message
    return bool(answered and answered.from_user and answered.from_user.id == bot.id)
