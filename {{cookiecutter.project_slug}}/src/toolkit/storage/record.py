"""What the stores share about a record: its key, its JSON text, its expiry, its lease.

The lease is for stores whose records one process serves; the others keep it on their server.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from dataclasses import dataclass
from itertools import count
from types import NoneType
from typing import Any, NoReturn

from pydantic_core import from_json, to_json

from toolkit import clock
from toolkit.errors import (
    InvalidKey,
    NotSerializable,
    SessionBusy,
    SessionConflict,
    SessionTooLarge,
    SessionUndecodable,
)
from toolkit.storage.base import (
    MAX_DEPTH,
    MAX_KEY_BYTES,
    MAX_VALUE_BYTES,
    OF_BOTS,
    WAKE_AT,
    Lease,
    Value,
)

# Python refuses to turn longer ints into text (sys.set_int_max_str_digits).
_INT_DIGITS = 4300
_INT_LIMIT = 10**_INT_DIGITS

# For a bot's id, which has at most 52 bits (Bot API, "User"). No database's own limit is met.
_BOT_BYTES = 25

_CENTURY = 100 * 365.25 * 86_400
_LATEST = 100 * _CENTURY

_TEXT = frozenset({str})
_SCALARS = frozenset({str, int, bool, NoneType})


def check_key(key: str) -> str:
    """Return the key if every store can hold it. Raises InvalidKey."""
    try:
        size = len(key.encode())
    except AttributeError:
        raise InvalidKey(f"a key is text, not {type(key).__name__}: {key!r}") from None
    except UnicodeEncodeError:
        raise InvalidKey(f"the key {key!r} holds half of a surrogate pair") from None
    if size > MAX_KEY_BYTES + _BOT_BYTES * key.startswith(OF_BOTS):
        raise InvalidKey(f"the key {key[:40]!r}… takes {size} bytes; the limit is {MAX_KEY_BYTES}")
    return key


def expiry(expires_in: float | None) -> float | None:
    """Turn seconds from now into a Unix time. Raises ValueError unless positive and finite."""
    if expires_in is None:
        return None
    if not 0 < expires_in < math.inf:
        raise ValueError(f"expires_in is a positive number of seconds, not {expires_in!r}")
    return time.time() + expires_in


def seconds(expires_in: float | None) -> float | None:
    """Check the seconds as `expiry` does, and return a century at most: servers overflow above."""
    return None if expiry(expires_in) is None else min(expires_in or 0, _CENTURY)


def milliseconds(expires_in: float | None) -> int | None:
    """Turn seconds into whole milliseconds, one at least. Raises ValueError as `expiry` does."""
    checked = seconds(expires_in)
    return None if checked is None else max(1, round(checked * 1000))


def seconds_left(expires_at: float | None) -> float | None:
    """Turn the Unix time of a live record into seconds from now, a millisecond at least."""
    return None if expires_at is None else max(0.001, expires_at - time.time())


def wake_at(value: Value) -> float | None:
    """Return when the record wants to be woken, a Unix time; None where it does not."""
    at = value.get(WAKE_AT)
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        return None
    return float(at) if abs(at) < _LATEST else None


def belongs(key: str, prefix: str) -> bool:
    """Tell whether `due` means the key with this prefix: without one, that of no bot apart."""
    return key.startswith(prefix) if prefix else not key.startswith(OF_BOTS)


def bot_of(key: str) -> str:
    """Return what is before the keys of the bot that a key, or such a prefix, belongs to."""
    return key[: key.find(":", len(OF_BOTS)) + 1] if key.startswith(OF_BOTS) else ""


def dump_value(key: str, value: Value) -> str:
    """Return the value as JSON text. Raises NotSerializable or SessionTooLarge.

    Tuples and subclasses of str, int, float, list and dict come back as the plain JSON type.
    """
    if is_plain(value):
        # pydantic is several times faster. Halves of surrogate pairs stop it, long ints do not.
        with contextlib.suppress(ValueError):
            text = to_json(value)
            if len(text) <= _INT_DIGITS:
                return text.decode()
    else:
        _check(key, value, ())
    try:
        encoded = _ENCODER.encode(value)
    except ValueError:
        _check(key, value, ())
        raise
    if len(encoded) > MAX_VALUE_BYTES:
        raise SessionTooLarge(key, len(encoded), MAX_VALUE_BYTES)
    return encoded


def load_value(key: str, text: str | bytes) -> Value:
    """Return the value that the JSON text holds. Raises SessionUndecodable."""
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        value = _load(key, text)
    if not isinstance(value, dict):
        raw = text if isinstance(text, str) else text.decode()
        raise SessionUndecodable(key, f"it is {type(value).__name__}, not a JSON object", raw)
    return value


def _load(key: str, text: str | bytes) -> Any:
    """Load what pydantic gives up on: nesting, halves of surrogate pairs, and what is broken."""
    try:
        text = text if isinstance(text, str) else text.decode()
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise SessionUndecodable(key, str(error), text) from error


def is_plain(value: Value) -> bool:
    """Tell whether the value consists of plain JSON types, nested at most MAX_DEPTH deep."""
    if type(value) is not dict:
        return False
    # Depth first, so that what holds itself is soon too deep.
    stack: list[tuple[Any, int]] = [(value, MAX_DEPTH)]
    while stack:
        container, depth = stack.pop()
        if depth == 0:
            return False
        if type(container) is dict:
            if not _TEXT.issuperset(map(type, container)):
                return False
            container = container.values()
        # Be quick about the usual: containers of scalars alone.
        if _SCALARS.issuperset(map(type, container)):
            continue
        for item in container:
            kind = type(item)
            if kind is dict or kind is list:
                stack.append((item, depth - 1))
            elif not (kind in _SCALARS or (kind is float and math.isfinite(item))):
                return False
    return True


def _check(key: str, item: Any, path: tuple[str | int, ...]) -> None:
    """Raise NotSerializable for the first thing in the item that is not JSON."""
    if not path and not isinstance(item, dict):
        _refuse(key, path, f"is {type(item).__name__}; a value is a dict")
    if isinstance(item, dict):
        for name in item:
            if not isinstance(name, str):
                _refuse(key, path, f"has the key {name!r}; keys are text")
    if isinstance(item, (dict, list, tuple)):
        if len(path) >= MAX_DEPTH:
            _refuse(key, path[:3], f"is nested deeper than {MAX_DEPTH} levels, or holds itself")
        for name, inner in item.items() if isinstance(item, dict) else enumerate(item):
            _check(key, inner, (*path, name))
    elif isinstance(item, float):
        if not math.isfinite(item):
            _refuse(key, path, f"is {item!r}, which JSON has no name for")
    elif isinstance(item, int):
        if not -_INT_LIMIT < item < _INT_LIMIT:
            _refuse(key, path, "has more than 4,300 digits")
    elif not (item is None or isinstance(item, str)):
        reason = "JSON has dicts, lists, text, numbers, bools and None"
        _refuse(key, path, f"is {type(item).__name__}; {reason}")


def _refuse(key: str, path: tuple[str | int, ...], reason: str) -> NoReturn:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    raise NotSerializable(key, "$" + "".join(steps), reason)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Depth is bounded before encoding, so the encoder need not look for circles.
_ENCODER = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


@dataclass(slots=True)
class LeaseEntry:
    """A lease in force: `seen` is what the store needs to recognise the record as it was."""

    fence: int
    holder: str
    until: float
    seen: Any


class LeaseTable:
    """The leases of one store. A lease past its time stands until the record is taken again."""

    def __init__(self) -> None:
        self._held: dict[str, LeaseEntry] = {}
        self._fences = count(1)

    def __len__(self) -> int:
        return len(self._held)

    def take(self, key: str, holder: str, lease_for: float, seen: Any) -> int:
        """Lease the record and return its fence. Raises SessionBusy."""
        held = self._held.get(key)
        now = clock.monotonic()
        if held is not None and held.holder != holder and held.until > now:
            raise SessionBusy(key, held.holder, held.until - now)
        fence = next(self._fences)
        self._held[key] = LeaseEntry(fence, holder, now + lease_for, seen)
        return fence

    def require(self, lease: Lease) -> LeaseEntry:
        """Return the entry of a lease that still stands. Raises SessionConflict."""
        held = self._held.get(lease.key)
        if held is None or held.fence != lease.fence:
            raise SessionConflict(lease.key)
        return held

    def renew(self, lease: Lease, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        self.require(lease).until = clock.monotonic() + lease_for

    def release(self, lease: Lease) -> None:
        """End the lease if it still stands."""
        held = self._held.get(lease.key)
        if held is not None and held.fence == lease.fence:
            del self._held[lease.key]
