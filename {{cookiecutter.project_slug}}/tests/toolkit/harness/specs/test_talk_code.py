"""What the gate reads in the source of a talk's function."""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command

from toolkit import Refused, Talk, create_bot, on_talk
from toolkit.harness.specs.hard import HardGate
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.specs.talk_code import mistakes


@dataclass
class Session:
    """What these talks change."""

    at: float = 0


def place(mark: str) -> str:
    """Return the place of the line of this file that ends with a comment."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"  # {mark}"))
    return f"test_talk_code.py:{number}"


async def clock(talk: Talk) -> None:
    started = time.time()  # clock
    await talk.ask("size", "Size?")
    await talk.say(f"{started}")


async def day(talk: Talk) -> None:
    days = [date.today(), datetime.now(UTC).date()]  # day
    await talk.ask("day", "When?", choices=days)


async def offered(talk: Talk) -> None:
    await talk.ask("code", "Code?", choices=[secrets.token_hex(4)])  # offered


async def chance(talk: Talk) -> None:
    for n in range(3):
        await talk.ask(f"guess{n}", "Guess?")
        if random.randint(1, 6) == 6:  # noqa: S311  # chance
            break


async def below(talk: Talk) -> None:
    await part(talk.at("part"))


async def part(inner: Talk) -> str:
    answer = await inner.ask("a", "A?")
    return f"{answer} {uuid.uuid4()}"  # below


@pytest.mark.parametrize(
    ("function", "shown"),
    [
        (clock, "time.time()"),
        (day, "date.today()"),
        (offered, "secrets.token_hex(4)"),
        (chance, "random.randint(1, 6)"),
        (below, "uuid.uuid4()"),
    ],
)
def test_what_is_otherwise_at_the_next_run_is_found_with_the_remedy(
    function: Callable[..., Any], shown: str
) -> None:
    first = mistakes(function)[0]
    where = place(function.__name__)

    assert first.code == "TALK_UNSTABLE"
    assert first.place.endswith(where)
    assert f"{where}: {shown} is something else each time" in first.why
    assert first.fix.startswith(f'put it into once: `await talk.once("a name", lambda: {shown})`')
    assert {each.place for each in mistakes(function)} == {first.place}


async def forgotten(talk: Talk) -> None:
    talk.say("Welcome")  # forgotten
    await talk.ask("size", "Size?")


async def assigned(talk: Talk) -> None:
    size = talk.ask("size", "Size?")  # assigned
    await talk.say("Large" if str(size) else "Small")


async def compared(talk: Talk) -> None:
    if talk.at("item", 1).ask("more", "More?", choices=[True, False]):  # compared
        await talk.say("More")


async def gathered(talk: Talk) -> None:
    await asyncio.gather(talk.ask("size", "Size?"), asyncio.sleep(0))  # gathered


async def grouped(talk: Talk) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(part(talk))  # grouped


async def bare(talk: Talk) -> None:
    try:
        await talk.ask("size", "Size?")
    except:  # noqa: E722  # bare
        await talk.say("Something is wrong")


async def swallowed(talk: Talk) -> None:
    try:
        await part(talk)
    except (ValueError, BaseException) as error:  # noqa: BLE001  # swallowed
        await talk.say(str(error))


@pytest.mark.parametrize(
    ("function", "words", "remedy"),
    [
        (forgotten, "talk.say('Welcome') is not awaited", "put await here"),
        (assigned, "talk.ask('size', 'Size?') is not awaited", "put await here"),
        (compared, "is not awaited", "put await here"),
        (gathered, "runs in a task of its own", "one question after the other"),
        (grouped, "runs in a task of its own", "one question after the other"),
        (bare, "this except catches what leaves the function", "`except Exception:`"),
        (swallowed, "this except catches what leaves the function", "`except Exception:`"),
    ],
)
def test_what_cannot_work_is_found_with_the_remedy(
    function: Callable[..., Any], words: str, remedy: str
) -> None:
    found = [each for each in mistakes(function) if each.code == "TALK_MISUSED"]

    assert [each.place.rpartition("/")[2] for each in found] == [place(function.__name__)]
    assert words in found[0].why
    assert place(function.__name__) in found[0].why
    assert remedy in found[0].fix


def not_past(text: str) -> date:
    if (day := date.fromisoformat(text)) < date.today():
        raise Refused("That was before.")
    return day


async def right(talk: Talk, session: Session) -> None:
    def later() -> list[str]:
        return [str(date.today())]

    number = await talk.once("number", lambda: secrets.token_hex(4))
    began = await talk.once("began", time.time)
    call = talk.ask("day", f"Today is {date.today()}. When?", choices=later, read=not_past)
    day = await call
    asks = [talk.at("more", n).ask("what", "What?") for n in range(2)]
    for each in asks:
        await each
    await talk.say(f"It is {datetime.now(UTC)}.")
    try:
        await talk.ask("sure", "Sure?", read=lambda text: random.random() > 0.5)  # noqa: S311
    except BaseException:
        session.at = began
        raise
    with contextlib.suppress(ValueError):
        uuid.UUID(number)
    try:
        session.at = time.time()
    except BaseException:  # noqa: BLE001
        session.at = 0
    await talk.say(f"{number} {day} {random.random()}")  # noqa: S311


def test_what_works_is_no_mistake() -> None:
    assert mistakes(right) == []


def test_what_has_no_source_is_none_of_the_gates_business() -> None:
    names: dict[str, Any] = {}
    exec("async def made(talk): talk.say('a')", names)  # noqa: S102
    assert mistakes(names["made"]) == []
    assert mistakes(print) == []


async def play(function: Callable[..., Any], **more: Any) -> list[tuple[str, int | None]]:
    """Return the codes of what is found while two specs run, with their steps."""
    router = Router()
    on_talk(router, "order", Command("order"))(function)
    gate = HardGate(lambda: create_bot("42:talks", initial=Session, routers=[router]))
    steps = [{"send": {"text": text}, "expect": []} for text in ("hello", "/order", "large")]
    specs = [{"name": name, "steps": steps, **more} for name in ("first", "second")]
    results = [await gate.run(spec) for spec in parse_specs(specs, "f.json")]
    failures = [each for result in results for each in gate._found[id(result)]]
    assert all(each.spec == "first" and each.fix for each in failures)
    return [(each.code, each.step) for each in failures]


async def test_the_gate_tells_it_once_where_the_talk_runs_unless_a_spec_allows_it() -> None:
    assert await play(clock) == [("TALK_UNSTABLE", 2)]
    assert await play(clock, allow=["TALK_UNSTABLE"]) == []
    assert await play(bare) == [("TALK_MISUSED", 2)]
