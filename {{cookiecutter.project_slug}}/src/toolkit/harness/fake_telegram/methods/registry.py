"""The table of methods: a handler is registered by its decorator."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import iscoroutine
from typing import Any, TypeVar

from toolkit.harness.fake_telegram.errors import NotModelled, bad_request
from toolkit.harness.fake_telegram.methods.not_modelled import why_not_modelled
from toolkit.harness.fake_telegram.request import Request

Handler = TypeVar("Handler", bound=Callable[..., Any])

METHODS: dict[str, Callable[[Request], Any]] = {}


def method(*names: str, **fixed: Any) -> Callable[[Handler], Handler]:
    """Register a handler under Bot API method names, whose case the server ignores.

    `fixed` are the keyword arguments it gets for these names: a handler of several methods is
    decorated once per method.
    """

    def register(handler: Handler) -> Handler:
        METHODS.update({name.lower(): partial(handler, **fixed) for name in names})
        return handler

    return register


def _not_modelled(what: str) -> NotModelled:
    return NotModelled(
        404,
        f"Not Found: method not found: the fake does not model {what}; "
        "it would be added in toolkit/harness/fake_telegram/methods/",
    )


async def run(request: Request) -> Any:
    """Do what the method does; a method that is not in the table is a 404 with its name."""
    handler = METHODS.get(request.method.lower())
    if handler is None:
        raise _not_modelled(f"{request.method}{why_not_modelled(request.method)}")
    try:
        result = handler(request)
    except UnicodeEncodeError:  # half of a surrogate pair
        raise bad_request("strings must be encoded in UTF-8") from None
    return await result if iscoroutine(result) else result
