"""Turn a conversation into a spec: what users did, and the stable part of the answers."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.harness.clock import duration_of
from toolkit.harness.fake_telegram import ApiError, Call, NetworkFailure
from toolkit.harness.simulator.recorder import SimulatorError, headline_of
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.specs.matching import label_of
from toolkit.harness.specs.stable_parts import dated, label, matcher
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.specs.given import Given
    from toolkit.harness.specs.spec import BotSpec

FOLDER = Path("tests/specs")
SHOWN = ("send", "edit", "delete", "answer", "copy", "forward", "pin", "unpin")
"""How the names of methods begin whose effect is seen on screen."""
UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that are invisible, or that turn a line around: written as JSON escapes."""

TEXTS = ("text", "caption", "question", "title")
BY_HAND = "which no step can do and the spec leaves out; from there on it may go another way"


@dataclass(frozen=True)
class Draft:
    """A spec as JSON, with warnings about what may make it fail on another day."""

    spec: Json
    warnings: list[str]

    @property
    def text(self) -> str:
        """The file, with one line per call for readable diffs."""
        return UNSEEN.sub(_escape, _layout(self.spec)) + "\n"

    @property
    def file_name(self) -> str:
        """The name of the file, made from the spec's."""
        name = re.sub(r"[^\w]+", "_", self.spec["name"].casefold()).strip("_")
        return f"{name[:80] or 'conversation'}.json"

    def save(self, folder: Path, *, replace: bool = False) -> Path:
        """Write the file. Raises SimulatorError unless told to `replace` one that is there."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file_name
        try:
            with path.open("w" if replace else "x", encoding="utf-8") as file:
                file.write(self.text)
        except FileExistsError:
            raise SimulatorError(f"{path} exists already; choose another name") from None
        return path

    async def verify(self, make_bot: Any) -> str | None:
        """Run the spec against a fresh bot; return what failed, or None when it passes."""
        from toolkit.harness.specs.runner import run_spec

        # The harness counts what runs on its event loop, so it gets one of its own.
        result = await asyncio.to_thread(lambda: asyncio.run(run_spec(self._parsed(), make_bot)))
        return result.failure

    async def check(self, make_bot: Any) -> Json:
        """Ask of the spec what the hard gate asks; return its strength and all failures."""
        from toolkit.harness.specs.hard import HardGate

        async def ask() -> Json:
            gate = HardGate(make_bot)
            found = await gate.spec_failures(await gate.run(self._parsed()))
            strength, unnoticed = gate.strength()
            return {**strength, "failures": [each.as_json() for each in (*found, *unnoticed)]}

        return await asyncio.to_thread(lambda: asyncio.run(ask()))

    def _parsed(self) -> BotSpec:
        from toolkit.harness.specs.spec import parse_specs

        return parse_specs(self.spec, "this conversation")[0]


def draft(
    simulation: Simulation,
    name: str,
    *,
    first: int = 1,
    last: int | None = None,
    session: bool = False,
) -> Draft:
    """Return the spec of the turns `first` to `last`, both included.

    With `session` it also expects the fields that each step changed. Raises `SimulatorError` when
    there is nothing to save, or no name for it.
    """
    turns = [
        turn
        for turn in simulation.recorder.turns
        if turn.part_of is None and not turn.again
        if turn.by_hand or turn.passing is not None or turn.update is not None
        if first <= turn.number and (last is None or turn.number <= last)
    ]
    if all(turn.by_hand for turn in turns):
        raise SimulatorError("there is nothing yet that could be saved")
    if not name.strip():
        raise SimulatorError("a spec needs a name")
    names = _names(simulation)
    watch = _Watch(simulation.given, turns)
    steps: list[Json] = []
    warnings: list[str] = []
    left_out: list[str] = []
    for turn in map(partial(_whole, simulation), turns):
        if turn.by_hand:
            left_out.append(turn.title)
            continue
        number = len(steps) + 1
        expected = list(_expected(turn, names))
        if turn.passing is not None:
            step: Json = {"advance": watch.advance(turn, turn.passing), "expect": expected}
        else:
            step = {"send": _send(turn), "expect": expected}
        if session and (changed := _changed_fields(turn)):
            step["session"] = changed
        if faults := list(_faults(turn.calls)):
            step["fault"] = faults if len(faults) > 1 else faults[0]
        steps.append(step)
        problems = _problems(turn, step.get("send", {}))
        warnings += (f"Step {number} {problem}." for problem in problems)
        warnings += (f"Step {number} comes after “{title}”, {BY_HAND}." for title in left_out)
        left_out.clear()
    given = watch.given.as_json()
    scene = {"given": given} if given else {}
    return Draft({"name": name.strip(), **scene, "steps": steps}, warnings)


class _Watch:
    """The time in a spec that lets time pass: it is `given`, and stands still between its steps."""

    def __init__(self, given: Given, turns: list[Turn]) -> None:
        self.given = given
        self._time: int | None = None
        if given.now is None and any(turn.passing is not None for turn in turns):
            self._time = math.ceil(turns[0].at)
            now = datetime.fromtimestamp(self._time).astimezone()
            self.given = replace(given, now=now)

    def advance(self, turn: Turn, seconds: float) -> str:
        """Return the duration of a step: as long as was told, or until the timer that came."""
        if self._time is not None:
            if turn.until is not None:
                seconds = max(1, math.ceil(turn.until - self._time))
            self._time += math.ceil(seconds)
        return duration_of(seconds)


def _whole(simulation: Simulation, turn: Turn) -> Turn:
    """Return a turn with all that came of its action, in later turns too."""
    parts = [each for each in simulation.recorder.turns if each.part_of == turn.number]
    calls = [call for each in (turn, *parts) for call in each.calls]
    return replace(turn, calls=calls, after=parts[-1].after) if parts else turn


def _names(simulation: Simulation) -> list[str]:
    """Return the names of users and groups here, which differ when the spec runs."""
    world = simulation.telegram
    known = [*(user.data for user in world.users.values()), *(c.data for c in world.chats.values())]
    fields = ("first_name", "last_name", "username", "title")
    return [str(data[field]) for data in known for field in fields if field in data]


def _send(turn: Turn) -> Json:
    if turn.action is None:
        update = turn.update or {}
        return {"update": _undated({k: v for k, v in update.items() if k != "update_id"})}
    send = {key: value for key, value in turn.action.items() if (key, value) != ("userId", 1)}
    return {**send, "tap": label(send["tap"])} if isinstance(send.get("tap"), str) else send


def _undated(value: Any) -> Any:
    """Return the same with every date 0: the harness dates an update when it delivers it."""
    if isinstance(value, dict):
        return {key: 0 if key == "date" else _undated(item) for key, item in value.items()}
    return value


def _expected(turn: Turn, names: list[str]) -> Iterator[Json]:
    here = _chat_id(turn)
    for call in turn.calls:
        texts = {
            field: found
            for field in TEXTS
            if isinstance(text := call.payload.get(field), str)
            and (found := matcher(text, names)) is not None
        }
        if call.method == "sendChatAction" or not call.method.startswith(SHOWN):
            continue
        if call.method == "answerCallbackQuery" and not texts:
            continue  # a tap that is not answered fails its step anyway
        chat_id = call.payload.get("chat_id", here)
        payload = texts if chat_id == here else {"chat_id": chat_id, **texts}
        yield {"method": call.method, **({"payload": payload} if payload else {})}


def _changed_fields(turn: Turn) -> Json:
    before, after = turn.before or {}, turn.after or {}
    return {
        name: value for name, value in after.items() if value != before.get(name) and _stays(value)
    }


def _stays(value: Any) -> bool:
    # Numbers are mostly ids of messages, which differ when the spec runs.
    if isinstance(value, str):
        return bool(matcher(value) == value)
    return value is None or isinstance(value, bool)


def _faults(calls: Iterable[Call]) -> Iterator[Json]:
    for fault, alike in groupby(filter(None, map(_fault, calls))):
        times = len(list(alike))
        yield {**fault, "times": times} if times > 1 else fault


def _fault(call: Call) -> Json | None:
    error = call.error
    if isinstance(error, NetworkFailure):
        return {"method": call.method, "error": "network"}
    if not isinstance(error, ApiError):
        return None
    if error.code == 429:
        seconds = (error.parameters or {}).get("retry_after", 1)
        return {"method": call.method, "error": 429, "retry_after": seconds}
    if error.code >= 500 or error.description == "Forbidden: bot was blocked by the user":
        return {"method": call.method, "error": error.code}
    return None


def _problems(turn: Turn, send: Json) -> Iterator[str]:
    if turn.error is not None:
        yield f"raised {headline_of(turn.error)}; it fails until that is fixed"
    if dated(str(send.get("text", ""))):
        yield f"says “{send['text']}”, a day that will have passed"
    if "callback" in send:
        yield f"taps a button by its data: another one is labelled “{_label(turn)}” too"


def _label(turn: Turn) -> str:
    return label_of((turn.update or {})["callback_query"])


def _chat_id(turn: Turn) -> Any:
    update = turn.update or {}
    event = update.get("callback_query", {}).get("message") or update.get("message") or {}
    return event.get("chat", {}).get("id")


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _layout(value: Any, indent: str = "", lead: str = "") -> str:
    """Return JSON in lines of at most 100 characters where possible; `lead` stands before it."""
    line = json.dumps(value, ensure_ascii=False)
    fits = len(indent) + len(lead) + len(line) < 100
    if fits or not isinstance(value, dict | list) or not value:
        return lead + line
    deeper = indent + "  "
    if isinstance(value, list):
        items = [_layout(item, deeper) for item in value]
        start, end = "[]"
    else:
        items = [_layout(item, deeper, f"{json.dumps(key)}: ") for key, item in value.items()]
        start, end = "{}"
    return f"{lead}{start}\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}{end}"
