"""The verdict over all specs: results, coverage, JUnit XML."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from toolkit.harness.specs.coverage import Coverage, load_commands, measure
from toolkit.harness.specs.runner import SpecResult, run_specs
from toolkit.harness.specs.running_bot import load_factory
from toolkit.harness.specs.spec import SpecError, find_files, load_specs
from toolkit.harness.types import Json

UNPRINTABLE = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that XML 1.0 does not allow (section 2.2, Char)."""


def judge(
    bot: str, patterns: Sequence[str], commands: str | None = None, junit: str | None = None
) -> Json:
    """Run the specs against the bot, and return the object of a GATE line.

    `ok` needs at least one spec, all of them passed, and every declared command covered. Commands
    are declared by the bot itself and by the file `commands`.
    """
    try:
        specs = [spec for file in find_files(patterns) for spec in load_specs(file)]
        declared = load_commands(commands) if commands else []
        if not specs:
            raise SpecError(f"{' '.join(patterns)}: no spec in it")
        make_bot = load_factory(bot)
    except SpecError as error:
        return refusal(str(error))
    # Thousands of bots are made now; the imported modules stay and need no garbage collection.
    gc.freeze()
    results = []
    for result in run_specs(asyncio.Runner(loop_factory=asyncio.new_event_loop), specs, make_bot):
        results.append(result)
        if result.failure:
            print(f"{result.spec.id}\n{result.failure}\n", file=sys.stderr)  # noqa: T201
    if junit:
        write_junit(results, junit)
    own = {command for result in results for command in result.commands}
    return _verdict(results, measure(specs, [*declared, *own]))


def refusal(error: str) -> Json:
    """Return the object of a GATE line for when nothing could be run."""
    return {**_verdict([], Coverage([], [], [])), "error": error}


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
