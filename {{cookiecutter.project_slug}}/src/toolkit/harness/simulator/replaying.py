"""Opens saved specs and transcripts, and plays them into the bot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.specs.given import UnknownText
from toolkit.harness.specs.matching import compare
from toolkit.harness.specs.report import describe_calls
from toolkit.harness.specs.runner import find_texts
from toolkit.harness.specs.sending import chat_of, update_of
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
    """Do the steps one after another; return how many did not go as expected.

    The turn of such a step says how in its `verdict`. Raises `SimulatorError` for a step that
    cannot be done, a tap on a button that is not there for instance. Settings and sessions are
    those that the bot has.
    """
    recorder, failed = simulation.recorder, 0
    language = spec.given.language
    if any(step.send.kind == "advance" for step in spec.steps):
        raise SimulatorError("here time passes as it does; pytest runs specs that advance it")
    for number, named in enumerate(spec.steps, 1):
        simulation.telegram.user(named.send.user_id, language_code=language)
        try:
            step = find_texts(named, simulation.data, language)
        except UnknownText as error:
            raise SimulatorError(f"step {number}: {error}") from error
        for fault in step.faults:
            simulation.telegram.faults.add(read_fault(fault))
        try:
            turn = _act(simulation, step.send)
        except LookupError as error:
            raise SimulatorError(f"step {number}: {error}") from error
        await recorder.settle(turn)
        chat = chat_of(turn.update or {})
        comparison = compare(step.expect, turn.calls, strict=spec.strict, chat=chat)
        turn.verdict = "as expected" if comparison.ok else describe_calls(comparison)
        failed += not comparison.ok
        recorder.finish(turn)
    return failed


def _act(simulation: Simulation, send: Send) -> Turn:
    action = None if send.kind == "update" else {**send.source, "userId": send.user_id}
    return simulation.act(lambda world: update_of(world, send), action)


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
