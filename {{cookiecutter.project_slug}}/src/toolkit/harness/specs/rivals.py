"""Find a handler that would take an update as well, behind the one that has taken it.

That alone is no mistake: a general handler behind a special one is how a bot is built. It is one
where the first is as general as the second, which then never gets what it asks for: two handlers
of one command, or an answer that is expected in a state and swallows commands.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.report import is_own

if TYPE_CHECKING:
    from aiogram import Router
    from aiogram.dispatcher.event.handler import FilterObject, HandlerObject

INPUT = ("text", "data", "caption", "query")
"""The fields of an update that say what a user wants."""
DEEPEST = 6

Filters = tuple["FilterObject", ...]


@dataclass(frozen=True)
class _Asked:
    """What filters ask for.

    `exact` is 2 where they name one input, such as a command, 1 where they name many, such as a
    kind of button, else 0. `inputs` are these filters, `others` the rest, `own` the bot's own
    among those, which may tell updates apart that nobody else can.
    """

    exact: int
    inputs: frozenset[Any]
    others: frozenset[Any]
    own: frozenset[Any]

    def hides(self, later: _Asked) -> bool:
        """Tell whether a handler that asks for this leaves nothing to a later one."""
        if self.own - later.own:
            return False
        if not self.exact and later.exact:
            return True
        same = self.exact == 2 or self.exact < later.exact or self.inputs <= later.inputs
        return self.exact <= later.exact and same and self.others <= later.others


async def rivals(
    app: Router, kind: str, event: Any, data: dict[str, Any]
) -> AsyncIterator[HandlerObject]:
    """Yield each handler behind that in `data` that it hides, and whose filters take the event.

    The filters are asked, with what middlewares have put into `data`; no handler runs.
    """
    taken = None
    for handler, filters in _handlers(app, kind):
        if taken is not None and handler.callback is not data["handler"].callback:
            if taken.hides(_asked(filters)) and await _take(filters, event, data):
                yield handler
        elif handler is data["handler"]:
            taken = _asked(filters)


def _handlers(
    router: Router, kind: str, above: Filters = ()
) -> Iterator[tuple[HandlerObject, Filters]]:
    """Yield handlers in the order in which they are asked, with all filters before them."""
    gate = above
    # A router has no place for timers until it takes some.
    if (observer := router.observers.get(kind)) is not None:
        gate = (*above, *(observer._handler.filters or ()))
        for handler in observer.handlers:
            yield handler, (*gate, *(handler.filters or ()))
    for child in router.sub_routers:
        yield from _handlers(child, kind, gate)


async def _take(filters: Iterable[FilterObject], event: Any, data: dict[str, Any]) -> bool:
    data = {**data}
    for each in filters:
        try:
            found = await each.call(event, **data)
        except Exception:  # noqa: BLE001 - a middleware of its router may be what it misses
            return False
        if not found:
            return False
        if isinstance(found, dict):
            data |= found
    return True


def _asked(filters: Iterable[FilterObject]) -> _Asked:
    exact, inputs, others, own = 0, set(), set(), set()
    for each in filters:
        asked = each.magic if each.magic is not None else each.callback
        how, rest = _how_exact(asked)
        if how:
            exact = max(exact, how)
            inputs.add(_structure(asked))
            others |= {_structure(item) for item in rest}
        else:
            others.add(_structure(asked))
            if each.magic is None and _is_own(asked):
                own.add(_structure(asked))
    return _Asked(exact, frozenset(inputs), frozenset(others), frozenset(own))


def _how_exact(asked: Any) -> tuple[int, list[Any]]:
    """Return how exactly a filter names the input, and what it asks for besides."""
    from aiogram.filters import Command
    from aiogram.filters.callback_data import CallbackQueryFilter

    if isinstance(asked, Command):
        deep = getattr(asked, "deep_link", None)
        named = all(isinstance(each, str) for each in asked.commands)
        return 1 + named, [each for each in (asked.magic, deep) if each is not None]
    if isinstance(asked, CallbackQueryFilter):
        return 1, [asked.rule] if asked.rule is not None else []
    operations = getattr(asked, "_operations", ())
    if not operations or getattr(operations[0], "name", None) not in INPUT:
        return 0, []
    compared = [type(each).__name__ for each in operations[1:]]
    symbol = getattr(getattr(operations[-1], "comparator", None), "__name__", "eq")
    if not compared or symbol == "ne":
        return 0, []
    return (2 if compared == ["ComparatorOperation"] and symbol == "eq" else 1), []


def _is_own(asked: Any) -> bool:
    if type(asked).__module__ == "aiogram.filters.logic":
        # What is in it may be the bot's own.
        return True
    code = getattr(asked, "__code__", None) or getattr(type(asked).__call__, "__code__", None)
    return code is None or is_own(code.co_filename)


def _structure(value: Any, depth: int = 0) -> Any:
    """Return something that is equal for filters that ask for the same."""
    if depth > DEEPEST or isinstance(value, (Enum, type)):
        return value if isinstance(value, (Enum, type)) else id(value)
    if isinstance(value, FunctionType):
        inner = [cell.cell_contents for cell in value.__closure__ or ()]
        return (value.__code__, *(_structure(each, depth + 1) for each in inner))
    if isinstance(value, (list, tuple)):
        return tuple(_structure(each, depth + 1) for each in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(_structure(each, depth + 1) for each in value)
    if isinstance(value, dict):
        return tuple((str(name), _structure(each, depth + 1)) for name, each in value.items())
    slots = [name for base in type(value).__mro__ for name in getattr(base, "__slots__", ())]
    names = dict.fromkeys([*slots, *getattr(value, "__dict__", {})])
    fields = [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    if type(value).__module__ == "builtins" or not fields:
        return value if isinstance(value, Hashable) else repr(value)
    parts = (_structure(each, depth + 1) for name, each in fields if name != "__weakref__")
    return (type(value), *parts)
