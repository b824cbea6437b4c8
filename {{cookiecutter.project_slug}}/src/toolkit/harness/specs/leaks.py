"""What the bots of a factory leave to the next one: handlers that pile up, things that are shared.

Each bot is looked at before it takes its first update, and compared with the first one that was
made in the same way.
"""

from __future__ import annotations

import inspect
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.codes import Failure
from toolkit.harness.specs.report import is_own, place_of
from toolkit.harness.specs.running_bot import MakeBot, RunningBot

if TYPE_CHECKING:
    from toolkit.app import BotApp

CONTAINERS = (dict, list, set, deque)
REGISTER = "register it where it is written, or on a router that the factory makes"
MAKE = "make it in the factory, so that each bot has one of its own"


class Leaks:
    """Compares the bots of a factory. Make bots with `make_bot`, run specs, and ask `found`."""

    def __init__(self, make_bot: MakeBot) -> None:
        self.factory = make_bot
        self._first: dict[str, tuple[Counter[Any], dict[str, tuple[Any, Any]]]] = {}
        self._found: dict[str, Failure] = {}

    def make_bot(self, **options: Any) -> BotApp[Any]:
        """Return a new bot that is compared with the first."""
        from toolkit.harness.specs.plain import make_app, when_up

        app = make_app(self.factory, options)
        when_up(app, partial(self._look_at, how=repr(options)))
        return app

    async def found(self) -> list[Failure]:
        """Make one more bot, and return a failure for each thing that was not as with the first."""
        async with RunningBot(self.make_bot):
            return [*self._found.values()]

    def _look_at(self, app: BotApp[Any], how: str) -> None:
        times = Counter(_registered(app))
        things: dict[str, Any] = dict(_things(app))
        if how not in self._first:
            self._first[how] = times, {name: (each, each.copy()) for name, each in things.items()}
            return
        before, copies = self._first[how]
        for code in times - before:
            if code in before and is_own(code.co_filename):
                change = f"is registered {times[code]} times instead of {before[code]}"
                self._note(f"{code.co_qualname} {change}", REGISTER, place_of(code))
        for name, (thing, copy) in copies.items():
            if name in things and things[name] is thing and thing != copy:
                now, then = len(thing), len(copy)
                change = f"{now} items instead of {then}" if now != then else "other items"
                why = f"{name} is the same {type(thing).__name__} in all bots, and has now {change}"
                self._note(why, MAKE, self._place())

    def _note(self, why: str, fix: str, place: str | None) -> None:
        what = why.partition(" is ")[0]
        whole = f"bots of this factory are not independent: {why}"
        self._found.setdefault(what, Failure("LEAKING_FACTORY", whole, fix, place))

    def _place(self) -> str | None:
        code = getattr(inspect.unwrap(self.factory), "__code__", None)
        return place_of(code) if code else None


def _registered(app: BotApp[Any]) -> Iterator[Any]:
    for callback, what in _callbacks(app):
        if what != "filter" and (code := getattr(_function(callback), "__code__", None)):
            yield code


def _callbacks(app: BotApp[Any]) -> Iterator[tuple[Any, str]]:
    """Yield all that is registered, and what it is."""
    for router in app.chain_tail:
        handlers = [*router.startup.handlers, *router.shutdown.handlers]
        for observer in router.observers.values():
            handlers += observer.handlers
            for middleware in (*observer.middleware, *observer.outer_middleware):
                yield middleware, "middleware"
        for handler in handlers:
            yield handler.callback, "handler"
            yield from ((each.callback, "filter") for each in handler.filters or ())


def _things(app: BotApp[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the containers that a bot's own code reaches through it, with their names."""
    for key, value in app.workflow_data.items():
        yield from _containers(f"app[{key!r}]", value)
    for callback, what in _callbacks(app):
        function = _function(callback)
        name = f"the {what} {getattr(function, '__qualname__', type(function).__qualname__)}"
        if isinstance(callback, MethodType):
            yield from _containers(name, callback.__self__)
        code = getattr(function, "__code__", None)
        if code is None:
            yield from _containers(name, function)
        elif is_own(code.co_filename):
            for each in inspect.signature(function).parameters.values():
                yield from _containers(f"{each.name} of {name}", each.default, deep=False)
            for free, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
                with suppress(ValueError):  # nothing is in it yet
                    yield from _containers(f"{free} of {name}", cell.cell_contents, deep=False)


def _containers(name: str, value: Any, *, deep: bool = True) -> Iterator[tuple[str, Any]]:
    if isinstance(value, CONTAINERS):
        yield name, value
    elif deep and _is_of_the_bot(type(value)):
        for attribute, inner in getattr(value, "__dict__", {}).items():
            if isinstance(inner, CONTAINERS):
                yield f"{attribute} of {name}", inner


def _is_of_the_bot(kind: type) -> bool:
    try:
        return is_own(inspect.getfile(kind))
    except (TypeError, OSError):
        return False


def _function(callback: Callable[..., Any]) -> Any:
    while isinstance(callback, partial):
        callback = callback.func
    return inspect.unwrap(getattr(callback, "__func__", callback))
