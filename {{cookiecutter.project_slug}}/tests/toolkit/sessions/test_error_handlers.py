"""Handlers of `@router.errors()` work on the session as handlers do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.filters import ExceptionTypeFilter
from aiogram.fsm.context import FSMContext
from aiogram.types import ErrorEvent, Message

from toolkit import BotContext, HandlerTimedOut, SessionDeadlock, create_bot

Handler = Callable[..., Any]


@dataclass
class Session:
    step: str = "idle"
    errors: int = 0


@pytest.fixture
def bot_with(talk_to: Any) -> Callable[..., Any]:
    """A conversation with a bot that begins something at "ask", and fails at all else."""

    def connect(handler: Handler, *filters: Any, **options: Any) -> Any:
        app = create_bot("42:fake", initial=Session, **options)

        @app.message()
        async def ask(message: Message, session: Session, state: FSMContext) -> None:
            session.step = "asking"
            await state.set_state("asking")
            if message.text != "ask":
                session.step = "broken"
                await state.set_state("broken")
                raise ValueError(message.text)

        app.errors.register(handler, *filters)
        return talk_to(app)

    return connect


async def test_what_an_error_handler_changes_is_committed(bot_with: Any) -> None:
    async def start_again(event: ErrorEvent, session: Session, state: FSMContext) -> str:
        assert session.step == await state.get_state() == "asking"
        session.step = "idle"
        session.errors += 1
        await state.clear()
        return "told"

    talk = bot_with(start_again)
    await talk.say("ask")

    assert await talk.say("wrong") == "told"

    record = await talk.record()
    assert record["session"] == {"step": "idle", "errors": 1}
    assert not record["fsm"]
    assert record["updates"] == [1, 2]


async def test_an_error_handler_can_delete_the_session(bot_with: Any) -> None:
    async def forget(event: ErrorEvent, context: BotContext[Session]) -> None:
        del context.session

    talk = bot_with(forget)
    await talk.say("ask")
    await talk.say("wrong")

    assert await talk.record() is None


async def test_an_error_that_nobody_handles_changes_nothing(bot_with: Any) -> None:
    async def never(event: ErrorEvent, session: Session) -> None:
        session.errors += 1

    talk = bot_with(never, ExceptionTypeFilter(KeyError))
    await talk.say("ask")
    before = await talk.record()

    with pytest.raises(ValueError, match="wrong"):
        await talk.say("wrong")
    assert await talk.record() == before


async def test_an_error_handler_that_fails_changes_nothing(bot_with: Any) -> None:
    async def fail(event: ErrorEvent, session: Session) -> None:
        session.errors += 1
        raise KeyError("worse")

    talk = bot_with(fail)

    with pytest.raises(KeyError, match="worse"):
        await talk.say("wrong")
    assert await talk.record() is None
    assert len(talk.app.sessions.checkouts.lock) == 0


async def test_an_error_handler_has_the_time_limit_of_a_handler(bot_with: Any) -> None:
    async def hang(event: ErrorEvent, session: Session) -> None:
        session.errors += 1
        await asyncio.Event().wait()

    talk = bot_with(hang, handler_timeout=0.01)

    with pytest.raises(HandlerTimedOut):
        await talk.say("wrong")
    assert await talk.record() is None


async def test_an_error_handler_does_not_see_what_is_tried_again(talk_to: Any) -> None:
    app = create_bot("42:fake", initial=Session)
    tries, seen = [], []

    @app.message()
    async def refused_once(message: Message, session: Session) -> None:
        tries.append(message.text)
        session.step = "done"
        if len(tries) == 1:
            raise SessionDeadlock("6_6", "update 9", "5_5", "update 1")

    @app.errors()
    async def swallow(event: ErrorEvent) -> None:
        seen.append(event.exception)

    talk = talk_to(app)
    await talk.say("hello")

    assert len(tries) == 2
    assert not seen
    assert (await talk.record())["session"]["step"] == "done"
