"""What is wrong at run time, whatever a spec expects."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiogram import Bot, F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command, CommandStart, StateFilter
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, Message

from toolkit import SessionStorage, button, create_bot, in_step, menu
from toolkit.harness.specs.hard import HardGate
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.types import Json

Handlers = Callable[[Router], None]


class Step(StrEnum):
    """Where a user is."""

    idle = "idle"
    asking = "asking"


@dataclass
class Session:
    """What these bots remember."""

    step: Step = Step.idle
    names: list[str] = field(default_factory=list)


def bot_of(register: Handlers) -> Callable[..., Any]:
    """Return a factory of bots with these handlers."""

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        router = Router()
        register(router)
        return create_bot("42:offline", initial=Session, storage=storage, routers=[router])

    return make_bot


async def found(register: Handlers, *sends: Json, **more: Any) -> dict[str, str]:
    """Play the sends, and return what is found at run time, by its code."""
    steps = [send if "send" in send else {"send": send, "expect": []} for send in sends]
    (spec,) = parse_specs({"name": "a spec", "steps": steps, **more}, "f.json")
    gate = HardGate(bot_of(register))
    result = await gate.run(spec)
    failures = gate._found[id(result)]
    assert all((each.file, each.spec) == ("f.json", "a spec") for each in failures)
    assert all(each.fix for each in failures)
    assert len({each.code for each in failures}) == len(failures)
    return {each.code: f"{each.step}: {each.why}" for each in failures}


def place(text: str) -> str:
    """Return the place in this file of the line before which a decorator stands."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.strip().startswith(text))
    return f"test_findings.py:{number}"


START = {"text": "/start"}


# What nobody answers


def unanswered(router: Router) -> None:
    @router.message()
    async def ask(message: Message) -> None:
        await message.answer("Sure?", reply_markup=menu([button("Yes", "yes")]))

    @router.callback_query(F.data == "yes")
    async def forget(query: CallbackQuery) -> None: ...


async def test_a_tap_that_nobody_answers_is_found_however_it_is_sent() -> None:
    by_handler = await found(unanswered, START, {"callback": "yes"})
    by_nobody = await found(unanswered, START, {"callback": "gone"})

    assert list(by_handler) == list(by_nobody) == ["TAP_NOT_ANSWERED"]
    assert by_handler["TAP_NOT_ANSWERED"].startswith("2: the tap on 'yes' was never answered")
    assert "'gone'" in by_nobody["TAP_NOT_ANSWERED"]


async def test_a_step_that_fails_for_it_is_not_told_twice() -> None:
    assert await found(unanswered, START, {"tap": "Yes"}) == {}


# Two handlers for one update


class Pick(CallbackData, prefix="pick"):
    """A button."""

    id: str


async def own_filter(event: Any) -> bool:
    return True


def pair(first: Any, second: Any) -> Handlers:
    def register(router: Router) -> None:
        @router.message(*first)
        async def taker(message: Message) -> None: ...

        @router.message(*second)
        async def loser(message: Message) -> None: ...

    return register


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([Command("start")], [Command("start")]),
        ([Command("start", "help")], [Command("start")]),
        ([CommandStart()], [Command("start"), in_step(Step.idle)]),
        ([in_step(Step.idle)], [Command("start")]),
        ([StateFilter(None)], [Command("start")]),
        ([F.text], [Command("start")]),
        ([], [Command("start")]),
        ([F.text == "/start"], [F.text == "/start"]),
        ([F.text.startswith("/")], [F.text == "/start"]),
        ([in_step(Step.idle)], [in_step(Step.idle), F.text]),
        ([own_filter], [own_filter]),
        ([], []),
    ],
)
async def test_two_handlers_of_one_update_are_found(first: Any, second: Any) -> None:
    problems = await found(pair(first, second), START)

    assert list(problems) == ["TWO_HANDLERS"]
    why = problems["TWO_HANDLERS"]
    assert why.startswith("1: pair.<locals>.register.<locals>.taker (")
    assert place("@router.message(*first)") in why
    assert place("@router.message(*second)") in why


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([Command("start")], []),
        ([Command("start")], [F.text]),
        ([Command("start")], [in_step(Step.idle)]),
        ([Command("start"), in_step(Step.idle)], [Command("start")]),
        ([CommandStart(deep_link=True)], [CommandStart()]),
        ([Command("start", magic=F.args.is_(None))], [Command("start")]),
        ([F.text == "/start"], [F.text.startswith("/")]),
        ([F.text.startswith("/")], [F.text]),
        ([in_step(Step.idle), F.text], [in_step(Step.idle)]),
        ([own_filter], [Command("start")]),
        ([in_step(Step.idle)], [F.text]),
        ([Command("help")], [Command("start")]),
        ([in_step(Step.asking)], [Command("start")]),
    ],
)
async def test_a_general_handler_behind_a_special_one_is_none(first: Any, second: Any) -> None:
    assert await found(pair(first, second), START) == {}


