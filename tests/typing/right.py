"""What people write, and the types that it has. Checked by mypy, never run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypedDict, assert_type

from aiogram import Router
from aiogram.types import Message
from pydantic import BaseModel

from toolkit import (
    BotApp,
    BotContext,
    MemorySessionStorage,
    Sessions,
    Talk,
    create_bot,
    in_step,
    on_talk,
)


@dataclass
class Session:
    """A session as a dataclass."""

    visits: int = 0


class Model(BaseModel):
    """The same as a pydantic model."""

    visits: int = 0


class Typed(TypedDict):
    """The same as a TypedDict."""

    visits: int


def fresh() -> Typed:
    return {"visits": 0}


app = create_bot("42:token", initial=Session)
assert_type(app, BotApp[Session])
assert_type(app.sessions, Sessions[Session])
assert_type(create_bot("42:token", initial=Model), BotApp[Model])
assert_type(create_bot("42:token", initial=fresh), BotApp[Typed])
assert_type(create_bot("42:token", initial=lambda: Session(visits=1)), BotApp[Session])
assert_type(create_bot("42:token", initial=Session, session_type=Session), BotApp[Session])

router = Router()


@router.message(in_step("choosing_time"))
async def by_router(message: Message, session: Session) -> None:
    assert_type(session.visits, int)
    session.visits += 1


@app.message()
async def by_app(message: Message, context: BotContext[Session]) -> None:
    assert_type(context.session, Session)
    context.session = Session(visits=context.session.visits + 1)
    del context.session


def day(text: str) -> date:
    return date.fromisoformat(text)


async def slowly(text: str) -> Decimal:
    return Decimal(text)


async def days() -> list[date]:
    return []


@on_talk(router, "order")
async def by_talk(talk: Talk, session: Session) -> None:
    assert_type(await talk.ask("a", "?"), str)
    assert_type(await talk.ask("b", "?", choices=[1, 2]), int)
    assert_type(await talk.ask("c", "?", choices={"Yes": True, "No": False}), bool)
    assert_type(await talk.ask("d", "?", choices=days), date)
    assert_type(await talk.ask("e", "?", read=day), date)
    assert_type(await talk.ask("f", "?", read=slowly), Decimal)
    assert_type(await talk.ask("g", "?", read=int), int)
    assert_type(await talk.ask("h", "?", choices={"None": None}, read=day), date | None)
    assert_type(await talk.ask("i", "?", choices=lambda: [session.visits]), int)
    assert_type(await talk.ask("j", "?", choices=[0], read=slowly), int | Decimal)
    assert_type(await talk.ask_message("k", "?"), Message)
    assert_type(await talk.once("l", lambda: session.visits), int)
    assert_type(await talk.once("m", days), list[date])


async def outside_an_update() -> None:
    async with app.sessions.checkout("1_1") as context:
        assert_type(context, BotContext[Session])
        assert_type(context.session.visits, int)


create_bot(
    "42:token",
    initial=Session,
    storage=MemorySessionStorage(),
    scope="chat",
    migrations={1: lambda fields: {"visits": 0, **fields}},
    routers=[router],
    commands={"book": "Book a visit"},
)
