"""aiogram's FSM lives in the session's record and shares its fate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.scene import Scene, SceneRegistry, on
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import Message

from toolkit import create_bot


class Form(StatesGroup):
    name = State()


@dataclass
class Session:
    count: int = 0


router = Router()


@router.message(Form.name)
async def name(message: Message, state: FSMContext) -> None:
    data = await state.get_data()
    await state.clear()
    await message.answer(f"{data['greeting']}, {message.text}")


@router.message(Command("fail"))
async def fail(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.name)
    raise RuntimeError("boom")


@router.message()
async def start(message: Message, state: FSMContext, session: Session) -> None:
    session.count += 1
    await state.set_state(Form.name)
    await state.update_data(greeting="Hello", tags=["a"])
    (await state.get_data())["tags"].append("not stored")
    await message.answer("Name?")


@pytest.fixture
def talk(talk_to: Any) -> Any:
    return talk_to(create_bot("42:fake", initial=Session, routers=[router]))


async def test_state_and_data_are_committed_with_the_session(talk: Any) -> None:
    await talk.say("hi")

    assert await talk.record() == {
        "session": {"count": 1},
        "fsm": {
            "default": {"state": "Form:name", "data": {"greeting": "Hello", "tags": ["a"]}},
        },
        "updates": [1],
    }


async def test_a_dialogue_by_states_runs_and_clears_itself(talk: Any) -> None:
    await talk.say("hi")
    await talk.say("Ann")

    assert talk.texts == ["Name?", "Hello, Ann"]
    assert (await talk.record())["fsm"] == {}


async def test_a_state_set_by_a_failing_handler_is_not_stored(talk: Any) -> None:
    with pytest.raises(RuntimeError):
        await talk.say("/fail")

    assert await talk.record() is None


async def test_the_state_of_another_user_can_be_set(talk: Any) -> None:
    state = talk.app.fsm.get_context(talk.app.bot, chat_id=6, user_id=6)
    await state.set_state(Form.name)
    await state.set_data({"greeting": "Welcome"})

    await talk.say("Bob", user_id=6)

    assert talk.texts == ["Welcome, Bob"]


async def test_anonymous_admins_have_a_state_of_their_own(talk: Any) -> None:
    group = {"id": -100, "type": "supergroup", "title": "Shop"}
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    talk.telegram.group(-100, "Shop")
    message = {"message_id": 1, "date": 1, "chat": group, "from": anonymous, "sender_chat": group}

    await talk.feed({"update_id": 1, "message": {**message, "text": "hi"}})

    assert (await talk.record("-100_-100"))["fsm"]["default"]["state"] == "Form:name"


async def test_data_that_is_no_json_is_refused_and_nothing_is_written(talk_to: Any) -> None:
    app = create_bot("42:fake", initial=Session)

    @app.message()
    async def keep(message: Message, state: FSMContext) -> None:
        await state.update_data(message=message)

    talk = talk_to(app)
    with pytest.raises(TypeError, match=r"fsm\.default\.data\.message"):
        await talk.say("hi")

    assert await talk.record() is None


class Quiz(Scene, state="quiz"):
    @on.message.enter()
    async def enter(self, message: Message) -> None:
        await message.answer("2 + 2?")

    @on.message()
    async def answer(self, message: Message) -> None:
        await message.answer("Right!" if message.text == "4" else "No.")
        await self.wizard.exit()


async def test_scenes_work(talk_to: Any) -> None:
    quiz = Router()
    quiz.message.register(Quiz.as_handler(), Command("quiz"))
    app = create_bot("42:fake", initial=Session, routers=[quiz])
    SceneRegistry(app).add(Quiz)
    talk = talk_to(app)

    await talk.say("/quiz")
    await talk.say("4")

    assert talk.texts == ["2 + 2?", "Right!"]
