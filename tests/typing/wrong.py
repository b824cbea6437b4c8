"""What mypy has to refuse: each line that is marked, with this error, and no other."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit import BotApp, BotContext, Talk, create_bot


@dataclass
class Session:
    """A session."""

    visits: int = 0


@dataclass
class Other:
    """Another session."""

    name: str = ""


create_bot("42:token", initial=Session())  # error: arg-type
create_bot("42:token", initial=lambda visits: Session(visits))  # error: arg-type, misc
create_bot("42:token", initial=Session, scope="everybody")  # error: arg-type
create_bot("42:token", initial=Session, storage={})  # error: arg-type
create_bot("42:token", initial=Session, migrations={"1": dict})  # error: dict-item
create_bot("42:token", initial=Session, session_type=Other)  # error: arg-type
create_bot("42:token")  # error: call-arg

app = create_bot("42:token", initial=Session)
other: BotApp[Other] = app  # error: assignment


async def by_context(context: BotContext[Session]) -> None:
    context.session = Other()  # error: assignment
    context.session.visits = "many"  # error: assignment
    context.session.name = "Ann"  # error: attr-defined


async def by_talk(talk: Talk) -> None:
    number: int = await talk.ask("a", "?")  # error: assignment
    size: str = await talk.ask("b", "?", choices=[number])  # error: list-item
    count: str = await talk.ask("c", size, read=int)  # error: arg-type
    await talk.ask("d", count, choices=3)  # error: call-overload
    await talk.ask("e", "?", read=lambda: 3)  # error: arg-type, misc


async def outside_an_update() -> None:
    async with app.sessions.checkout("1_1") as context:
        await by_another(context)  # error: arg-type


async def by_another(context: BotContext[Other]) -> None:
    context.session.name = "Ann"
