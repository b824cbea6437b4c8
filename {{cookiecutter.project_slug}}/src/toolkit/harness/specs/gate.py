"""The verdict over all specs: results, coverage, JUnit XML."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.coverage import Coverage, load_commands, measure
from toolkit.harness.specs.runner import SpecResult, run_specs
from toolkit.harness.specs.running_bot import MakeBot, load_factory
from toolkit.harness.specs.spec import SpecError, find_files, load_specs
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.specs.hard import HardGate

UNPRINTABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not allow (section 2.2, Char)."""


def judge(
    bot: str,
    patterns: Sequence[str],
    commands: str | None = None,
    junit: str | None = None,
    *,
    hard: bool = False,
    store: str | None = None,
    tell: bool = True,
) -> Json:
    """Run the specs against the bot, and return the object of a GATE line.

    `ok` needs at least one spec, all of them passed, and every declared command covered. Commands
    are declared by the bot itself and by the file `commands`. `hard` asks more of the specs
    (`toolkit.harness.specs.hard`), and adds `strength` and `failures`; `store` is the URL of an
    empty store to play on as well. Failures are told on stderr as they are found, unless `tell` is
    false.
    """
    try:
        specs = [spec for file in find_files(patterns) for spec in load_specs(file)]
        declared = load_commands(commands) if commands else []
        if not specs:
            raise SpecError(f"{' '.join(patterns)}: no spec in it")
        make_bot = load_factory(bot)
    except SpecError as error:
        return refusal(str(error), hard=hard)
    # Thousands of bots are made now; the imported modules stay and need no garbage collection.
    gc.freeze()
    results = []
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    gate = _hard_gate(make_bot, store) if hard else None
    for result in run_specs(runner, specs, *(gate.watched if gate else (make_bot,))):
        results.append(result)
        if gate:
            gate.note(result)
        if result.failure and tell:
            print(f"{result.spec.id}\n{result.failure}\n", file=sys.stderr)  # noqa: T201
    if junit:
        write_junit(results, junit)
    coverage = _covered(results, declared)
    verdict = _verdict(results, coverage)
    if gate:
        try:
            strength, weak = _weaknesses(gate, runner)
        except SpecError as error:
            return refusal(str(error), hard=hard)
        failures = [*_failed(results), *_uncovered(coverage), *weak]
        for each in weak if tell else ():
            print(f"{each}\n", file=sys.stderr)  # noqa: T201
        verdict["ok"] = not failures
        verdict |= {"strength": strength, "failures": [each.as_json() for each in failures]}
        if gate.left_out:
            verdict["left_out"] = gate.left_out
    return verdict


def _hard_gate(make_bot: MakeBot, store: str | None) -> HardGate:
    from toolkit.harness.specs.hard import HardGate

    return HardGate(make_bot, store)


def _weaknesses(gate: HardGate, runner: asyncio.Runner) -> tuple[Json, list[Failure]]:
    strength, found = runner.run(gate.overall())
    for result in gate.results:
        found += runner.run(gate.spec_failures(result))
    return strength, found


def _failed(results: Sequence[SpecResult]) -> Iterator[Failure]:
    for result in results:
        if result.failure:
            fix = "make the bot do what the step expects, or change the step if the bot is right"
            step = len(result.played) + 1
            yield Failure(
                "SPEC_FAILED", result.failure, fix, result.spec.file, result.spec.name, step
            )


def _covered(results: Sequence[SpecResult], declared: Sequence[str] = ()) -> Coverage:
    own = {command for result in results for command in result.commands}
    return measure([result.spec for result in results], [*declared, *own])


def commands_without_spec(results: Sequence[SpecResult]) -> Iterator[Failure]:
    """Yield a failure for each command of the bot that no spec covers."""
    return _uncovered(_covered(results))


def _uncovered(coverage: Coverage) -> Iterator[Failure]:
    for command in coverage.missing:
        step = {"send": {"text": f"/{command}"}, "expect": [{"method": "sendMessage"}]}
        fix = f"write a spec with the step {json.dumps(step)}"
        yield Failure("NOT_COVERED", f"no spec sends /{command} and expects a call after it", fix)


def refusal(error: str, *, hard: bool = False) -> Json:
    """Return the object of a GATE line for when nothing could be run."""
    verdict = {**_verdict([], Coverage([], [], [])), "error": error}
    if hard:
        failure = Failure("CANNOT_RUN", error, "correct what the message names")
        verdict["failures"] = [failure.as_json()]
    return verdict


def _verdict(results: list[SpecResult], coverage: Coverage) -> Json:
    passed = sum(result.ok for result in results)
    return {
        "ok": bool(results) and passed == len(results) and not coverage.missing,
        "total": len(results),
        "passed": passed,
        "failed": len(results) - passed,
        "coverage": coverage.as_json(),
        "results": [_line(result) for result in results],
    }


def _line(result: SpecResult) -> Json:
    line = {"name": result.spec.name, "ok": result.ok, "file": result.spec.file}
    return line if result.ok else {**line, "failure": result.failure}


def write_junit(results: Sequence[SpecResult], file: str) -> None:
    """Write the results as JUnit XML, as CI servers read it."""
    suite = ElementTree.Element(
        "testsuite",
        name="specs",
        tests=str(len(results)),
        failures=str(sum(not result.ok for result in results)),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=result.spec.file,
            name=UNPRINTABLE.sub("?", result.spec.name),
            time=f"{result.seconds:.3f}",
        )
        if result.failure:
            text = UNPRINTABLE.sub("?", result.failure)
            ElementTree.SubElement(case, "failure", message=text.splitlines()[0]).text = text
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(file, encoding="utf-8", xml_declaration=True)
