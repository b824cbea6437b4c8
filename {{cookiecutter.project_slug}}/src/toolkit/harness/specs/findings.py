"""What is wrong at run time whatever a spec expects, seen while it is played."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from inspect import iscoroutine
from types import ModuleType
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.exercised import code_of, talk_of
from toolkit.harness.specs.module_state import changes, module_state, own_modules
from toolkit.harness.specs.report import is_own, place_of
from toolkit.harness.specs.rivals import rivals
from toolkit.harness.specs.runner import SpecResult, step_played
from toolkit.harness.specs.running_bot import MakeBot, RunningBot
from toolkit.harness.specs.strength import compare_played
from toolkit.harness.specs.talk_code import mistakes
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.harness.fake_telegram import Call

REPLIES = ("send", "edit", "copy", "forward")
STRANGER = ("chat not found", "bot can't initiate conversation with a user")
"""How Telegram refuses messages to people who have never written to the bot."""


@dataclass(frozen=True)
class _Note:
    step: int
    code: str
    about: str
    """What makes it another one: a finding is reported once, not in every spec."""
    why: str
    fix: str


class Findings:
    """What the bots of one factory are seen to do wrong.

    Make bots with `make_bot`, run them with `running_bot`, and `take` the result of each spec.
    """

    def __init__(self, make_bot: MakeBot) -> None:
        self._make_bot = make_bot
        self._notes: list[_Note] = []
        self._handled: list[tuple[int, Any]] = []
        self._reported: set[tuple[str, str]] = set()
        self._replies: dict[Any, bool] = {}
        self.modules: list[ModuleType] = []

    def make_bot(self, **options: Any) -> BotApp[Any]:
        """Return a new bot that is watched."""
        from toolkit.harness.specs.plain import when_up

        app = self._make_bot(**options)
        when_up(app, self._look_at)
        return app

    def _look_at(self, app: BotApp[Any]) -> None:
        self.modules = own_modules()
        for name, observer in app.observers.items():
            if name not in ("update", "error"):
                observer.middleware(self._watch(app, name))

    def running_bot(self, *arguments: Any, **options: Any) -> RunningBot:
        """Return what runs such a bot."""
        return _Watched(self, *arguments, **options)

    def take(self, result: SpecResult) -> list[Failure]:
        """Return what has been found since the last spec, unless the spec allows it."""
        notes, handled, self._notes, self._handled = self._notes, self._handled, [], []
        for number, played in enumerate(result.played, 1):
            replies = [n for n, call in enumerate(played.calls) if _is_reply(call)]
            found = compare_played(played, strict=result.spec.strict).found
            for step, code in handled if replies else ():
                if step == number:
                    expected = not set(replies).isdisjoint(found)
                    self._replies[code] = self._replies.get(code, False) or expected
        failures = []
        for note in notes:
            known = (note.code, note.about)
            # The failure of the step says so already.
            told = note.code == "TAP_NOT_ANSWERED" and note.why in (result.failure or "")
            if known not in self._reported and note.code not in result.spec.allow and not told:
                self._reported.add(known)
                place = (result.spec.file, result.spec.name, note.step)
                failures.append(Failure(note.code, note.why, note.fix, *place))
        return failures

    def missing(self) -> Iterator[Failure]:
        """Yield a failure for each handler of whose replies no spec expects any."""
        for code, expected in self._replies.items():
            if not expected and is_own(code.co_filename):
                why = f"no spec expects a reply of the handler {code.co_qualname}"
                fix = "expect its messages in a step that runs it"
                yield Failure("REPLY_NEVER_EXPECTED", why, fix, place_of(code))

    def note(self, code: str, about: str, why: str, fix: str) -> None:
        """Remember what is wrong in the step that is played."""
        self._notes.append(_Note(step_played.get(), code, about, why, fix))

    def note_error(self, error: BaseException | None) -> None:
        """Note an exception that is always a mistake."""
        if not isinstance(error, TypeError) or "offset-naive" not in str(error):
            return
        own = [each for each in traceback.extract_tb(error.__traceback__) if is_own(each.filename)]
        place = place_of(own[-1]) if own else "the bot"
        self.note(
            "NAIVE_DATETIME",
            place,
            f"{place} brings a datetime without a time zone together with one that has it: {error}",
            "use aware ones only: datetime.now(UTC), and a ZoneInfo for what people are told",
        )

    def handlers_of(self, step: int) -> str:
        """Say which handlers of the bot have run in a step."""
        ran = dict.fromkeys(code for number, code in self._handled if number == step)
        named = [f"{code.co_qualname} ({place_of(code)})" for code in ran]
        return " and ".join(named) or "the bot"

    def _watch(self, app: BotApp[Any], kind: str) -> Callable[..., Any]:
        from aiogram.dispatcher.event.bases import UNHANDLED, SkipHandler

        async def watch(handler: Callable[..., Any], event: Any, data: dict[str, Any]) -> Any:
            first = code_of(data["handler"])
            if first is None:
                return await handler(event, data)
            self._handled.append((step_played.get(), first))
            if (talk := talk_of(data["handler"].callback)) is not None:
                for each in mistakes(talk):
                    self.note(*each)
            name = app.sessions.name
            # Filters are asked before the handler changes the session, and get one of their own.
            asked = {**data, name: deepcopy(data.get(name))}
            others = [code_of(each) async for each in rivals(app, kind, event, asked)]
            try:
                response = await handler(event, data)
            except SkipHandler:
                raise
            except Exception as error:
                self.note_error(error)
                self._note_rivals(kind, first, others)
                raise
            if response is not UNHANDLED:
                self._note_rivals(kind, first, others)
            return response

        return watch

    def _note_rivals(self, kind: str, first: Any, others: list[Any]) -> None:
        for other in others:
            if other is None or other is first or not is_own(other.co_filename):
                continue
            why = (
                f"{first.co_qualname} ({place_of(first)}) takes this {kind} update, and "
                f"{other.co_qualname} ({place_of(other)}) behind it, which asks for no less, "
                "never gets it"
            )
            fix = "remove one of them, or put the special one first, or give the first a filter"
            self.note("TWO_HANDLERS", f"{first}{other}", why, fix)


class _Watched(RunningBot):
    """A bot that is looked at after each update and when it ends."""

    def __init__(self, findings: Findings, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._findings = findings
        self._from_start: set[asyncio.Task[Any]] = set()
        self._step_of: dict[asyncio.Task[Any], int] = {}
        self._timers: list[tuple[int, asyncio.TimerHandle, Any]] = []

    async def __aenter__(self) -> RunningBot:
        await super().__aenter__()
        self._from_start = {*self._tasks}
        loop: Any = asyncio.get_running_loop()
        self._call_at = loop.call_at
        loop.call_at = self._note_timer
        return self

    def _note_timer(self, when: float, callback: Any, *arguments: Any, **options: Any) -> Any:
        handle = self._call_at(when, callback, *arguments, **options)
        frame = sys._getframe(1)
        if frame.f_code.co_name == "call_later" and frame.f_back is not None:
            frame = frame.f_back
        if is_own(frame.f_code.co_filename):
            self._timers.append((step_played.get(), handle, frame.f_code))
        return handle

    async def deliver(self, update: Json, *others: Json) -> list[Call]:
        findings = self._findings
        before, start = module_state(findings.modules), len(self.telegram.calls)
        try:
            calls = await super().deliver(update, *others)
        except Exception as error:
            findings.note_error(error)
            raise
        else:
            for each in (update, *others):
                self._note_unanswered(each)
            return calls
        finally:
            for name in changes(before, module_state(findings.modules)):
                ran = findings.handlers_of(step_played.get())
                findings.note(
                    "MODULE_CHANGED",
                    name,
                    f"{ran} changes {name}, which all users share and a restart forgets",
                    "keep it in the session, or in a record of the store: "
                    "`async with sessions.record(key) as record`",
                )
            self._note_strangers(self.telegram.calls[start:])
            for task in self._tasks:
                self._step_of.setdefault(task, step_played.get())

    async def __aexit__(self, *exc_info: object) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.call_at = self._call_at
        tasks = [each for each in self._tasks if not each.done() and each not in self._from_start]
        left = [(self._step_of.get(each, 0), "the task", _own_code(each)) for each in tasks]
        for step, handle, code in self._timers:
            if not handle.cancelled() and handle.when() > loop.time():
                left.append((step, "a timer of", code))
        for step, what, code in left:
            if code is None:
                continue
            step_played.set(step)
            place = f"{code.co_qualname} ({place_of(code)})"
            self._findings.note(
                "TASK_LEFT",
                place,
                f"{what} {place} still waits when the spec ends; a restart forgets it",
                "set a timer of the session instead: docs/timers.md",
            )
        await super().__aexit__(*exc_info)

    def _note_unanswered(self, update: Json) -> None:
        query = update.get("callback_query")
        if query and query["id"] in self.telegram.callbacks and (why := self.unanswered(update)):
            ran = self._findings.handlers_of(step_played.get())
            fix = "call answer() in every handler of taps, and add one for taps that no other takes"
            self._findings.note("TAP_NOT_ANSWERED", ran, why, fix)

    def _note_strangers(self, calls: list[Call]) -> None:
        for call in calls:
            refused = getattr(call.error, "description", "").endswith(STRANGER)
            chat = call.payload.get("chat_id")
            if refused and isinstance(chat, int) and chat > 0 and _is_reply(call):
                ran = self._findings.handlers_of(step_played.get())
                self._findings.note(
                    "MESSAGE_TO_STRANGER",
                    ran,
                    f"{ran} writes to user {chat}, who has never written to the bot in private; "
                    "Telegram refuses that",
                    "write only to those who have a session, or let the user write first in the "
                    'spec: {"send": {"text": "/start", "userId": '
                    f'{chat}}}, "expect": []}}',
                )


def _is_reply(call: Any) -> bool:
    if call.method == "answerCallbackQuery":
        return bool(call.payload.get("text"))
    return call.method != "sendChatAction" and bool(call.method.startswith(REPLIES))


def _own_code(task: asyncio.Task[Any]) -> Any:
    """Return the code of the bot that a task runs, if that is what was started."""
    coroutine: Any = task.get_coro()
    while iscoroutine(coroutine):
        frame = coroutine.cr_frame
        module = (frame.f_globals.get("__name__") or "") if frame is not None else ""
        if not module.startswith("asyncio."):
            return coroutine.cr_code if is_own(coroutine.cr_code.co_filename) else None
        coroutine = coroutine.cr_await
    return None
