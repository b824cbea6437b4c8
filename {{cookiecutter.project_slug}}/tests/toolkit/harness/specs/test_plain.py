"""Bots that create_bot did not make: dispatchers, functions that return them, mains that poll."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.scene import Scene, SceneRegistry, on
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseEventIsolation, StorageKey
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.methods import SendMessage
from aiogram.types import BotCommand, Message

from toolkit.harness import FakeTelegram, RunningBot
from toolkit.harness.fake_telegram.transport import FakeSession
from toolkit.harness.simulator import session_view
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.specs import plain_app
from toolkit.harness.specs.plain import make_app
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.running_bot import load_factory
from toolkit.harness.specs.spec import parse_specs


class Form(StatesGroup):
    """What this bot asks for."""

    name = State()


def texts(calls: Any) -> list[str]:
    return [call.payload["text"] for call in calls if "text" in call.payload]


router = Router()


@router.message(Command("form"))
async def begin(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.name)
    await message.answer("Name?")


@router.message(Form.name)
async def take_name(message: Message, state: FSMContext) -> None:
    data = await state.update_data(names=[*(await state.get_data()).get("names", ()), message.text])
    await message.answer(f"<b>{len(data['names'])}</b>")


async def note(message: Message, seen: list[str]) -> SendMessage:
    seen.append(message.text or "")
    return message.answer(" ".join(seen))


def make_dispatcher(**data: Any) -> Dispatcher:
    """Attach the router of this module, as functions do that run once in a process."""
    dispatcher = Dispatcher(**data)
    dispatcher.include_router(router)
    return dispatcher


async def poll() -> None:
    """Do what mains do, and what is not there without Telegram."""
    bot = Bot("", default=DefaultBotProperties(parse_mode="HTML"))
    router.message.register(note)
    dispatcher = make_dispatcher(seen=[])
    await bot.delete_webhook()
    try:
        await dispatcher.start_polling(bot, ended=ENDED, allowed_updates=["message"])
    finally:
        ENDED.append("main")


ENDED: list[str] = []


def poll_at_once() -> None:
    make_dispatcher().run_polling(Bot("no token"))


def with_its_bot() -> tuple[Dispatcher, Bot]:
    return make_dispatcher(), Bot("42:b", default=DefaultBotProperties(parse_mode="HTML"))


(SPEC,) = parse_specs(
    {
        "name": "a name",
        "steps": [
            {
                "send": {"text": "/form"},
                "expect": [{"method": "sendMessage"}],
                "session": {"state": "Form:name", "data": {}},
            },
            {
                "send": {"text": "Ann"},
                "expect": [{"method": "sendMessage"}],
                "session": {"data": {"names": ["Ann"]}},
            },
        ],
    },
    "f.json",
)


@pytest.mark.parametrize("make_bot", [make_dispatcher, with_its_bot, poll, poll_at_once])
async def test_each_spec_has_a_bot_that_nobody_has_talked_to(make_bot: Any) -> None:
    for _ in range(3):
        result = await run_spec(SPEC, make_bot)
        assert result.failure is None
    assert router.parent_router is None
    assert len(router.message.handlers) == 2


async def test_a_dispatcher_is_used_again_and_gets_back_what_it_had() -> None:
    dispatcher = make_dispatcher(seen=[])
    dispatcher.startup.register(lambda dispatcher: dispatcher.message.register(note))
    dispatcher.startup.register(lambda dispatcher: dispatcher.workflow_data.update(seen=["new"]))
    before = dispatcher.storage
    for _ in range(2):
        async with RunningBot(dispatcher) as running:
            assert running.app.workflow_data["seen"] == ["new"]
            assert (await run_spec(SPEC, make_dispatcher)).failure is not None  # it is attached
    assert dispatcher.storage is before
    assert dispatcher["seen"] == []
    assert dispatcher.message.handlers == []
    router._parent_router = None


async def test_a_main_runs_to_its_end_with_the_bot_that_it_makes() -> None:
    ENDED.clear()
    async with RunningBot(poll) as running:
        assert running.app.bot.id == 42
        assert [call.method for call in running.telegram.calls] == ["deleteWebhook"]
        assert running.app.workflow_data["ended"] is ENDED
        calls = await running.deliver(running.telegram.send_text(1, "hi"))
        assert calls[0].payload == {"chat_id": 1, "text": "hi", "parse_mode": "HTML"}
        assert running.app.wanted_updates() == ["message"]
        assert ENDED == []
    assert ENDED == ["main"]


async def test_hooks_run_and_commands_are_those_that_the_bot_has_set() -> None:
    done: list[str] = []
    dispatcher = Dispatcher()

    @dispatcher.startup()
    async def start(bot: Bot) -> None:
        done.append("started")
        await bot.set_my_commands([BotCommand(command="form", description="Begin")])

    @dispatcher.shutdown()
    async def stop(bot: Bot) -> None:
        done.append("stopped")

    async with RunningBot(dispatcher) as running:
        assert running.app.commands == {"form": "Begin"}
        assert done == ["started"]
    assert done == ["started", "stopped"]


class Broken(MemoryStorage):
    """A store that is not there in tests."""

    async def get_state(self, key: StorageKey) -> str | None:
        raise ConnectionError

    async def close(self) -> None:
        raise ConnectionError


class Isolation(BaseEventIsolation):
    """Locks in a store that is not there in tests."""

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncIterator[None]:
        raise ConnectionError
        yield

    async def close(self) -> None:
        raise ConnectionError


async def test_no_other_store_than_memory_is_asked() -> None:
    dispatcher = Dispatcher(storage=Broken(), events_isolation=Isolation())

    @dispatcher.message()
    async def keep(message: Message, state: FSMContext) -> None:
        await state.set_data({"message": message})

    async with RunningBot(dispatcher) as running:
        await running.deliver(running.telegram.send_text(1, "hi"))
        session = await running.session()
        assert session is not None
        assert session["data"]["message"].text == "hi"


async def test_given_fields_are_where_each_user_begins() -> None:
    given = {"state": "Form:name", "data": {"names": ["Ann"]}}
    async with RunningBot(make_dispatcher, session=given) as running:
        for user in (1, 2):
            calls = await running.deliver(running.telegram.send_text(user, "Ben"))
            assert texts(calls) == ["<b>2</b>"]
    with pytest.raises(ValueError, match="no field 'name' in the session, only state, data"):
        RunningBot(make_dispatcher, session={"name": "Ann"})
    with pytest.raises(ValueError, match="state must be text or null, data an object"):
        RunningBot(make_dispatcher, session={"data": []})


async def test_scenes_work() -> None:
    class Quiz(Scene, state="quiz"):
        @on.message.enter()
        async def ask(self, message: Message) -> None:
            await message.answer("2 + 2?")

        @on.message(F.text == "4")
        async def right(self, message: Message) -> None:
            await message.answer("Right.")
            await self.wizard.exit()

    def make_bot() -> Dispatcher:
        dispatcher = Dispatcher()
        asking = Router()
        asking.message.register(Quiz.as_handler(), Command("quiz"))
        dispatcher.include_router(asking)
        SceneRegistry(dispatcher).add(Quiz)
        return dispatcher

    async with RunningBot(make_bot) as running:
        assert texts(await running.deliver(running.telegram.send_text(1, "/quiz"))) == ["2 + 2?"]
        assert (await running.session() or {})["state"] == "quiz"
        assert texts(await running.deliver(running.telegram.send_text(1, "4"))) == ["Right."]
        assert (await running.session() or {})["state"] is None


async def test_a_handler_that_raises_fails_its_step() -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def fail(message: Message) -> None:
        raise ZeroDivisionError

    async with RunningBot(dispatcher) as running:
        with pytest.raises(ZeroDivisionError):
            await running.deliver(running.telegram.send_text(1, "hi"))


async def test_only_what_a_dispatcher_can_keep_is_asked_of_it() -> None:
    last = [""]
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def remember(message: Message) -> None:
        await message.answer(f"After {last[0]}.")
        last[0] = message.text or ""

    (spec,) = parse_specs(
        {"name": "s", "steps": [{"send": {"text": t}, "expect": []} for t in "ab"]}, "f.json"
    )
    factory: Any = make_dispatcher
    assert (await run_spec(SPEC, factory)).ok
    assert [found async for found in broken(SPEC, factory)] == []
    factory = lambda: dispatcher  # noqa: E731 - one that is typed as anything
    codes = [relation.code async for relation, _, _ in broken(spec, factory)]
    assert codes == ["CHANGED_BY_OTHERS"]


async def never_polls() -> None:
    """Do nothing."""


async def raises() -> None:
    raise LookupError("no such shop")


async def hangs() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("make_bot", "problem"),
    [
        (never_polls, "never_polls ended without polling: name a function that calls"),
        (raises, "no such shop"),
        (hangs, "hangs did not call start_polling of a Dispatcher within 0.1 seconds"),
        (lambda: None, "<lambda> returned NoneType; it has to return a bot of create_bot"),
        (lambda: (Dispatcher(), Bot("42:a"), Bot("42:b")), "returned Dispatcher and Bot and Bot"),
        (lambda: (), "returned nothing"),
    ],
)
async def test_what_makes_no_bot_is_told_so(
    make_bot: Any, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_app, "START_LIMIT", 0.1)
    with pytest.raises((TypeError, LookupError, TimeoutError), match=problem):
        async with RunningBot(make_bot):
            pytest.fail("it runs")


def test_only_functions_are_given_settings() -> None:
    with pytest.raises(TypeError, match="poll takes no settings, as a factory may"):
        make_app(poll, {"settings": {"webhook_port": 8081}})


MODULE = """
from aiogram import Bot, Dispatcher
from os import getenv

