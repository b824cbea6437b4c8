"""What can answer a question: choices, what `read` makes of a text, and messages."""

from __future__ import annotations

import functools
import inspect
import json
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError, to_jsonable_python

from toolkit.talks.state import short

T = TypeVar("T")

Offered = Sequence[T] | Mapping[str, T]
"""Values, which are their own labels; or labels, each with its value."""

Choices = Offered[T] | Callable[[], Offered[T] | Awaitable[Offered[T]]]
"""What is offered, or a function that looks it up when the question is asked."""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: its value, its JSON, and what a button shows and carries."""

    label: str
    value: Any
    stored: Any
    mark: str


def options_of(name: str, offered: Offered[Any]) -> list[Option]:
    """Return the choices of a question. Raises `TypeError` for what is no JSON."""
    if isinstance(offered, Mapping):
        pairs = list(offered.items())
    elif isinstance(offered, Sequence) and not isinstance(offered, str):
        pairs = [(_label(value), value) for value in offered]
    else:
        raise TypeError(f"choices of {name!r}: a list of values, or a dict of labels with values")
    found = []
    for label, value in pairs:
        stored = as_json(name, value)
        found.append(Option(label, value, stored, mark_of(stored)))
    if len({option.mark for option in found}) < len(found):
        raise ValueError(f"choices of {name!r}: two of them have the same value")
    return found


def mark_of(stored: Any) -> str:
    """Return what a button carries for a value."""
    return short(json.dumps(stored, sort_keys=True), 8)


def _label(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


async def looked_up(choices: Choices[Any]) -> Offered[Any]:
    """Return what is offered, and ask the function for it where there is one."""
    if not callable(choices):
        return choices
    found = choices()
    return await found if inspect.isawaitable(found) else found


def chosen(options: Sequence[Option], text: str) -> Option | None:
    """Return the choice whose label was typed."""
    wanted = " ".join(text.split()).casefold()
    return next((each for each in options if each.label.casefold() == wanted), None)


class Reader:
    """`read` of a question: what it makes of a text, to JSON and back."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self._name = name
        self._read = read

    async def take(self, text: str) -> tuple[Any, Any]:
        """Return the value of a text, and its JSON.

        Raises what `read` raises, and `TypeError` for a value that is not JSON-serialisable.
        """
        value = self._read(text)
        if inspect.isawaitable(value):
            value = await value
        adapter = _adapter(self._read)
        if adapter is not None:
            return value, adapter.dump_python(value, mode="json")
        stored = as_json(self._name, value)
        if stored != value:
            kind = type(value).__name__
            raise TypeError(
                f"read of {self._name!r} returns a {kind}, and does not say so: annotate it, as in "
                f"`def read(text: str) -> {kind}`"
            )
        return value, stored

    def load(self, stored: Any) -> Any:
        """Return the value again. Raises `ValueError` where it is none any more."""
        adapter = _adapter(self._read)
        return stored if adapter is None else adapter.validate_python(stored)


@functools.lru_cache(maxsize=1000)
def _adapter(read: Callable[[str], Any]) -> TypeAdapter[Any] | None:
    while isinstance(read, functools.partial):
        read = read.func
    if inspect.isclass(read):
        return TypeAdapter(read)
    function = read if inspect.isroutine(read) else type(read).__call__
    found = typing.get_type_hints(function).get("return")
    return None if found is None else TypeAdapter(found)


def as_json(name: str, value: Any) -> Any:
    """Return a value as JSON has it. Raises `TypeError` with the question where it cannot."""
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise TypeError(f"{name!r}: {value!r} is not JSON-serialisable") from error
