"""Describe in words how a step went wrong."""

from __future__ import annotations

import json
import sysconfig
import traceback
from collections.abc import Iterator
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from toolkit.harness.specs.matching import MISSING, Call, Comparison, Difference, call_differences
from toolkit.harness.specs.spec import BotSpec, Step

LONGEST = 240


def describe(spec: BotSpec, number: int, step: Step, problems: list[str]) -> str:
    """Return the whole report on a failed step: where it is, what was sent, and each problem."""
    sent = [send.source for send in step.sends]
    head = f"step {number} of {len(spec.steps)} sent {show(sent if step.others else sent[0])}"
    return "\n\n".join([head, *problems])


def describe_calls(comparison: Comparison) -> str:
    """Put expected and captured calls side by side, then what is nearest to the first missing."""
    rule = "exactly these calls" if comparison.strict else "these calls, in this order"
    rule = rule if comparison.ordered else f"{rule.partition(',')[0]}, in any order"
    lines = [f"expected {rule} (- missing, = found, + any other):", *_diff(comparison)]
    missing = [i for i, found in enumerate(comparison.found) if found is None]
    if missing and comparison.captured:
        lines += ["", *_nearest(comparison, missing[0])]
    return "\n".join(lines)


def describe_session(found: list[Difference], what: str = "session") -> str:
    """List the fields of the session, or of the open talk, that are not as the step says."""
    return "\n".join([f"the {what} after the step is not as expected:", *_places(found)])


def describe_error(error: BaseException) -> str:
    """Name an exception of the bot, and where in the bot's own code it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(frame.filename)]
    raised = "".join(traceback.format_exception_only(error)).rstrip()
    return (
        f"the bot raised {raised}\n{''.join(traceback.format_list((own or frames)[-3:])).rstrip()}"
    )


def is_own(file: str) -> bool:
    """Tell whether a source file is the bot's own: neither the toolkit's nor a library's."""
    return not file.startswith(_not_own())


@cache
def _not_own() -> tuple[str, ...]:
    paths = map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib"))
    return (str(Path(__file__).parents[2]), *paths, "<")


def place_of(code: CodeType | traceback.FrameSummary) -> str:
    """Return file and line of code, the file as seen from the working directory."""
    if isinstance(code, traceback.FrameSummary):
        path, line = Path(code.filename), code.lineno
    else:
        path, line = Path(code.co_filename), code.co_firstlineno
    here = Path.cwd()
    return f"{path.relative_to(here) if path.is_relative_to(here) else path}:{line}"


def show(value: Any) -> str:
    """Return JSON on one line, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _diff(comparison: Comparison) -> Iterator[str]:
    waiting = list(zip(comparison.expected, comparison.found, strict=True))
    if not comparison.ordered:
        waiting.sort(key=lambda pair: (pair[1] is None, pair[1] or 0))
    answered = {found for found in comparison.found if found is not None}
    for index, captured in enumerate(comparison.captured):
        while waiting and waiting[0][1] is None and index not in answered:
            yield f"  - {_call(waiting.pop(0)[0])}"
        if index in answered:
            while waiting[0][1] is None:
                yield f"  - {_call(waiting.pop(0)[0])}"
            waiting.pop(0)
            yield f"  = {_call(captured)}"
        else:
            yield f"  + {_call(captured)}"
    for expected, _ in waiting:
        yield f"  - {_call(expected)}"
    if not comparison.captured:
        yield "  (the bot made no calls)"


def _call(call: Call) -> str:
    error, buttons = getattr(call, "error", None), getattr(call, "buttons", None)
    refused = f"  →  refused: {error}" if error is not None else ""
    labels = "" if buttons is None else f" buttons {show(buttons)}"
    return f"{call.method} {show(call.payload or {})}{labels}{refused}"


def _nearest(comparison: Comparison, missing: int) -> Iterator[str]:
    expected = comparison.expected[missing]
    places = comparison.extra or range(len(comparison.captured))
    index = max(places, key=lambda place: _likeness(expected, comparison.captured[place]))
    captured = comparison.captured[index]
    yield f"the nearest to {_call(expected)} is call {index + 1}:"
    if expected.method != captured.method:
        yield f"  method: expected {expected.method}, captured {captured.method}"
    found = list(call_differences(expected, captured, comparison.chat))
    yield from _places(found)
    if not found and expected.method == captured.method:
        yield "  it fits, but stands at another place in the order"


def _likeness(expected: Call, captured: Call) -> tuple[bool, float]:
    wanted = expected.payload or {}
    named = {key: captured.payload[key] for key in wanted if key in captured.payload}
    ratio = SequenceMatcher(None, show(wanted), show(named)).ratio()
    return expected.method == captured.method, ratio


def _places(found: list[Difference]) -> Iterator[str]:
    for difference in found:
        yield f"  {difference.path}: expected {show(difference.expected)}"
        captured = show(difference.actual) if difference.actual is not MISSING else "nothing"
        yield f"  {' ' * len(difference.path)}  captured {captured}"
