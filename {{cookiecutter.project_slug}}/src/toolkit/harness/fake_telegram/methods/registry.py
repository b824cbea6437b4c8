"""The table of methods, and the request each of them is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram.errors import NotModelled, bad_request
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram.world import World


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """One call on its way through: the world it changes and what it asks for."""

    telegram: World
    method: str
    payload: Json
    files: Mapping[str, Upload]

    def text(self, name: str) -> str:
        """A text parameter; empty when absent."""
        return str(self.payload.get(name, ""))

    def required(self, name: str) -> Any:
        """A parameter without which the method does nothing."""
        value = self.payload.get(name)
        if value is None or value == "":
            raise bad_request(f'parameter "{name}" is required')
        return value

    def flag(self, name: str) -> bool:
        """A boolean parameter, in any of the forms the server takes."""
        value = self.payload.get(name, False)
        return value.lower() in ("true", "yes", "1") if isinstance(value, str) else bool(value)

    def integer(self, name: str, default: int = 0, low: int = -(2**31), high: int = 2**31) -> int:
        """A whole number, forced into its range; text that is no number counts as 0."""
        return max(low, min(high, whole(self.payload.get(name, default))))

    def decimal(self, name: str) -> float:
        """A number that may have a fraction; refused when absent."""
        try:
            return float(self.payload[name])
        except KeyError:
            raise bad_request(f"{name} is empty") from None
        except (TypeError, ValueError):
            return 0.0

    def user_id(self, name: str = "user_id") -> int:
        """The id of a user."""
        user_id = whole(self.payload.get(name))
        if user_id <= 0:
            raise bad_request(f"invalid {name} specified")
        return user_id

    def array(self, name: str, words: str) -> list[Any]:
        """A JSON array; `words` say what it should have been."""
        value = self.payload.get(name)
        if isinstance(value, str):
            raise bad_request(f"can't parse {name} JSON object")
        if not isinstance(value, list):
            raise bad_request(words)
        return value


def whole(value: Any) -> int:
    """A value as a whole number; 0 where it is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


NOT_MODELLED_PARAMETERS = ("rich_message",)
METHODS: dict[str, Callable[[Request], Any]] = {}


def method(*names: str) -> Callable[[Callable[[Request], Any]], Callable[[Request], Any]]:
    """Register a handler under Bot API method names; the server ignores their case."""

    def register(handler: Callable[[Request], Any]) -> Callable[[Request], Any]:
        METHODS.update({name.lower(): handler for name in names})
        return handler

    return register


def not_modelled(what: str) -> NotModelled:
    """The 404 for something that Telegram knows and the fake does not."""
    return NotModelled(
        404,
        f"Not Found: method not found: the fake does not model {what}; "
        "it would be added in toolkit/harness/fake_telegram/methods/",
    )


async def run(request: Request) -> Any:
    """Do what the method does; a method that is not in the table is a 404 with its name."""
    handler = METHODS.get(request.method.lower())
    if handler is None:
        raise not_modelled(request.method)
    for parameter in NOT_MODELLED_PARAMETERS:
        if parameter in request.payload:
            raise not_modelled(f"{parameter} of {request.method}")
    result = handler(request)
    return await result if isawaitable(result) else result
