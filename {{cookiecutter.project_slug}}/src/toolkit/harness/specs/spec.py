"""BotSpec: dialogues as JSON. A file holds one spec or an array of them.

It may also be `{"given": {…}, "specs": […]}`: each spec is given that unless it says otherwise.

    {"name": "…", "strict": false, "given": {"settings": {…}, "session": {…}, "language": "de"},
     "steps": [{"send": {…}, "expect": [{"method": "…", "payload": {…}, "buttons": […]}]}]}

`send` is one of `{"text"}`, `{"callback", "messageId"}`, `{"tap"}` and `{"update"}`, each
with `chatId` and `userId`; in its place `"advance": "24h"` lets time pass. A step may carry
`session`, a subset of the session's fields after it, and `fault`, one or more failures that strike
from this step on.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeVar, cast

from toolkit.harness.clock import moment_of, seconds_of
from toolkit.harness.specs.codes import CODES, FINDINGS
from toolkit.harness.specs.given import Given
from toolkit.harness.specs.matching import matcher_of, matcher_problem
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Fault

T = TypeVar("T")
Kind = Literal["text", "callback", "tap", "update", "advance"]

TYPE_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}
PLACE = {"chatId": int, "userId": int}
SENDS: dict[str, dict[str, type]] = {
    "text": {"text": str, **PLACE},
    "callback": {"callback": str, "messageId": int, **PLACE},
    "tap": {"tap": str, "messageId": int, **PLACE},
    "update": {"update": dict, **PLACE},
}


class SpecError(ValueError):
    """A malformed spec; the message names file, spec, step and field, and the fix."""


@dataclass(frozen=True)
class Send:
    """What a user does. `value` is the text, callback data, update, or label or its matcher.

    Without `chat_id` it is the user's private chat. The value of `advance` is the seconds that
    pass: all wait for that.
    """

    kind: Kind
    value: Any
    user_id: int
    chat_id: int | None
    message_id: int | None
    source: Json


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
    """One action and what must come of it."""

    send: Send
    expect: tuple[ExpectedCall, ...]
    session: Json | None
    faults: tuple[Json, ...]


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
    place = _Place(file)
    if not isinstance(data, dict | list):
        place.refuse("", f"must be a spec or an array of specs, not {_short(data)}")
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


@dataclass(frozen=True)
class _Place:
    """Where in a file the reader is, for messages and for checks that report there."""

    file: str
    spec: str = ""
    step: str = ""

    def refuse(self, field: str, problem: str) -> NoReturn:
        where = ", ".join(filter(None, (self.file, self.spec, self.step, field)))
        raise SpecError(f"{where}: {problem}")

    def typed(self, value: Any, kind: type[T], field: str) -> T:
        # isinstance would take true for a number.
        if type(value) is not kind:
            self.refuse(field, f"must be {TYPE_NAMES.get(kind, 'an array')}, not {_short(value)}")
        if value == "":
            self.refuse(field, "must not be empty")
        return value

    def fields(
        self, value: Any, field: str, allowed: Iterable[str], required: Iterable[str]
    ) -> Json:
        """Return an object with these fields and no others."""
        data = self.typed(value, dict, field)
        prefix = f"{field}." if field else ""
        for name in data:
            if name not in allowed:
                self.refuse(prefix + name, f"unknown field; it may be {', '.join(allowed)}")
        for name in required:
            if name not in data:
                self.refuse(prefix + name, f"is missing{HINTS.get(name, '')}")
        return data


ALLOWABLE = [code for code in CODES if code.startswith("CHANGED_BY_") or code in FINDINGS]
FILE = ("given", "specs", "$schema")
SPEC = ("name", "strict", "given", "allow", "steps", "$schema")
GIVEN = ("settings", "session", "language", "now")
STEP = ("send", "advance", "expect", "session", "fault")
HINTS = {
    "expect": '; "expect": [] expects nothing in particular, or with strict no call at all',
    "send": '; {"text": "/start"} types a text',
}


def _spec(item: Any, file: str, number: int, given: Json) -> BotSpec:
    place = _Place(file, f"spec {number}")
    data = place.fields(item, "", SPEC, ("name", "steps"))
    _schema(data, place)
    name = place.typed(data["name"], str, "name")
    place = _Place(file, f"spec {number} ({name})")
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


def _schema(data: Json, place: _Place) -> None:
    # For editors; src/toolkit/harness/botspec.schema.json is what they read.
    if "$schema" in data:
        place.typed(data["$schema"], str, "$schema")


def _allowed(item: Any, place: _Place) -> Iterator[str]:
    for code in place.typed(item, list, "allow"):
        if code not in ALLOWABLE:
            place.refuse("allow", f"{_short(code)} is none of {', '.join(ALLOWABLE)}")
        yield code


def _given(item: Any, of_file: Json, place: _Place) -> Given:
    data = {**of_file, **place.fields(item, "given", GIVEN, ())}
    return Given(
        place.typed(data.get("settings", {}), dict, "given.settings"),
        place.typed(data.get("session", {}), dict, "given.session"),
        place.typed(data.get("language", "en"), str, "given.language"),
        _read(moment_of, data["now"], place, "given.now") if "now" in data else None,
    )


def _read(reader: Callable[[str], T], value: Any, place: _Place, field: str) -> T:
    text = place.typed(value, str, field)
    try:
        return reader(text)
    except ValueError as error:
        place.refuse(field, str(error))


def _step(item: Any, place: _Place) -> Step:
    data = place.typed(item, dict, "")
    place.fields(data, "", STEP, ("expect",) if "advance" in data else ("send", "expect"))
    if "send" in data and "advance" in data:
        place.refuse("advance", "stands in place of send, not beside it")
    expect = place.typed(data["expect"], list, "expect")
    session = data.get("session")
    if session is not None:
        _check_fields(session, place, "session")
    return Step(
        _send(data["send"], place) if "send" in data else _advance(data["advance"], place),
        tuple(_expected(call, place, f"expect[{n}]") for n, call in enumerate(expect)),
        session,
        tuple(_faults(data["fault"], place)) if "fault" in data else (),
    )


def _advance(item: Any, place: _Place) -> Send:
    seconds = _read(seconds_of, item, place, "advance")
    return Send("advance", seconds, 1, None, None, {"advance": item})


def _send(item: Any, place: _Place) -> Send:
    data = place.typed(item, dict, "send")
    kinds = [kind for kind in SENDS if kind in data]
    if len(kinds) != 1:
        found = f"has {' and '.join(kinds)}" if kinds else "has none of them"
        place.refuse("send", f"must have exactly one of {', '.join(SENDS)}; it {found}")
    kind = cast(Kind, kinds[0])
    place.fields(data, "send", SENDS[kind], ())
    for name, value in data.items():
        if name == "tap" and matcher_of(value) is not None:
            _check_matchers(value, place, "send.tap")
        else:
            place.typed(value, SENDS[kind][name], f"send.{name}")
    if kind == "update" and len(data["update"].keys() - {"update_id"}) != 1:
        place.refuse("send.update", 'must hold one update, such as {"message": {…}}')
    if data.get("userId", 1) < 1:
        place.refuse("send.userId", "must be 1 or more; a group's id, below 0, goes into chatId")
    return Send(
        kind, data[kind], data.get("userId", 1), data.get("chatId"), data.get("messageId"), data
    )


def _expected(item: Any, place: _Place, field: str) -> ExpectedCall:
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
    _check_matchers(buttons, place, f"{field}.buttons")
    return ExpectedCall(method, payload, buttons)


def _check_fields(value: Any, place: _Place, field: str) -> None:
    if (matcher := matcher_of(place.typed(value, dict, field))) is not None:
        place.refuse(field, f"{matcher} stands for a value; name the field that has it")
    _check_matchers(value, place, field)


def _check_matchers(value: Any, place: _Place, field: str) -> None:
    if matcher_of(value) is not None and (problem := matcher_problem(value)):
        place.refuse(field, problem)
    if isinstance(value, dict):
        for key, item in value.items():
            _check_matchers(item, place, f"{field}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_matchers(item, place, f"{field}[{index}]")


def _faults(item: Any, place: _Place) -> Iterator[Json]:
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


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