bot = Bot(getenv("NO_SUCH_VARIABLE"))
seen = []

@bot.session.middleware
async def note(make_request, bot, method):
    seen.append(type(method).__name__)
    return await make_request(bot, method)

dp = Dispatcher()

@dp.message()
async def answer(message):
    await bot.send_message(message.chat.id, "Hello")
"""


def test_a_dispatcher_is_named_with_the_bot_beside_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "one_bot.py").write_text(MODULE)
    (tmp_path / "two_bots.py").write_text(f"{MODULE}\nother = Bot('')\n")
    make_bot = load_factory("one_bot:dp")

    async def talk() -> None:
        for _ in range(2):
            async with RunningBot(make_bot) as running:
                assert running.app.bot is sys.modules["one_bot"].bot
                said = await running.deliver(running.telegram.send_text(1, "hi"))
                assert texts(said) == ["Hello"]

    asyncio.run(talk())
    assert sys.modules["one_bot"].seen == ["SendMessage"] * 2
    with pytest.raises(TypeError, match="there are 2 bots beside the dispatcher; name a function"):
        load_factory("two_bots:dp")()
    for name in ("one_bot", "two_bots"):
        del sys.modules[name]


def test_outside_the_harness_aiogram_is_what_it_was() -> None:
    from aiogram.utils.token import TokenValidationError

    with pytest.raises(TokenValidationError):
        Bot("no token")


async def test_in_the_simulator_states_are_seen_edited_and_outlive_a_restart() -> None:
    simulation = Simulation(lambda: make_dispatcher)
    assert await simulation.start(), simulation.broken

    async def say(text: str) -> list[str]:
        turn = simulation.say(1, 1, text)
        await simulation.recorder.settle(turn)
        assert turn.error is None
        return texts(turn.calls)

    assert await say("/form") == ["Name?"]
    first = simulation.recorder.turns[-1]
    assert (first.key, first.handler) == ("1_1", f"{begin.__module__}.begin")
    assert await say("Ann") == ["<b>1</b>"]
    second = simulation.recorder.turns[-1]
    assert await simulation.start()
    assert await say("Ben") == ["<b>2</b>"]
    shown = await session_view.show(simulation, "1_1")
    assert [field["name"] for field in shown["fields"]] == ["state", "data"]
    await session_view.edit(simulation, "1_1", "data", {"names": [1, 2, 3]})
    assert await say("Cleo") == ["<b>4</b>"]
    await simulation.go_back(second.number)
    assert await simulation.recorder.fields("1_1") == {"state": "Form:name", "data": {}}
    assert await say("Ann") == ["<b>1</b>"]
    await session_view.reset(simulation, "1_1")
    assert await say("Ann") == []
    await simulation.close()


async def test_another_bot_of_the_same_code_talks_to_the_same_telegram() -> None:
    async def main() -> None:
        dispatcher = Dispatcher()
        other = Bot("", default=DefaultBotProperties(parse_mode="HTML"))

        @dispatcher.startup()
        async def say() -> None:
            await other.send_message(1, "Up.")

        await dispatcher.start_polling(Bot(""))

    telegram = FakeTelegram(token="42:offline")
    telegram.send_text(1, "/start")
    async with RunningBot(main, telegram=telegram) as running:
        assert isinstance(running.app.bot.session, FakeSession)
        assert texts(telegram.calls) == ["Up."]


GREETED: Any = {
    "name": "a name",
    "given": {"sessions": {"1_1": {"state": "Form:name", "data": {"names": ["Bo"]}}}},
    "steps": [
        {
            "send": {"text": "Ann"},
            "expect": [{"method": "sendMessage", "payload": {"text": {"$contains": "2"}}}],
            "session": {"data": {"names": ["Bo", "Ann"]}},
        }
    ],
}


@pytest.mark.parametrize("make_bot", [make_dispatcher, with_its_bot, poll, poll_at_once])
async def test_the_scene_of_a_spec_is_set_for_it(make_bot: Any) -> None:
    (spec,) = parse_specs(GREETED, "f.json")
    for _ in range(2):
        assert (await run_spec(spec, make_bot)).failure is None
    assert [relation.code async for relation, _, _ in broken(spec, make_bot)] == []


@pytest.mark.parametrize(
    ("make_bot", "given", "reason"),
    [
        (
            Dispatcher(),
            {"settings": {"a": 1}},
            "the Dispatcher takes no settings",
        ),
        (poll, {"settings": {"a": 1}}, "poll takes no settings, as a factory may"),
        (poll_at_once, {"settings": {"a": 1}}, "poll_at_once takes no settings, as a factory may"),
        (poll, {"records": {"a": {}}}, "given.records.a: only bots of create_bot have a store"),
        (
            poll,
            {"sessions": {"1_1": {"name": "a"}}},
            "sessions.1_1: there is no field 'name'",
        ),
    ],
)
async def test_what_it_cannot_be_given_is_said(make_bot: Any, given: Any, reason: str) -> None:
    (spec,) = parse_specs({**GREETED, "given": given}, "f.json")
    failure = (await run_spec(spec, make_bot)).failure
    assert failure is not None
    assert reason in failure
