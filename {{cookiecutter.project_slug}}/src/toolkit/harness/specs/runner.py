"""Run a spec against a fresh bot."""

from __future__ import annotations

import asyncio
import time
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.given import UnknownText, with_texts
from toolkit.harness.specs.matching import compare, differences, fits
from toolkit.harness.specs.report import (
    describe,
    describe_calls,
    describe_error,
    describe_session,
    show,
)
from toolkit.harness.specs.running_bot import MakeBot, RunningBot, raised_by
from toolkit.harness.specs.sending import chats_of, rounds
from toolkit.harness.specs.sends import LABELLED
from toolkit.harness.specs.spec import BotSpec, Step, read_fault
from toolkit.harness.specs.strength import Played
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from aiogram import Dispatcher

    from toolkit.harness.fake_telegram import Call, Fault

FIRST_UPDATE_ID = 1_000_000_000

step_played: ContextVar[int] = ContextVar("step_played", default=0)
"""The number of the step that a spec is at, from 1."""


@dataclass(frozen=True)
class SpecResult:
    """How a spec went. `failure` is the report on the first step that failed, or `None`.

    `played` are the steps that went well.
    """

    spec: BotSpec
    failure: str | None
    seconds: float = 0.0
    commands: Mapping[str, str] = field(default_factory=dict)
    played: Sequence[Played] = ()

    @property
    def ok(self) -> bool:
        """Whether every step did what it should."""
        return self.failure is None


def run_specs(
    runner: asyncio.Runner,
    specs: Iterable[BotSpec],
    make_bot: MakeBot,
    running_bot: Callable[..., RunningBot] = RunningBot,
) -> Iterator[SpecResult]:
    """Run each spec against a fresh bot, one after another on one event loop."""
    for spec in specs:
        try:
            # Not `runner.run`, which sets signal handlers up each time.
            yield runner.get_loop().run_until_complete(run_spec(spec, make_bot, running_bot))
        except SystemExit as error:
            # Raised in a task of its own, it goes past everything that waits.
            yield SpecResult(spec, describe_error(error))


async def run_spec(
    spec: BotSpec,
    make_bot: MakeBot | Callable[[], Any] | Dispatcher,
    running_bot: Callable[..., RunningBot] = RunningBot,
) -> SpecResult:
    """Run one spec against a fresh bot, in what `running_bot` makes, and return how it went.

    `make_bot` is as for `RunningBot`.

    The result is `ok`, or its `failure` is a report on what the bot did wrong, exceptions included.
    """
    started = time.perf_counter()
    commands: Mapping[str, str] = {}
    played: list[Played] = []
    try:
        first = _first_update_id(spec)
        async with running_bot(make_bot, first_update_id=first, given=spec.given) as running:
            commands = running.app.commands
            failure = await _run_steps(spec, running, played)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bot may raise anything
        failure = f"the bot does not start or stop: {describe_error(error)}"
    return SpecResult(spec, failure, time.perf_counter() - started, commands, played)


async def _run_steps(spec: BotSpec, running: RunningBot, played: list[Played]) -> str | None:
    faults: list[tuple[int, Fault, int | None]] = []
    for number, step in enumerate(spec.steps, 1):
        step_played.set(number)
        added = [running.telegram.faults.add(read_fault(fault)) for fault in step.faults]
        faults += [(number, fault, fault.times) for fault in added]
        try:
            step = find_texts(step, running.app.workflow_data, spec.given.language)
        except UnknownText as error:
            return describe(spec, number, step, [str(error)])
        problems = await _run_step(step, running, played, strict=spec.strict)
        if problems:
            return describe(spec, number, step, problems)
    for number, fault, times in faults:
        if fault.times == times and not _struck(fault, running.telegram.calls):
            return f"the fault of step {number} never struck: the bot made no such call"
    return None


