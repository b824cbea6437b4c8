"""BotSpec: dialogues as JSON. A file holds one spec or an array of them.

It may also be `{"given": {…}, "specs": […]}`: each spec is given that unless it says otherwise.

    {"name": "…", "strict": false, "given": {"settings": {…}, "session": {…}, "language": "de"},
     "steps": [{"send": {…}, "expect": [{"method": "…", "payload": {…}, "buttons": […]}]}]}

`send` is one of the kinds in `toolkit.harness.specs.sends`; in its place a step has several of them
under `concurrently`, or lets time pass: `"advance": "24h"`. It may carry `session`, a subset of the
session's fields after it, `talk`, the same of the open talk, `fault`, one or more failures that
strike from this step on, and `fails`, what its handler raises.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from toolkit.harness.clock import moment_of
from toolkit.harness.specs.codes import CODES, FINDINGS
from toolkit.harness.specs.given import Given
from toolkit.harness.specs.matching import matcher_of
from toolkit.harness.specs.place import Place, short
from toolkit.harness.specs.place import SpecError as SpecError
from toolkit.harness.specs.scene import read_scene
from toolkit.harness.specs.sends import ADVANCE, read_advance, read_send
from toolkit.harness.specs.sends import Send as Send
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Fault


@dataclass(frozen=True)
class ExpectedCall:
    """A call the bot must make; `payload` `None` asks only for the method.

    `buttons` are the labels of all its buttons or their matchers, row by row, or a matcher of the
    list; `None` asks for nothing.
    """

    method: str
    payload: Json | None
    buttons: Any = None


@dataclass(frozen=True)
class Step:
    """One action, or time that passes, and what must come of it.

    `others` are what other users do at the same time, `talk` are fields of the open one, and
    `fails` is part of what the handler raises, or a matcher of it.
    """

    send: Send
    expect: tuple[ExpectedCall, ...]
    session: Json | None
    faults: tuple[Json, ...]
    others: tuple[Send, ...] = ()
    fails: Any = None
    talk: Json | Literal["none", "any"] = "any"

    @property
    def sends(self) -> tuple[Send, ...]:
        """All that is done in this step."""
        return self.send, *self.others

    @property
    def passing(self) -> float | None:
        """The seconds that pass in this step; None where somebody does something."""
        return self.send.value if self.send.kind == ADVANCE else None


@dataclass(frozen=True)
class BotSpec:
    """One dialogue, run against a fresh bot."""

    name: str
    strict: bool
    steps: tuple[Step, ...]
    file: str
    given: Given = field(default_factory=Given)
    allow: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """How reports call it: `tests/specs/booking.json::book a haircut`."""
        return f"{self.file}::{self.name}"


def load_specs(file: str | Path) -> list[BotSpec]:
    """Read the specs of one file, for `run_spec`. Raise `SpecError` when it cannot be read."""
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
        data = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{file}: cannot be read as JSON: {error}") from error
    return parse_specs(data, str(file))


def parse_specs(data: Any, file: str) -> list[BotSpec]:
    """Read a spec or several of them from parsed JSON; `file` is for messages."""
    place = Place(file)
    if not isinstance(data, dict | list):
        place.refuse("", f"must be a spec or an array of specs, not {short(data)}")
    given: Json = {}
    if isinstance(data, dict) and "specs" in data:
        place.fields(data, "", FILE, ("specs",))
        _schema(data, place)
        given = data.get("given", {})
        _given(given, {}, place)
        data = place.typed(data["specs"], list, "specs")
    specs = data if isinstance(data, list) else [data]
    return [_spec(item, file, number, given) for number, item in enumerate(specs, 1)]


def find_files(patterns: Iterable[str]) -> list[str]:
    """Return the files that match, sorted. Raise `SpecError` for a pattern without files."""
    files: set[str] = set()
    for pattern in patterns:
        found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
        if not found:
            raise SpecError(f"{pattern}: no such file")
        files.update(found)
    return sorted(files)


ALLOWABLE = [code for code in CODES if code.startswith("CHANGED_BY_") or code in FINDINGS]
FILE = ("given", "specs", "$schema")
SPEC = ("name", "strict", "given", "allow", "steps", "$schema")
GIVEN = ("settings", "session", "language", "now", "sessions", "records", "users", "chats")
MIN_CONCURRENT = 2
ACTS = ("send", "advance", "concurrently")
"""What a step is about: it has one of them."""
STEP = (*ACTS, "expect", "session", "talk", "fault", "fails")


TALK = ("name", "waiting", "answers")


def _spec(item: Any, file: str, number: int, given: Json) -> BotSpec:
    place = Place(file, f"spec {number}")
    data = place.fields(item, "", SPEC, ("name", "steps"))
    _schema(data, place)
    name = place.typed(data["name"], str, "name")
    place = Place(file, f"spec {number} ({name})")
    steps = place.typed(data["steps"], list, "steps")
    if not steps:
        place.refuse("steps", "must hold at least one step")
    return BotSpec(
        name,
        place.typed(data.get("strict", False), bool, "strict"),
        tuple(_step(step, replace(place, step=f"step {n}")) for n, step in enumerate(steps, 1)),
        file,
        _given(data.get("given", {}), given, place),
        tuple(_allowed(data["allow"], place)) if "allow" in data else (),
    )


def _schema(data: Json, place: Place) -> None:
    # For editors; src/toolkit/harness/botspec.schema.json is what they read.
    if "$schema" in data:
        place.typed(data["$schema"], str, "$schema")


def _allowed(item: Any, place: Place) -> Iterator[str]:
    for code in place.typed(item, list, "allow"):
        if code not in ALLOWABLE:
            place.refuse("allow", f"{short(code)} is none of {', '.join(ALLOWABLE)}")
        yield code


def read_given(item: Any) -> Given:
    """Read what a spec starts from. Raise `SpecError` when it is not that."""
    return _given(item, {}, Place(""))


def _given(item: Any, of_file: Json, place: Place) -> Given:
    data = {**of_file, **place.fields(item, "given", GIVEN, ())}
    return Given(
        place.typed(data.get("settings", {}), dict, "given.settings"),
        place.typed(data.get("session", {}), dict, "given.session"),
        place.typed(data.get("language", "en"), str, "given.language"),
        place.parsed(moment_of, data["now"], "given.now") if "now" in data else None,
        **read_scene(data, place),
    )


def _step(item: Any, place: Place) -> Step:
    data = place.typed(item, dict, "")
    act, *more = [name for name in ACTS if name in data] or ["send"]
    place.fields(data, "", STEP, (act, "expect"))
    if more:
        place.refuse(more[0], f"stands in place of {act}, not beside it")
    first, *others = _sends(data, act, place)
    expect = place.typed(data["expect"], list, "expect")
    session = data.get("session")
    if session is not None:
        _check_fields(session, place, "session")
    talk = data.get("talk", "any")
    if isinstance(talk, dict):
        _check_fields(place.fields(talk, "talk", TALK, ()), place, "talk")
    elif "talk" in data and talk is not None:
        place.typed(talk, dict, "talk")
    if "fails" in data:
        place.named(data["fails"], "fails")
    return Step(
        first,
        tuple(_expected(call, place, f"expect[{n}]") for n, call in enumerate(expect)),
        session,
        tuple(_faults(data["fault"], place)) if "fault" in data else (),
        tuple(others),
        data.get("fails"),
        "none" if talk is None else talk,
    )


def _sends(data: Json, act: str, place: Place) -> list[Send]:
    if act == "send":
        return [read_send(data["send"], place)]
    if act == "advance":
        return [read_advance(data["advance"], place)]
    sends = place.typed(data["concurrently"], list, "concurrently")
    if len(sends) < MIN_CONCURRENT:
        place.refuse("concurrently", "must hold at least two sends; one goes into send")
    return [read_send(each, place, f"concurrently[{n}]") for n, each in enumerate(sends)]


def _expected(item: Any, place: Place, field: str) -> ExpectedCall:
    data = place.fields(item, field, ("method", "payload", "buttons"), ("method",))
    method = place.typed(data["method"], str, f"{field}.method")
    payload = data.get("payload")
    if payload is not None:
        _check_fields(payload, place, f"{field}.payload")
    buttons = data.get("buttons")
    if buttons is not None and matcher_of(buttons) is None:
        for number, label in enumerate(place.typed(buttons, list, f"{field}.buttons")):
            if matcher_of(label) is None:
                place.typed(label, str, f"{field}.buttons[{number}]")
    place.matchers(buttons, f"{field}.buttons")
    return ExpectedCall(method, payload, buttons)


def _check_fields(value: Any, place: Place, field: str) -> None:
    if (matcher := matcher_of(place.typed(value, dict, field))) is not None:
        place.refuse(field, f"{matcher} stands for a value; name the field that has it")
    place.matchers(value, field)


def _faults(item: Any, place: Place) -> Iterator[Json]:
    for fault in item if isinstance(item, list) else [item]:
        place.typed(fault, dict, "fault")
        try:
            read_fault(fault)
        except ValueError as error:
            place.refuse("fault", str(error))
        yield fault


def read_fault(data: Json) -> Fault:
    """Make the fault of a step anew: a fault counts down as it strikes."""
    from toolkit.harness.fake_telegram import Fault

    return Fault.from_json(data)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the field {twice!r} appears twice in one object")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
