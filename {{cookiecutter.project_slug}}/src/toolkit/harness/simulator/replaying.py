"""Opens saved specs and transcripts, and plays them into the bot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from toolkit.harness.clock import duration_of
from toolkit.harness.simulator.acting import play
from toolkit.harness.simulator.recorder import SimulatorError, headline_of
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.simulator.waiting import let_pass
from toolkit.harness.specs.given import UnknownText
from toolkit.harness.specs.matching import compare
from toolkit.harness.specs.report import describe_calls, show
from toolkit.harness.specs.runner import find_texts, is_expected
from toolkit.harness.specs.sending import chats_of
from toolkit.harness.specs.spec import BotSpec, Send, Step, parse_specs, read_fault


def read_dialogues(text: str, file: str) -> list[BotSpec]:
    """Return the specs in `text`.

    Text that is no JSON is a conversation as the terminal takes it: one message per line, with
    `/tap LABEL` and `/as NAME` between. Raises `SpecError` for JSON that is no spec.
    """
    if text.lstrip().startswith(("{", "[")):
        return parse_specs(json.loads(text), file)
    return [BotSpec(file, False, tuple(_steps_of_lines(text.splitlines())), file)]


async def replay(simulation: Simulation, spec: BotSpec) -> int:
    """Set the scene and do the steps one after another; return how many did not go as expected.

    The turn of such a step says how in its `verdict`. Raises `SimulatorError` for a step that
    cannot be done, a tap on a button that is not there for instance.
    """
    if not await simulation.start_over(spec.given):
        raise SimulatorError(f"the bot does not start: {(simulation.broken or '').strip()}")
    failed = 0
    for number, named in enumerate(spec.steps, 1):
        try:
            step = find_texts(named, simulation.data, spec.given.language)
        except UnknownText as error:
            raise SimulatorError(f"step {number}: {error}") from error
        for fault in step.faults:
            simulation.telegram.faults.add(read_fault(fault))
        try:
            turns = await _act(simulation, step)
        except LookupError as error:
            raise SimulatorError(f"step {number}: {error}") from error
        problem = _problem(step, turns, strict=spec.strict)
        turns[-1].verdict = problem or "as expected"
        failed += problem is not None
        simulation.recorder.finish(turns[-1])
    return failed


async def _act(simulation: Simulation, step: Step) -> list[Turn]:
    """Do a step; return the turns of all updates that came of it."""
    if step.passing is not None:
        return await let_pass(simulation, step.passing, f"{duration_of(step.passing)} later")
    return await play(
        simulation,
        step.sends,
        lambda send: None if send.kind == "update" else {**send.source, "userId": send.user_id},
    )


def _problem(step: Step, turns: Sequence[Turn], *, strict: bool) -> str | None:
    """Return how a step went otherwise than expected, if it did."""
    errors = [headline_of(turn.error) for turn in turns if turn.error]
    if step.fails is not None and not any(is_expected(step.fails, error) for error in errors):
        return f"the bot should have raised {show(step.fails)}"
    calls = [call for turn in turns for call in turn.calls]
    last = {turn.part_of or turn.number: turn.update or {} for turn in turns}
    chat, ordered = chats_of([*last.values()]), not step.others
    comparison = compare(step.expect, calls, strict=strict, chat=chat, ordered=ordered)
    return None if comparison.ok else describe_calls(comparison)


def _steps_of_lines(lines: Sequence[str]) -> Iterator[Step]:
    people: dict[str, int] = {}
    user = 1
    for line in lines:
        match line.split(maxsplit=1):
            case []:
                continue
            case ["/as", name]:
                user = people.setdefault(name.casefold(), len(people) + 2)
                continue
            case ["/tap", label]:
                send = Send("tap", label, user, None, None, {"tap": label})
            case _:
                send = Send("text", line, user, None, None, {"text": line})
        yield Step(send, (), None, ())
