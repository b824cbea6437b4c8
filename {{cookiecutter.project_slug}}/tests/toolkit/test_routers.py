"""Module-level routers serve any number of bots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiogram import F, Router
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
