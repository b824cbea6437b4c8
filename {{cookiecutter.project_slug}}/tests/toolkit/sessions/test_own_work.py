"""What a bot does beside Telegram's updates: its own updates, and tasks that handlers start."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.fsm.context import FSMContext
from aiogram.types import Message, Update

from toolkit import BotContext, SessionReentered, create_bot


@dataclass
class Session:
    count: int = 0


def bot(**options: Any) -> Any:
    """A bot that counts."""
    app = create_bot("42:fake", initial=Session, **options)

    @app.message()
    async def count(message: Message, session: Session) -> None:
        session.count += 1

    return app


async def started(work: Coroutine[Any, Any, Any], tasks: list[asyncio.Task[Any]]) -> None:
    """Start a task, and let it come as far as it can."""
    tasks.append(asyncio.create_task(work))
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("update_id", [0, -1])
@pytest.mark.parametrize("scope", ["chat_user", "user"])
async def test_updates_without_a_number_of_telegrams_are_all_applied(
    talk_to: Any, update_id: int, scope: Any
) -> None:
    talk = talk_to(bot(scope=scope))
    update = {**talk.telegram.send_text(5, "hello"), "update_id": update_id}

    for _ in range(3):
        await talk.feed(update)

    assert (await talk.record())["session"]["count"] == 3
    assert "updates" not in await talk.record()


async def test_updates_whose_number_was_made_up_are_applied_when_that_is_said(talk_to: Any) -> None:
    talk = talk_to(bot())
    raw = {**talk.telegram.send_text(5, "hello"), "update_id": 7}
    update = Update.model_validate(raw, context={"bot": talk.app.bot})

    for _ in range(2):
        await talk.app.feed_update(talk.app.bot, update, numbered=False)
    await talk.app.feed_raw_update(talk.app.bot, raw)
    await talk.app.feed_raw_update(talk.app.bot, raw)

    assert (await talk.record())["session"]["count"] == 3


async def test_a_task_that_a_handler_starts_has_the_session_after_it(talk_to: Any) -> None:
    tasks: list[asyncio.Task[Any]] = []
    seen: list[int] = []

    async def note(key: str) -> None:
        async with app.sessions.checkout(key) as context:
            seen.append(context.session.count)
            context.session.count += 10
            with pytest.raises(SessionReentered):
                await app.sessions.begin(key, "me again")

    app = create_bot("42:fake", initial=Session)

    @app.message()
    async def begin(message: Message, session: Session, context: BotContext[Session]) -> None:
        session.count = 1
        await started(note(context.key), tasks)
        assert not tasks[0].done()

    talk = talk_to(app)
    await talk.say("hello")
    await tasks[0]

    assert seen == [1]
    assert (await talk.record())["session"]["count"] == 11


async def test_an_update_for_the_same_person_waits_for_the_handler_that_made_it(
    talk_to: Any,
) -> None:
    tasks: list[asyncio.Task[Any]] = []
    app = create_bot("42:fake", initial=Session)

    @app.message()
    async def count(message: Message, session: Session, event_update: Update) -> None:
        session.count += 1
        if message.text == "twice":
            copied = message.model_copy(update={"text": "once"})
            own = Update(update_id=0, message=copied)
            # As aiogram-dialog's background manager does.
            await started(app.propagate_event("update", own, bot=app.bot), tasks)
            assert session.count == 1

    talk = talk_to(app)
    await talk.say("twice")
    await asyncio.gather(*tasks)

    assert (await talk.record())["session"]["count"] == 2


async def test_the_state_is_at_hand_in_tasks_that_a_handler_waits_for(talk_to: Any) -> None:
    app = create_bot("42:fake", initial=Session)

    @app.message()
    async def book(message: Message, session: Session, state: FSMContext) -> None:
        session.count = 1
        async with asyncio.timeout(5):
            await asyncio.gather(asyncio.sleep(0), state.set_state("when"))

    talk = talk_to(app)
    await talk.say("hello")

    assert (await talk.record())["fsm"] == {"default": {"state": "when"}}
    assert (await talk.record())["session"]["count"] == 1


async def test_work_for_another_person_does_not_write_through_the_handler_that_started_it(
    talk_to: Any,
) -> None:
    tasks: list[asyncio.Task[Any]] = []
    app = create_bot("42:fake", initial=Session)

    async def match(state: FSMContext) -> None:
        async with app.sessions.checkout("6_6") as context:
            context.session.count = 1
            await state.set_state("matched")

    @app.message()
    async def find(message: Message, session: Session, state: FSMContext) -> None:
        await started(match(state), tasks)
        raise RuntimeError("boom")

    talk = talk_to(app)
    with pytest.raises(RuntimeError, match="boom"):
        await talk.say("hello")
    await asyncio.gather(*tasks)

    assert (await talk.record("5_5"))["fsm"] == {"default": {"state": "matched"}}
    assert (await talk.record("6_6"))["session"]["count"] == 1
