"""A factory whose bots are not independent is named, with what one leaves to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram import BaseMiddleware, Dispatcher, Router
from aiogram.filters import Command, Filter
from aiogram.types import Message

from toolkit import create_bot
from toolkit.harness.specs.leaks import Leaks
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.spec import parse_specs

SAY = {"send": {"text": "hi"}, "expect": []}
SPECS = parse_specs([{"name": name, "steps": [SAY]} for name in "ab"], "f.json")


def leaks(make_bot: Any) -> dict[str, str]:
    """Return what the factory leaks, and where, after two specs."""

    async def play() -> dict[str, str]:
        watched = Leaks(make_bot)
        for spec in SPECS:
            assert (await run_spec(spec, watched.make_bot)).ok
        failures = await watched.found()
        assert {failure.code for failure in failures} <= {"LEAKING_FACTORY"}
        return {failure.why.partition(": ")[2]: str(failure.file) for failure in failures}

    return asyncio.run(play())


def bot_of(*routers: Router, **data: Any) -> Any:
    return create_bot("42:a", initial=dict, routers=routers, **data)


async def note(message: Message, seen: list[str]) -> None:
    seen.append(message.text or "")


def test_handlers_that_each_call_registers_again() -> None:
    router = Router()

    def make_bot() -> Any:
        router.message.register(note, Command("note"))
        return bot_of(router, seen=[])

    (why,) = (found := leaks(make_bot))
    assert why == "note is registered 2 times instead of 1"
    assert found[why].endswith(f"test_leaks.py:{note.__code__.co_firstlineno}")


def test_data_that_all_bots_share() -> None:
    router, seen = Router(), ["before"]
    router.message.register(note)

    (why,) = (found := leaks(lambda: bot_of(router, seen=seen)))

    assert why == "app['seen'] is the same list in all bots, and has now 2 items instead of 1"
    assert "test_leaks.py:" in found[why]


class Throttle(BaseMiddleware):
    """Counts in itself."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {0: 0}

    async def __call__(self, handler: Any, event: Any, data: dict[str, Any]) -> Any:
        self.counts[0] += 1
        return await handler(event, data)


class Once(Filter):
    """Lets each text through once."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    async def __call__(self, message: Message) -> bool:
        self.known.add(message.text or "")
        return True


def in_a_middleware() -> Callable[[], Any]:
    throttle = Throttle()

    def make_bot() -> Any:
        router = Router()
        router.message.middleware(throttle)
        router.message.register(note)
        return bot_of(router, seen=[])

    return make_bot


def in_a_filter() -> Callable[[], Any]:
    once = Once()

    def make_bot() -> Any:
        router = Router()
        router.message.register(note, once)
        return bot_of(router, seen=[])

    return make_bot


def in_a_closure() -> Callable[[], Any]:
    router = Router()
    texts: list[str] = []

    @router.message()
    async def keep(message: Message) -> None:
        texts.append(message.text or "")

    return lambda: bot_of(router)


def in_a_default() -> Callable[[], Any]:
    router = Router()

    @router.message()
    async def keep(message: Message, texts: list[str] = []) -> None:  # noqa: B006 - the defect
        texts.append(message.text or "")

    return lambda: bot_of(router)


@pytest.mark.parametrize(
    ("factory", "what"),
    [
        (
            in_a_middleware,
            "counts of the middleware Throttle is the same dict in all bots, and has now other",
        ),
        (in_a_filter, "known of the filter Once is the same set"),
        (in_a_closure, "texts of the handler in_a_closure.<locals>.keep is the same list"),
        (in_a_default, "texts of the handler in_a_default.<locals>.keep is the same list"),
    ],
)
def test_what_handlers_middlewares_and_filters_keep(factory: Callable[[], Any], what: str) -> None:
    (why,) = leaks(factory())
    assert why.startswith(what)


def test_bots_of_their_own_leak_nothing() -> None:
    def make_bot() -> Any:
        router = Router()
        router.message.middleware(Throttle())
        router.message.register(note, Once())
        return bot_of(router, seen=[])

    assert leaks(make_bot) == {}


def test_a_plain_bot_may_share_what_it_does_not_change() -> None:
    dispatcher = Dispatcher(texts={"hello": "Hello"}, seen=[])
    dispatcher.message.register(note)

    (why,) = leaks(dispatcher)

    assert why.startswith("app['seen'] is the same list in all bots")
