"""Keys, values and expiry times, checked and turned into text alike for every store."""

import json
import math
import time
from typing import Any, NoReturn

from toolkit.storage.base import (
    MAX_DEPTH,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    InvalidKey,
    NotSerializable,
    SessionTooLarge,
    SessionUndecodable,
    Value,
)

# The longest int that Python turns into text and back without its limit being raised.
_MAX_INT = 10**4300


def check_key(key: str) -> str:
    """Return the key if every store can hold it. Raises InvalidKey."""
    try:
        size = len(key.encode())
    except AttributeError:
        raise InvalidKey(f"a key is text, not {type(key).__name__}: {key!r}") from None
    except UnicodeEncodeError:
        raise InvalidKey(f"the key {key!r} holds half of a surrogate pair") from None
    if size > MAX_KEY_BYTES:
        raise InvalidKey(f"the key {key[:40]!r}… takes {size} bytes; the limit is {MAX_KEY_BYTES}")
    return key


def expiry(expires_in: float | None) -> float | None:
    """Turn seconds from now into a Unix time. Raises ValueError unless positive and finite."""
    if expires_in is None:
        return None
    if not 0 < expires_in < math.inf:
        raise ValueError(f"expires_in is a positive number of seconds, not {expires_in!r}")
    return time.time() + expires_in


def check_value(key: str, value: Value) -> bool:
    """Raise NotSerializable unless the value is a JSON object; tell whether its types are plain.

    Tuples and subclasses of str, int, float, dict and list are accepted but not plain: they come
    back from a store as the JSON type they were written as.
    """
    if not isinstance(value, dict):
        raise NotSerializable(key, "$", f"is {type(value).__name__}; a value is a dict")
    return _check(key, value, ())


def dump_value(key: str, value: Value) -> str:
    """Return the value as ASCII JSON text. Raises NotSerializable or SessionTooLarge."""
    check_value(key, value)
    text = _ENCODER.encode(value)
    if len(text) > MAX_VALUE_BYTES:
        raise SessionTooLarge(key, len(text))
    return text


def load_value(key: str, text: str | bytes) -> Value:
    """Return the value that the JSON text holds. Raises SessionUndecodable."""
    try:
        value = _DECODER.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise SessionUndecodable(key, str(error), text) from error
    if not isinstance(value, dict):
        raise SessionUndecodable(key, f"it is {type(value).__name__}", text)
    return value


def _check(key: str, container: Any, path: tuple[str | int, ...]) -> bool:
    plain = type(container) in (dict, list)
    if len(path) >= MAX_DEPTH:
        reason = f"is nested deeper than {MAX_DEPTH} levels, or holds itself"
        raise NotSerializable(key, _path(path[:3]) + "…", reason)
    named = isinstance(container, dict)
    for name, item in container.items() if named else enumerate(container):
        kind = type(item)
        if named and type(name) is not str:
            plain = False
            if not isinstance(name, str):
                _refuse(key, path, f"has the key {name!r}; keys are text")
        if kind is str or kind is bool or item is None:
            continue
        if isinstance(item, (dict, list, tuple)):
            plain &= _check(key, item, (*path, name))
        elif isinstance(item, int):
            plain &= kind is int
            if not -_MAX_INT < item < _MAX_INT:
                _refuse(key, (*path, name), "has more than 4,300 digits")
        elif isinstance(item, float):
            plain &= kind is float
            if not math.isfinite(item):
                _refuse(key, (*path, name), f"is {item!r}, which JSON cannot say")
        elif isinstance(item, str):
            plain = False
        else:
            _refuse(
                key,
                (*path, name),
                f"is {kind.__name__}; JSON has dicts, lists, text, numbers, bools and None",
            )
    return plain


def _refuse(key: str, path: tuple[str | int, ...], reason: str) -> NoReturn:
    raise NotSerializable(key, _path(path), reason)


def _path(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Depth is bounded by _check, so the encoder need not look for circles.
_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
