"""Fields of the JSON objects in a request, read and refused as the server reads them.

A number is taken for text, and text that is a number for a number; null is neither.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.types import Json

INT32, INT64 = 31, 63
_LEADING_INT = re.compile(r"\s*(-?[0-9]{1,19})")
_LEADING_FLOAT = re.compile(r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)")
_TYPES: dict[Any, str] = {dict: "Object", list: "Array"}


class Problem(ValueError):
    """What is wrong with an object, in the server's words; `parsing` says with which."""


@contextmanager
def parsing(what: str = "", verb: str = "can't") -> Iterator[None]:
    """Refuse what is found to be a Problem, or refused, inside an object of a request."""
    try:
        yield
    except Problem as problem:
        raise bad_request(f"{verb} parse {what}: {problem}" if what else str(problem)) from None
    except ApiError as error:
        if not what or error.code != 400:
            raise
        inner = error.description.removeprefix("Bad Request: ")
        raise bad_request(f"{verb} parse {what}: {inner[:1].upper()}{inner[1:]}") from None


def as_text(value: Any) -> str:
    """Return a parameter as the text that arrives over HTTP; empty for one that is not there."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return (
        json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else _word(value)
    )


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_int(value: Any) -> int:
    """Return a parameter as an integer: the digits that it begins with, or 0."""
    if type(value) is int:
        return value
    found = None if value is None else _LEADING_INT.match(as_text(value))
    return int(found[1]) if found else 0


def as_float(value: Any) -> float:
    """Return a parameter as the number that it begins with, which may have a fraction, or 0."""
    found = _LEADING_FLOAT.match(as_text(value))
    number = float(found[1]) if found else 0.0
    return number if math.isfinite(number) else 0.0


def whole_number(value: Any, bits: int = INT32) -> int | None:
    """Return a JSON number, or text that is one; None for what is no integer of so many bits."""
    if type(value) is int:
        number = value
    elif isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        number = int(value)
    else:
        return None
    return number if -(1 << bits) <= number < 1 << bits else None


def has(source: Json, *names: str) -> bool:
    """Tell whether one of these fields is there, be it null."""
    return any(name in source for name in names)


def need(source: Json, name: str) -> Any:
    """Return a field that has to be there."""
    if name not in source:
        raise Problem(f'Can\'t find field "{name}"')
    return source[name]


def text(source: Json, name: str, default: str = "") -> str:
    """Return a text field; a number counts as text."""
    if name not in source:
        return default
    value = source[name]
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise Problem(f'Field "{name}" must be of type String')


def required_text(source: Json, name: str) -> str:
    """Return a text field that has to be there."""
    need(source, name)
    return text(source, name)


def integer(source: Json, name: str, default: int = 0, bits: int = INT32) -> int:
    """Return an integer field; text that is a number counts as a number."""
    if name not in source:
        return default
    value = source[name]
    if not isinstance(value, (int, float, str)) or isinstance(value, bool):
        raise Problem(f'Field "{name}" must be a Number')
    number = whole_number(value, bits)
    if number is None:
        raise Problem(f'Field "{name}" must be a valid Number')
    return number


def required_integer(source: Json, name: str, bits: int = INT32) -> int:
    """Return an integer field that has to be there."""
    need(source, name)
    return integer(source, name, 0, bits)


def decimal(source: Json, name: str, *, required: bool = False) -> float:
    """Return a number that may have a fraction; text does not count."""
    if name not in source and not required:
        return 0.0
    value = need(source, name)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Problem(f'Field "{name}" must be of type Number')
    return as_float(value)


def flag(source: Json, name: str, *, default: bool = False) -> bool:
    """Return a truth value; nothing else counts as one."""
    value = source.get(name, default)
    if not isinstance(value, bool):
        raise Problem(f'Field "{name}" must be of type Boolean')
    return value


def check_flags(source: Json, names: Iterable[str]) -> None:
    """Refuse those of these fields that are no truth values."""
    for name in names:
        if name in source:
            flag(source, name)


def nested(source: Json, name: str, kind: type = dict) -> Any:
    """Return an object or an array inside an object, or None when there is none."""
    if name not in source:
        return None
    value = source[name]
    if not isinstance(value, kind):
        raise Problem(f'Field "{name}" must be of type {_TYPES[kind]}')
    return value


def required_nested(source: Json, name: str, kind: type = dict) -> Any:
    """Return an object or an array that has to be there."""
    need(source, name)
    return nested(source, name, kind)


def an_object(value: Any, wrong: str = "expected an Object") -> Json:
    """Return a JSON object; anything else is a Problem."""
    if not isinstance(value, dict):
        raise Problem(wrong)
    return value
