"""What a file of specs may hold: checks that say where in it something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from toolkit.harness.specs.matching import matcher_of, matcher_problem
from toolkit.harness.types import Json

T = TypeVar("T")

TYPE_NAMES = {str: "text", int: "a whole number", bool: "true or false", dict: "an object"}
HINTS = {
    "expect": '; "expect": [] expects nothing in particular, or with strict no call at all',
    "send": '; {"text": "/start"} types a text',
}


class SpecError(ValueError):
    """A malformed spec; the message names file, spec, step and field, and the fix."""


@dataclass(frozen=True)
class Place:
    """Where in a file the reader is, for messages and for checks that report there."""

    file: str
    spec: str = ""
    step: str = ""

    def refuse(self, field: str, problem: str) -> NoReturn:
        """Raise SpecError."""
        where = ", ".join(filter(None, (self.file, self.spec, self.step, field)))
        raise SpecError(f"{where}: {problem}")

    def typed(self, value: Any, kind: type[T], field: str) -> T:
        """Return a value of this type; a text must not be empty."""
        # isinstance would take true for a number.
        if type(value) is not kind:
            self.refuse(field, f"must be {TYPE_NAMES.get(kind, 'an array')}, not {short(value)}")
        if value == "":
            self.refuse(field, "must not be empty")
        return value

    def parsed(self, read: Callable[[str], T], value: Any, field: str) -> T:
        """Return what `read` makes of a text; it raises ValueError that says what is wrong."""
        text = self.typed(value, str, field)
        try:
            return read(text)
        except ValueError as error:
            self.refuse(field, str(error))

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

    def named(self, value: Any, field: str) -> Any:
        """Return a value that is not empty text, or a matcher of some."""
        if matcher_of(value) is None:
            return self.typed(value, str, field)
        self.matchers(value, field)
        return value

    def matchers(self, value: Any, field: str) -> None:
        """Check all matchers in a value."""
        if matcher_of(value) is not None and (problem := matcher_problem(value)):
            self.refuse(field, problem)
        if isinstance(value, dict):
            for key, item in value.items():
                self.matchers(item, f"{field}.{key}")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.matchers(item, f"{field}[{index}]")


def short(value: Any) -> str:
    """Return a value as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
