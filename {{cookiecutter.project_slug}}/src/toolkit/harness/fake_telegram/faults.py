"""Failures on request: refuse, delay or lose chosen calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.harness.fake_telegram.errors import (
    REASONS,
    ApiError,
    NetworkFailure,
    too_many_requests,
)
from toolkit.harness.types import Json

FIELDS: dict[str, tuple[Any, str]] = {
    "method": (str, "the name of a method"),
    "payload": (dict, "an object"),
    "error": ((int, str), "an HTTP status from 400, or 'network'"),
    "text": (str, "text"),
    "retry_after": (int, "a number of seconds"),
    "times": ((int, str), "a number from 1, or 'always'"),
    "delay": ((int, float), "a number of seconds"),
    "applied": (bool, "true or false"),
}


def is_subset(expected: Any, actual: Any) -> bool:
    """Tell whether `actual` has everything `expected` names, at any depth of objects."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return all(key in actual and is_subset(expected[key], actual[key]) for key in expected)
    return bool(expected == actual)


@dataclass
class Fault:
    """A rule: which calls it matches, what happens to them, how many `times` (None: always).

    `error` None only delays. With `applied` the server does the work and the answer is lost.
    """

    method: str | None = None
    payload: Json = field(default_factory=dict)
    error: ApiError | NetworkFailure | None = None
    times: int | None = 1
    delay: float = 0.0
    applied: bool = False

    def matches(self, method: str, payload: Json) -> bool:
        """Tell whether this rule is for that call; the case of the method does not matter."""
        if self.times == 0:
            return False
        if self.method is not None and self.method.lower() != method.lower():
            return False
        return is_subset(self.payload, payload)

    @classmethod
    def from_json(cls, data: Json) -> Fault:
        """Read a rule from JSON, as a step of a spec has it; all fields are optional.

        `error` is 400, 403, 429, 500, … or "network"; `times` a number or "always".
        Raise ValueError that names the field which is wrong.
        """
        for name, value in data.items():
            if name not in FIELDS:
                raise ValueError(f"a fault has no field {name!r}; it has {', '.join(FIELDS)}")
            kind, words = FIELDS[name]
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"{name} is {value!r}; it must be {words}")
        times = data.get("times", 1)
        if times != "always" and (isinstance(times, str) or times < 1):
            raise ValueError(f"times is {times!r}; it must be {FIELDS['times'][1]}")
        return cls(
            data.get("method"),
            data.get("payload", {}),
            error=_error_of(data),
            times=None if times == "always" else times,
            delay=float(data.get("delay", 0)),
            applied=data.get("applied", False),
        )


def _error_of(data: Json) -> ApiError | NetworkFailure | None:
    code, text = data.get("error"), data.get("text")
    if code is None:
        return None
    if code == "network":
        return NetworkFailure(text or "connection reset by peer")
    if code == 429:
        return too_many_requests(int(data.get("retry_after", 1)))
    if not isinstance(code, int) or code < 400:
        raise ValueError(f"error is {code!r}; it must be {FIELDS['error'][1]}")
    if code == 500:
        return ApiError(500, f"Internal Server Error: {text or 'restart'}")
    reason = REASONS.get(code, "Error")
    defaults = {400: "wrong request", 403: "bot was blocked by the user"}
    detail = text or defaults.get(code)
    if detail and detail.startswith(reason):
        return ApiError(code, detail)
    return ApiError(code, f"{reason}: {detail}" if detail else reason)


class Faults:
    """The rules in force; the first that matches a call decides, in the order they were added.

    The methods add a rule. Its `rule` are further fields of a `Fault`, such as `times=2`.
    """

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force; return it, for `remove`."""
        self.rules.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Lift a rule, which may have run out already."""
        if fault in self.rules:
            self.rules.remove(fault)

    def clear(self) -> None:
        """Lift every rule."""
        self.rules.clear()

    def too_many_requests(
        self, retry_after: int = 1, method: str | None = None, **rule: Any
    ) -> Fault:
        """Refuse with 429 and `retry_after` seconds."""
        return self.add(Fault(method, error=too_many_requests(retry_after), **rule))

    def forbidden(
        self, text: str = "bot was blocked by the user", method: str | None = None, **rule: Any
    ) -> Fault:
        """Refuse with 403 and this text."""
        return self.add(Fault(method, error=ApiError(403, f"Forbidden: {text}"), **rule))

    def bad_request(self, text: str, method: str | None = None, **rule: Any) -> Fault:
        """Refuse with 400 and this text."""
        return self.add(Fault(method, error=ApiError(400, f"Bad Request: {text}"), **rule))

    def restart(self, method: str | None = None, **rule: Any) -> Fault:
        """Refuse with 500, as while the server restarts."""
        error = ApiError(500, "Internal Server Error: restart")
        return self.add(Fault(method, error=error, **rule))

    def network_error(self, method: str | None = None, **rule: Any) -> Fault:
        """Break the connection; `applied=True` loses only the answer."""
        error = NetworkFailure("connection reset by peer")
        return self.add(Fault(method, error=error, **rule))

    def delay(self, seconds: float, method: str | None = None, **rule: Any) -> Fault:
        """Answer late."""
        return self.add(Fault(method, delay=seconds, **rule))

    def take(self, method: str, payload: Json) -> Fault | None:
        """Return the rule that matches this call, counted as used once."""
        for fault in self.rules:
            if fault.matches(method, payload):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self.rules.remove(fault)
                return fault
        return None