async def test_taps_are_looked_at_as_well() -> None:
    def register(router: Router) -> None:
        @router.message()
        async def ask(message: Message) -> None:
            keys = menu([button("One", Pick(id="one")), button("Two", Pick(id="two"))])
            await message.answer("Which?", reply_markup=keys)

        for data in (Pick.filter(F.id == "one"), Pick.filter(), F.data == "pick:two"):

            @router.callback_query(data)
            async def take(query: CallbackQuery) -> None:
                await query.answer()

            # Handlers of the same code are one handler.
            take.__code__ = take.__code__.replace(co_name=f"take {data}")

    assert await found(register, START, {"tap": "One"}) == {}
    assert list(await found(register, START, {"tap": "Two"})) == ["TWO_HANDLERS"]


async def test_a_handler_that_hands_on_hides_nothing() -> None:
    def register(router: Router) -> None:
        @router.message(Command("start"))
        async def hand_on(message: Message) -> None:
            raise SkipHandler

        @router.message(Command("start"))
        async def take(message: Message) -> None: ...

    assert await found(register, START) == {}


async def test_filters_are_asked_about_the_session_before_the_handler() -> None:
    def register(router: Router) -> None:
        @router.message(in_step(Step.idle))
        async def begin(message: Message, session: Session) -> None:
            session.step = Step.asking

        @router.message(in_step(Step.asking), F.text == "/start")
        async def goes_on(message: Message) -> None: ...

    assert await found(register, START) == {}


# State in modules


class Cache:
    """A class with a container that all share, and one of its own."""

    shared: ClassVar[set[str]] = set()

    def __init__(self) -> None:
        self.mine: list[str] = []


A_DICT: dict[str, Any] = defaultdict(list)
A_QUEUE: deque[str] = deque(maxlen=3)
A_COUNTER: Counter[str] = Counter()
A_NUMBER = count()
AN_INSTANCE = Cache()
last_name: str | None = None


@cache
def remembered(text: str) -> list[str]:
    return [text]


def rebind(text: str) -> None:
    global last_name
    last_name = text


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda text: A_DICT["names"].append(text), "A_DICT"),
        (A_QUEUE.append, "A_QUEUE"),
        (lambda text: A_COUNTER.update([text]), "A_COUNTER"),
        (lambda text: next(A_NUMBER), "A_NUMBER"),
        (Cache.shared.add, "Cache.shared"),
        (AN_INSTANCE.mine.append, "AN_INSTANCE.mine"),
        (rebind, "last_name"),
    ],
)
async def test_a_variable_of_a_module_that_a_handler_changes_is_named(
    change: Callable[[str], Any], name: str
) -> None:
    def register(router: Router) -> None:
        @router.message(Command("keep"))
        async def keep(message: Message) -> None:
            remembered(f"{message.text} {len(Cache.shared)}")
            change(f"{message.text}")

    problems = await found(register, {"text": "hello"}, {"text": f"/keep {name} {datetime.now()}"})

    assert list(problems) == ["MODULE_CHANGED"]
    why = problems["MODULE_CHANGED"]
    assert f"changes {name} of the module {__name__}, which all users share" in why
    assert place('@router.message(Command("keep"))') in why
    assert why.startswith("2: ")


# Messages to those who never wrote