def find_texts(step: Step, data: Mapping[str, Any], language: str) -> Step:
    """Return the step with the texts that it names. `data` is what the bot gives its handlers.

    Raises `UnknownText`.
    """

    def found(value: Any) -> Any:
        return with_texts(value, data, language)

    # What is typed is no matcher, and what is sent as it is need not be gone through.
    sends = [
        replace(send, value=found(send.value)) if send.kind in LABELLED else send
        for send in step.sends
    ]
    expect = tuple(
        replace(call, payload=found(call.payload), buttons=found(call.buttons))
        for call in step.expect
    )
    return replace(
        step,
        send=sends[0],
        others=tuple(sends[1:]),
        expect=expect,
        session=found(step.session),
        talk=found(step.talk),
        fails=found(step.fails),
    )


def _struck(fault: Fault, calls: Iterable[Call]) -> bool:
    # A fault that only delays leaves no trace once it is "always" in force.
    return fault.error is None or any(call.error is fault.error for call in calls)


async def _run_step(
    step: Step, running: RunningBot, played: list[Played], *, strict: bool
) -> list[str]:
    start = len(running.telegram.calls)
    updates, raised, refused = await _do(step, running)
    # A payment cannot go on, for instance, when a handler has failed.
    problems = [f"this cannot be sent: {refused}"] if refused and not raised else []
    if not updates:
        return problems
    problems += _wrongly_raised(step.fails, raised)
    if step.session is not None and not problems:
        problems += await _other_session(step.session, running)
    if step.talk != "any" and not problems:
        problems += await _other_talk(step.talk, running)
    calls = running.telegram.calls[start:]
    chat = chats_of(updates)
    comparison = compare(step.expect, calls, strict=strict, chat=chat, ordered=not step.others)
    if not comparison.ok:
        problems.append(describe_calls(comparison))
    for send, update in zip(step.sends, updates, strict=False):
        if send.kind == "tap" and (problem := running.unanswered(update)):
            problems.append(problem)
    if not problems:
        played.append(Played(step, updates[0], calls, chat, tuple(updates[1:])))
    return problems


async def _do(
    step: Step, running: RunningBot
) -> tuple[list[Json], BaseException | None, Exception | None]:
    """Do it; return the last update of each send, what the bot raised, and why it cannot be done.

    Where time passes, the update is an empty one.
    """
    from toolkit.harness.fake_telegram.model import PersonError

    if step.passing is not None:
        return [{}], await raised_by(running.advance(timedelta(seconds=step.passing))), None
    last: dict[int, Json] = {}
    raised: BaseException | None = None
    refused: Exception | None = None
    try:
        for batch in rounds(running.telegram, step.sends):
            last |= {id(send): update for send, update in batch}
            error = await raised_by(running.deliver(*(update for _, update in batch)))
            raised = raised or error
    except (PersonError, ValueError) as error:
        refused = error
    return [last[id(send)] for send in step.sends if id(send) in last], raised, refused


def _wrongly_raised(fails: Any, raised: BaseException | None) -> Iterator[str]:
    if raised is None:
        if fails is not None:
            yield f"the bot should have raised {show(fails)}, but it raised nothing"
    elif not is_expected(fails, raised):
        yield describe_error(raised)


async def _other_session(expected: Json, running: RunningBot) -> list[str]:
    try:
        found = list(differences(expected, await running.session(), "session"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bot may raise anything
        return [describe_error(error)]
    return [describe_session(found)] if found else []


async def _other_talk(expected: Json | str, running: RunningBot) -> list[str]:
    open_now = await running.talk()
    if expected == "none":
        shown = show(open_now)
        return [] if open_now is None else [f"no talk should be open, but this one is: {shown}"]
    if open_now is None:
        return [f"no talk is open; expected {show(expected)}"]
    found = list(differences(expected, open_now, "talk"))
    return [describe_session(found, "talk")] if found else []


def is_expected(fails: Any, error: BaseException | str) -> bool:
    """Tell whether an exception, or what describes it, is the one that a step `fails` with."""
    if fails is None:
        return False
    if isinstance(error, BaseException):
        error = "".join(traceback.format_exception_only(error)).rstrip()
    return fits({"$contains": fails} if isinstance(fails, str) else fails, error)


def _first_update_id(spec: BotSpec) -> int:
    # A bot ignores an update id that it has applied, so every spec counts from a place of its own,
    # beyond the small numbers that raw updates bring. It depends on nothing but the spec's name.
    return FIRST_UPDATE_ID + zlib.crc32(spec.name.encode(errors="replace"))
