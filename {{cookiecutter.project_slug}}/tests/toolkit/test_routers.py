"""Module-level routers serve any number of bots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram import F, Router
from aiogram.filters import StateFilter
from aiogram.fsm.scene import Scene, SceneRegistry, on
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import Message

from toolkit import create_bot


@dataclass
class Session:
    count: int = 0


parent, child = Router(name="parent"), Router(name="child")
parent.include_router(child)
child.message.filter(F.text != "ignored")


@child.message.outer_middleware
async def count(handler: Any, event: Any, data: dict[str, Any]) -> Any:
    data["session"].count += 1
    return await handler(event, data)


@child.message(F.text)
async def echo(message: Message, session: Session) -> None:
    await message.answer(f"{message.text} {session.count}")


async def test_one_router_serves_several_bots(talk_to: Any) -> None:
    talks = [talk_to(create_bot("42:fake", initial=Session, routers=[parent])) for _ in range(2)]

    for talk in talks:
        await talk.say("hello")

    assert [talk.texts for talk in talks] == [["hello 1"], ["hello 1"]]
    assert parent.parent_router is None


async def test_a_copy_keeps_the_filters_of_the_router(talk_to: Any) -> None:
    talk = talk_to(create_bot("42:fake", initial=Session, routers=[parent]))

    await talk.say("ignored")

    assert talk.texts == []


async def test_a_magic_filter_is_asked_in_the_thread_of_the_loop(talk_to: Any) -> None:
    asked_in = []
    router = Router()
    router.message.filter(F.text.func(lambda text: asked_in.append(threading.current_thread())))
    router.message.register(echo, F.text.func(lambda text: asked_in.append(text)))

    await talk_to(create_bot("42:fake", initial=Session, routers=[router])).say("hello")

    assert asked_in == [threading.main_thread()]


def passing(name: str, seen: list[str]) -> Callable[..., Awaitable[Any]]:
    """A middleware that notes when it is passed."""

    async def middleware(handler: Any, event: Any, data: dict[str, Any]) -> Any:
        seen.append(name)
        return await handler(event, data)

    return middleware


async def test_middlewares_stand_in_the_order_of_routers_and_of_registration(talk_to: Any) -> None:
    seen: list[str] = []
    outer, inner = Router(), Router()
    inner.message.register(echo)
    for router, name in ((outer, "parent"), (inner, "child")):
        for number in (1, 2):
            router.message.middleware(passing(f"{name} {number}", seen))
            router.message.outer_middleware(passing(f"{name}, outer {number}", seen))
    outer.include_router(inner)
    app = create_bot("42:fake", initial=Session, routers=[outer])
    app.message.middleware(passing("app", seen))
    app.message.outer_middleware(passing("app, outer", seen))

    await talk_to(app).say("hello")

    assert seen == [
        "app, outer",
        *("parent, outer 1", "parent, outer 2", "child, outer 1", "child, outer 2"),
        *("app", "parent 1", "parent 2", "child 1", "child 2"),
    ]


class Order(Scene, state="order"):
    @on.message.enter()
    async def enter(self, message: Message) -> None:
        await message.answer("What would you like?")


@pytest.mark.parametrize("served", [False, True], ids=["before an update", "after one"])
async def test_what_the_original_is_given_later_its_copies_have_too(
    talk_to: Any, served: bool
) -> None:
    seen: list[str] = []
    original, nested, late = Router(), Router(), Router()
    original.include_router(nested)
    talks = [talk_to(create_bot("42:fake", initial=Session, routers=[original])) for _ in range(2)]
    for talk in talks[: served * 2]:
        await talk.say("hello")

    nested.message.register(echo, F.text == "handler")
    nested.message.outer_middleware(passing("outer", seen))
    nested.message.middleware(passing("inner", seen))
    nested.include_router(late)
    late.message.register(echo, F.text == "router")
    SceneRegistry(late).add(Order)
    late.callback_query.register(Order.as_handler())
    late.message.register(Order.as_handler(), F.text == "scene")
    late.startup.register(lambda: seen.append("startup"))

    for talk in talks:
        assert talk.app.resolve_used_update_types() == ["callback_query", "message"]
        seen.clear()
        await talk.app.emit_startup()
        for text in ("handler", "router", "scene"):
            await talk.say(text)
        assert talk.texts == ["handler 0", "router 0", "What would you like?"]
        assert seen == ["startup", *("outer", "inner") * 3]


async def test_filters_that_the_original_is_given_later_are_asked_in_the_thread_of_the_loop(
    talk_to: Any,
) -> None:
    asked_in = []
    original = Router()
    talk = talk_to(create_bot("42:fake", initial=Session, routers=[original]))

    original.message.filter(F.text.func(lambda text: asked_in.append(threading.current_thread())))
    original.message.register(echo)
    await talk.say("hello")

    assert asked_in == [threading.main_thread()]
    assert talk.texts == []


async def test_what_a_copy_is_given_its_original_does_not_have(talk_to: Any) -> None:
    app, original = create_bot("42:fake", initial=Session), Router()
    copy = app.include_router(original)

    copy.message.register(echo)
    talk = talk_to(app)
    await talk.say("hello")

    assert talk.texts == ["hello 0"]
    assert not original.message.handlers
    assert not hasattr(copy.message, "nothing")


@pytest.mark.parametrize("place", ["update", "app", "router"])
async def test_a_state_that_a_middleware_has_set_is_seen_by_filters(
    talk_to: Any, place: str
) -> None:
    class Form(StatesGroup):
        name = State()
        age = State()

    router = Router()

    @router.message(StateFilter(Form.age))
    async def age(message: Message, raw_state: str) -> None:
        await message.answer(raw_state)

    async def move_on(handler: Any, event: Any, data: dict[str, Any]) -> Any:
        await data["state"].set_state(Form.age)
        return await handler(event, data)

    if place == "router":
        router.message.outer_middleware(move_on)
    app = create_bot("42:fake", initial=Session, routers=[router])
    if place != "router":
        observer = app.update if place == "update" else app.message
        observer.outer_middleware(move_on)
    talk = talk_to(app)
    await talk.say("hello")

    assert talk.texts == ["Form:age"]


async def test_what_is_assigned_to_a_copy_stays(talk_to: Any) -> None:
    app = create_bot("42:fake", initial=Session)
    copy = app.include_router(Router())
    copy.message.handlers = child.message.handlers
    talk = talk_to(app)

    await talk.say("hello")

    assert talk.texts == ["hello 0"]


def test_what_is_added_to_a_copy_stays_there() -> None:
    copy = create_bot("42:fake", initial=Session).include_router(parent)

    copy.sub_routers[0].message.register(echo)
    copy.sub_routers[0].message.filter(F.text)
    copy.startup.register(echo)

    assert len(child.message.handlers) == 1
    assert len(child.message._handler.filters or ()) == 1
    assert not parent.startup.handlers


def test_the_used_update_types_are_seen_through_copies() -> None:
    app = create_bot("42:fake", initial=Session, routers=[parent])

    assert app.resolve_used_update_types() == ["message"]


async def test_a_handler_that_hangs_in_threads_takes_none_from_others(
    talk_to: Any, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()
    router = Router()

    @router.message(F.text == "hang")
    def hang(message: Message) -> None:
        go.wait()

    @router.message()
    def count(message: Message, session: Session) -> None:
        session.count += 1

    talk = talk_to(create_bot("42:fake", initial=Session, routers=[router]))
    hung = [asyncio.create_task(talk.say("hang", user_id=n)) for n in range(10, 30)]
    await asyncio.sleep(0)

    await talk.say("hello")

    assert (await talk.record())["session"]["count"] == 1
    go.set()
    await asyncio.gather(*hung)
    assert "all 8 threads of test_a_handler_that_hangs" in caplog.text
