"""One call of a method: its parameters, read and refused as the server does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import as_int, as_text
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
        return as_text(self.payload.get(name))

    def required(self, name: str) -> str:
        """Return a parameter without which the method does nothing, as text."""
        value = self.text(name)
        if not value:
            raise bad_request(f'parameter "{name}" is required')
        return value

    def flag(self, name: str) -> bool:
        """Return a boolean parameter, in any of the forms the server takes."""
        value = self.payload.get(name, False)
        if isinstance(value, bool):
            return value
        return as_text(value).strip().lower() in ("true", "yes", "1")

    def integer(
        self, name: str, default: int = 0, low: int = -(2**31), high: int = 2**31 - 1
    ) -> int:
        """Return an integer, clamped to its range; text that is no number counts as 0."""
        value = self.payload.get(name)
        return max(low, min(high, default if value in (None, "") else as_int(value)))

    def message_id(self, name: str = "message_id") -> int:
        """Return the id of a message or a topic; 0 for none. A fake may number from the clock."""
        return max(0, as_int(self.payload.get(name)))

    def user_id(self, name: str = "user_id") -> int:
        """Return the id of a user."""
        user_id = as_int(self.payload.get(name))
        if user_id <= 0:
            raise bad_request(f"invalid {name} specified")
        return user_id

    def json(self, name: str, unparsed: str, wrong: str = "", kind: type = dict) -> Any:
        """Return a JSON parameter, or None; refused when it is no JSON, or not of its kind."""
        if name not in self.payload:
            return None
        value = self.payload[name]
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise bad_request(f"can't parse {unparsed}") from None
        if not isinstance(value, kind):
            raise bad_request(wrong)
        return value

    def array(
        self, name: str, wrong: str, unparsed: str = "", *, required: bool = True
    ) -> list[Any]:
        """Return a JSON array; empty when it is not there, and does not have to be."""
        if required:
            self.required(name)
        value: list[Any] | None = self.json(name, unparsed or f"{name} JSON object", wrong, list)
        return value or []
