"""The table of methods and what each of them is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..errors import ApiError, NotModelled

if TYPE_CHECKING:
    from ..telegram import FakeTelegram

Json = dict[str, Any]


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Request:
    """One call on its way through: the world it changes and what it asks for."""

    telegram: FakeTelegram
    method: str
    payload: Json
    files: Mapping[str, Upload]


Handler = Callable[[Request], Any | Awaitable[Any]]
METHODS: dict[str, Handler] = {}


def method(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler under Bot API method names; the server ignores their case."""

    def register(handler: Handler) -> Handler:
        for name in names:
            METHODS[name.lower()] = handler
        return handler

    return register


async def run(request: Request) -> Any:
    """Find the method and do it; an unknown one is a 404, a known but absent one says so."""
    handler = METHODS.get(request.method.lower())
    if handler is None:
        raise NotModelled(
            404,
            f"Not Found: method {request.method} is not modelled; "
            "add it in toolkit/fake_telegram/methods/",
        )
    result = handler(request)
    return await result if isawaitable(result) else result


__all__ = ["METHODS", "ApiError", "Request", "Upload", "method", "run"]