async def test_a_message_to_somebody_who_never_wrote_is_found_though_the_bot_hides_it() -> None:
    def register(router: Router) -> None:
        @router.message()
        async def tell(message: Message, bot: Bot) -> None:
            with contextlib.suppress(TelegramAPIError):
                await bot.send_message(7, f"{message.text}")

    in_private = {"text": "hi", "userId": 7}
    in_a_group = {"text": "hi", "userId": 7, "chatId": -5}

    problems = await found(register, START)
    assert list(problems) == ["MESSAGE_TO_STRANGER"]
    assert "writes to user 7, who has never written" in problems["MESSAGE_TO_STRANGER"]
    assert list(await found(register, in_a_group)) == ["MESSAGE_TO_STRANGER"]
    assert await found(register, in_private, START) == {}
    assert await found(register, START, allow=["MESSAGE_TO_STRANGER"]) == {}


# Datetimes


async def test_a_datetime_without_a_time_zone_is_found_where_it_meets_one_with_it() -> None:
    def register(router: Router) -> None:
        @router.message()
        async def compare(message: Message) -> None:
            late = datetime.now() > message.date
            await message.answer(f"{late}")

        @router.error()
        async def hide(event: Any) -> bool:
            return True

    problems = await found(register, START)

    assert list(problems) == ["NAIVE_DATETIME"]
    assert place("late = ") in problems["NAIVE_DATETIME"]


async def test_a_task_may_compare_them_too() -> None:
    tasks = []

    def register(router: Router) -> None:
        async def compare() -> bool:
            await asyncio.sleep(0)
            return datetime.now() > datetime.now(UTC)

        @router.message()
        async def begin(message: Message) -> None:
            tasks.append(asyncio.create_task(compare()))

    assert list(await found(register, START)) == ["NAIVE_DATETIME"]


# Tasks


async def test_a_task_that_waits_at_the_end_is_named_with_the_step_that_began_it() -> None:
    tasks = []

    def register(router: Router) -> None:
        async def remind(message: Message) -> None:
            await asyncio.sleep(3600)
            await message.answer("It is time.")

        @router.message(Command("remind"))
        async def begin(message: Message) -> None:
            tasks.append(asyncio.create_task(remind(message)))

        @router.startup()
        async def work() -> None:
            tasks.append(asyncio.create_task(wait_for_ever()))

        async def wait_for_ever() -> None:
            await asyncio.Event().wait()

        @router.message(Command("float"))
        async def float_a_call(message: Message) -> None:
            async def say() -> None:
                await message.answer("Soon.")

            tasks.append(asyncio.create_task(say()))

    problems = await found(register, START, {"text": "/remind"}, {"text": "/float"})

    assert list(problems) == ["TASK_LEFT"]
    assert re.match(r"2: the task .*remind \(.*still waits", problems["TASK_LEFT"])
    assert place("async def remind") in problems["TASK_LEFT"]


async def test_a_timer_that_has_not_gone_off_is_named_too() -> None:
    def register(router: Router) -> None:
        @router.message()
        async def begin(message: Message) -> None:
            loop = asyncio.get_running_loop()
            loop.call_later(3600, print, "It is time.")
            loop.call_at(loop.time() + 3600, print, "It is time.").cancel()
            await asyncio.sleep(0.001)

    problems = await found(register, START)

    assert list(problems) == ["TASK_LEFT"]
    assert re.match(r"1: a timer of .*begin \(.*still waits", problems["TASK_LEFT"])


# Over all specs


async def test_a_finding_is_reported_once_and_replies_that_no_spec_expects_are() -> None:
    def register(router: Router) -> None:
        @router.message(Command("start"))
        async def start(message: Message) -> None:
            A_DICT["start"].append(message.text)
            await message.answer("Hello.")

        @router.message(Command("help"))
        async def explain(message: Message) -> None:
            await message.answer("There is no help.")

        @router.message(Command("quiet"))
        async def say_nothing(message: Message) -> None: ...

    expect = [{"method": "sendMessage"}]
    texts = ("/start", "/help", "/quiet")
    bare = [{"send": {"text": text}, "expect": []} for text in texts]
    first = {"name": "one", "steps": bare}
    second = {"name": "two", "steps": [{"send": START, "expect": expect}]}
    gate = HardGate(bot_of(register))
    found_in = [
        [each.code for each in await gate.spec_failures(await gate.run(spec))]
        for spec in parse_specs([first, second], "f")
    ]

    assert found_in == [["MODULE_CHANGED"], []]
    _, missing = await gate.overall()
    (never,) = [each for each in missing if each.code == "REPLY_NEVER_EXPECTED"]
    assert never.why.endswith("explain")
    assert place('@router.message(Command("help"))') in f"{never.file}"
