"""What is registered on a bot's routers, to be put back as it was.

A plain bot is put together once in a process: its routers are attached for ever, and a `main` that
registers a handler does it once. In tests it is put together again and again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from aiogram import Dispatcher, Router

from toolkit.harness.specs.module_state import own_modules

T = TypeVar("T")


class Registrations:
    """What `routers` and all below them have now: handlers, middlewares, routers, data."""

    def __init__(self, routers: Iterable[Router]) -> None:
        found = {id(each): each for router in routers for each in router.chain_tail}
        self._parents = [(each, vars(each).get("_parent_router")) for each in found.values()]
        self._lists = [(own, [*own]) for each in found.values() for own in _lists(each)]
        self.in_use = False
        """Whether a bot runs that will put it back."""
        self._data = [
            (each.workflow_data, dict(each.workflow_data))
            for each in found.values()
            if isinstance(each, Dispatcher)
        ]

    def put_back(self) -> None:
        """Make all of it what it was, once."""
        for router, parent in self._parents:
            router._parent_router = parent
        for own, items in self._lists:
            own[:] = items
        for own_data, data in self._data:
            own_data.clear()
            own_data.update(data)
        self._parents, self._lists, self._data = [], [], []


def _lists(router: Router) -> Iterator[list[Any]]:
    yield router.sub_routers
    yield router.startup.handlers
    yield router.shutdown.handlers
    for observer in router.observers.values():
        yield observer.handlers
        yield observer.middleware._middlewares
        yield observer.outer_middleware._middlewares
        if isinstance(observer._handler.filters, list):
            yield observer._handler.filters


def own_values(kind: type[T]) -> Iterator[T]:
    """Yield the values of a kind that the bot's own modules name, also in a list or a dict."""
    for module in own_modules():
        for value in list(vars(module).values()):
            if isinstance(value, kind):
                yield value
            elif isinstance(value, list | tuple | set | dict):
                several = value.values() if isinstance(value, dict) else value
                yield from (each for each in list(several) if isinstance(each, kind))
