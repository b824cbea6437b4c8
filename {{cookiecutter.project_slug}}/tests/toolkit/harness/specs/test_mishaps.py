"""What users do that no spec says: names with markup, taps on what is left, two at once."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, LabeledPrice, Message, PreCheckoutQuery, User

from toolkit import Sessions, SessionStorage, button, create_bot, menu
from toolkit.harness.specs.hard import HardGate
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.types import Json

from .everything_bot import make_bot as make_everything_bot

Handlers = Callable[[Router], None]


@dataclass
class Session:
    """What these bots remember."""

    seat: str = ""


async def found(register: Handlers, *sends: Json, **more: Any) -> dict[str, str]:
    """Play a spec, and return what goes wrong in mishaps, by its code."""

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        router = Router()
        register(router)
        app = create_bot("42:offline", initial=Session, storage=storage, routers=[router])
        app["sessions"] = app.sessions
        return app

    steps = [{"send": send, "expect": []} for send in sends]
    (spec,) = parse_specs({"name": "a spec", "steps": steps, **more}, "f.json")
    gate = HardGate(make_bot)
    result = await gate.run(spec)
    assert result.ok, result.failure
    failures = await gate.spec_failures(result)
    assert all(each.fix for each in failures)
    return {each.code: f"{each.step}: {each.why}" for each in failures}


def greets(shown: Callable[[str], str]) -> Handlers:
    def register(router: Router) -> None:
        @router.message(Command("start"))
        async def start(message: Message, event_from_user: User) -> None:
            await message.answer(f"<b>Hello, {shown(event_from_user.first_name)}!</b>")

    return register


async def test_a_name_that_is_not_escaped_is_found_and_one_that_is_is_not() -> None:
    problems = await found(greets(str), {"text": "/start"})

    assert list(problems) == ["UNESCAPED"]
    assert problems["UNESCAPED"].startswith(
        "1: when somebody is called 'Ann <_*[`&', Telegram refuses sendMessage: "
        "Bad Request: can't parse entities"
    )
    assert await found(greets(html.escape), {"text": "/start"}) == {}
    assert await found(greets(str), {"text": "/start"}, allow=["UNESCAPED"]) == {}


async def test_a_name_that_is_escaped_twice_is_found() -> None:
    twice = greets(lambda name: html.escape(html.escape(name)))

    problems = await found(twice, {"text": "/start"})

    seen = "people see 'Hello, Ann &lt;_*[`&amp;!'"
    assert problems["UNESCAPED"] == f"1: when somebody is called 'Ann <_*[`&', {seen}"


async def test_a_text_that_is_repeated_as_it_is_typed_is_found() -> None:
    def echoes(shown: Callable[[str], str]) -> Handlers:
        def register(router: Router) -> None:
            @router.message(F.text)
            async def echo(message: Message) -> None:
                await message.answer(f"You said {shown(message.text or '')}")

        return register

    problems = await found(echoes(str), {"text": "/hello"}, {"text": "Ann"})

    assert problems["UNESCAPED"].startswith("2: when somebody says 'Ann <_*[`&', Telegram")
    assert await found(echoes(html.escape), {"text": "Ann"}) == {}


def asks(*labels: str) -> Handlers:
    def register(router: Router) -> None:
        @router.message()
        async def ask(message: Message) -> None:
            keys = [button(each, f"{each.lower()}:{n}") for n, each in enumerate(labels)]
            await message.answer("Which?", reply_markup=menu(keys))

        @router.callback_query(F.data.startswith("yes"))
        async def agree(query: CallbackQuery, session: Session) -> None:
            session.seat = "1"
            await query.answer()

        @router.callback_query(F.data.startswith("fail"))
        async def fail(query: CallbackQuery) -> None:
            await query.answer()
            raise ValueError("too late")

    return register


async def test_the_buttons_that_are_left_have_to_work() -> None:
    dead = await found(asks("Yes", "No"), {"text": "/start"})
    failing = await found(asks("Yes", "Fail"), {"text": "/start"}, {"tap": "Yes"})

    assert list(dead) == list(failing) == ["TAP_LEFT_FAILS"]
    assert (
        "a tap on 'No' goes wrong: the tap on 'no:1' was never answered" in (dead["TAP_LEFT_FAILS"])
    )
    assert "ValueError: too late" in failing["TAP_LEFT_FAILS"]
    assert await found(asks("Yes"), {"text": "/start"}) == {}
    assert await found(asks("No"), {"text": "/start"}, allow=["TAP_LEFT_FAILS"]) == {}


async def test_a_bot_that_cannot_be_played_again_has_no_mishaps() -> None:
    made: list[Any] = []

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        made.append(storage)
        if len(made) > 1:
            raise ValueError("one bot is enough")
        return create_bot("42:offline", initial=Session, storage=storage)

    steps = [{"send": {"text": "hi"}, "expect": []}]
    (spec,) = parse_specs({"name": "a spec", "steps": steps}, "f.json")
    gate = HardGate(make_bot)

    failures = await gate.spec_failures(await gate.run(spec))

    assert [each.code for each in failures] == ["CANNOT_RUN"]


async def test_a_seat_that_two_take_at_once_is_found() -> None:
    def careless(router: Router) -> None:
        @router.message(F.text)
        async def take(message: Message, session: Session, storage: SessionStorage) -> None:
            free = await storage.read("seat:1") is None
            if free:
                await storage.write("seat:1", {"of": message.chat.id})
                session.seat = "1"
            await message.answer("It is yours." if free else "It is taken.")

    problems = await found(careless, {"text": "/seat"}, allow=["CHANGED_BY_OTHERS"])

    assert problems["CHANGED_BY_RACE"] == (
        '1: when two users do this at once, what people see[0].text is "It is yours." instead of '
        '"It is taken." for one of them'
    )


async def test_one_that_comes_first_is_no_race() -> None:
    def careful(router: Router) -> None:
        @router.message(F.text)
        async def take(message: Message, session: Session, sessions: Sessions[Session]) -> None:
            async with sessions.record("seat:1") as record:
                free = not record.value
                if free:
                    record.value = {"of": message.chat.id}
            session.seat = "1" if free else ""
            keys = menu([button("Leave", "leave")]) if free else None
            await message.answer("It is yours." if free else "It is taken.", reply_markup=keys)

        @router.callback_query(F.data == "leave")
        async def leave(query: CallbackQuery) -> None:
            await query.answer()

    # The second user cannot take the second step, in whatever order.
    problems = await found(careful, {"text": "/seat"}, {"tap": "Leave"})

    assert "CHANGED_BY_RACE" not in problems


async def test_users_do_together_whatever_the_steps_of_a_spec_are() -> None:
    taken = {"concurrently": [{"text": "/claim"}, {"text": "/claim", "userId": 2}], "expect": []}
    steps = [
        {"send": {"text": "/sell"}, "expect": []},
        {"send": {"pay": "Green tea"}, "expect": []},
        {"send": {"album": [{"photo": "a"}, {"photo": "b", "caption": "c"}]}, "expect": []},
        {"send": {"text": "/poll"}, "expect": []},
        {"send": {"vote": "Tea"}, "expect": []},
    ]
    alone = [taken, {"send": {"text": "/break"}, "expect": [], "fails": "kettle"}]
    more = [{"advance": "1h", "expect": []}, {"send": {"join": -200, "userId": 3}, "expect": []}]
    for each in (steps, [*steps, *alone, *more]):
        (spec,) = parse_specs({"name": "a spec", "steps": each}, "f.json")
        gate = HardGate(make_everything_bot)
        result = await gate.run(spec)
        assert result.failure is None
        assert await gate.spec_failures(result) == []


async def test_a_payment_that_two_make_at_once_is_a_race_as_well() -> None:
    def careless(router: Router) -> None:
        @router.message(F.text)
        async def sell(message: Message) -> None:
            prices = [LabeledPrice(label="Seat", amount=5)]
            await message.answer_invoice("Seat", "The last", "seat", "XTR", prices)

        @router.pre_checkout_query()
        async def check(query: PreCheckoutQuery, storage: SessionStorage) -> None:
            await query.answer(ok=await storage.read("seat") is None, error_message="Taken")

        @router.message(F.successful_payment)
        async def thank(message: Message, storage: SessionStorage, session: Session) -> None:
            session.seat = "1"
            await storage.write("seat", {"of": message.chat.id})
            await message.answer("It is yours.")

    sends = {"text": "hi"}, {"pay": "Seat"}
    problems = await found(careless, *sends, allow=["CHANGED_BY_OTHERS"])

    assert list(problems) == ["CHANGED_BY_RACE"]


async def test_what_several_say_is_played_with_markup_too() -> None:
    def echoes(router: Router) -> None:
        @router.message(F.text)
        async def echo(message: Message) -> None:
            await message.answer(f"You said {message.text}")

    sends = [{"text": "hi"}, {"text": "ho", "userId": 2}]
    steps = [{"concurrently": sends, "expect": []}]
    (spec,) = parse_specs({"name": "a spec", "steps": steps}, "f.json")

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        router = Router()
        echoes(router)
        return create_bot("42:offline", initial=Session, storage=storage, routers=[router])

    gate = HardGate(make_bot)
    failures = await gate.spec_failures(await gate.run(spec))

    assert [each.code for each in failures] == ["UNESCAPED"]
