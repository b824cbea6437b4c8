"""One call of a method: its parameters, read and refused as the server does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """One call: the world it changes, its parameters and its files."""

    world: World
    method: str
    payload: Json
    files: Mapping[str, Upload]

    def inside(self, parameters: Json) -> Request:
        """Return the same call with the fields of one of its objects as parameters."""
        return replace(self, payload=parameters, files={})

    def given(self, *names: str) -> Json:
        """Return those of these parameters that are there."""
        return {name: self.payload[name] for name in names if name in self.payload}

    def text(self, name: str) -> str:
        """Return a text parameter; empty when absent."""
        return str(self.payload.get(name, ""))

    def required(self, name: str) -> Any:
        """Return a parameter without which the method does nothing."""
        value = self.payload.get(name)
        if value is None or value == "":
            raise bad_request(f'parameter "{name}" is required')
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, in any of the forms the server takes."""
        value = self.payload.get(name, False)
        return value.lower() in ("true", "yes", "1") if isinstance(value, str) else bool(value)

    def integer(self, name: str, default: int = 0, low: int = -(2**31), high: int = 2**31) -> int:
        """Return an integer, clamped to its range; text that is no number counts as 0."""
        return max(low, min(high, as_int(self.payload.get(name, default))))

    def decimal(self, name: str) -> float:
        """Return a number that may have a fraction; refused when absent."""
        try:
            return float(self.payload[name])
        except KeyError:
            raise bad_request(f"{name} is empty") from None
        except (TypeError, ValueError):
            return 0.0

    def user_id(self, name: str = "user_id") -> int:
        """Return the id of a user."""
        user_id = as_int(self.payload.get(name))
        if user_id <= 0:
            raise bad_request(f"invalid {name} specified")
        return user_id

    def json(self, name: str, unparsed: str, wrong: str = "", kind: type = dict) -> Any:
        """Return a JSON parameter, or None; refused when it is still text, or not of its kind."""
        value = self.payload.get(name)
        if isinstance(value, str):
            raise bad_request(f"can't parse {unparsed}")
        if value is not None and not isinstance(value, kind):
            raise bad_request(wrong)
        return value

    def array(self, name: str, wrong: str) -> list[Any]:
        """Return a JSON array that has to be there."""
        value: list[Any] | None = self.json(name, f"{name} JSON object", wrong, list)
        if value is None:
            raise bad_request(wrong)
        return value


def as_int(value: Any) -> int:
    """Return a value as an integer; 0 where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def checked_object(value: Any, what: str, *fields: str, wrong: str = "expected an Object") -> Json:
    """Return a JSON object that has these fields; refuse it as a bad `what` otherwise."""
    if not isinstance(value, dict):
        raise cannot_parse(what, wrong)
    for field in fields:
        if field not in value:
            raise cannot_parse(what, f'Can\'t find field "{field}"')
    return value
