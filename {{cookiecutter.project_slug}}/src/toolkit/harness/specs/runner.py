"""Run a spec against a fresh bot."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.given import UnknownText, with_texts
from toolkit.harness.specs.matching import compare, differences
from toolkit.harness.specs.report import describe, describe_calls, describe_error, describe_session
from toolkit.harness.specs.running_bot import MakeBot, RunningBot
from toolkit.harness.specs.sending import chat_of, update_of
from toolkit.harness.specs.spec import BotSpec, Step, read_fault
from toolkit.harness.specs.strength import Played

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
        given, first = spec.given, _first_update_id(spec)
        factory, session = given.factory(make_bot), given.session
        async with running_bot(
            factory, first_update_id=first, session=session, now=given.now
        ) as running:
            running.telegram.language = given.language
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

    send = step.send
    if send.kind == "tap":
        send = replace(send, value=found(send.value))
    expect = tuple(
        replace(call, payload=found(call.payload), buttons=found(call.buttons))
        for call in step.expect
    )
    return replace(step, send=send, expect=expect, session=found(step.session))


def _struck(fault: Fault, calls: Iterable[Call]) -> bool:
    # A fault that only delays leaves no trace once it is "always" in force.
    return fault.error is None or any(call.error is fault.error for call in calls)


async def _run_step(
    step: Step, running: RunningBot, played: list[Played], *, strict: bool
) -> list[str]:
    from toolkit.harness.fake_telegram.model import PersonError

    start, passes = len(running.telegram.calls), step.send.kind == "advance"
    try:
        update = {} if passes else update_of(running.telegram, step.send)
    except (PersonError, ValueError) as error:
        return [f"this cannot be sent: {error}"]
    problems = []
    try:
        if passes:
            await running.advance(timedelta(seconds=step.send.value))
        else:
            await running.deliver(update)
        if step.session is not None:
            found = list(differences(step.session, await running.session(), "session"))
            problems += [describe_session(found)] if found else []
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a bot may raise anything
        problems.append(describe_error(error))
    calls = running.telegram.calls[start:]
    chat = chat_of(update)
    comparison = compare(step.expect, calls, strict=strict, chat=chat)
    if not comparison.ok:
        problems.append(describe_calls(comparison))
    if step.send.kind == "tap" and (problem := running.unanswered(update)):
        problems.append(problem)
    if not problems:
        played.append(Played(step, update, calls, chat))
    return problems


def _first_update_id(spec: BotSpec) -> int:
    # A bot ignores an update id that it has applied, so every spec counts from a place of its own,
    # beyond the small numbers that raw updates bring. It depends on nothing but the spec's name.
    return FIRST_UPDATE_ID + zlib.crc32(spec.name.encode(errors="replace"))
