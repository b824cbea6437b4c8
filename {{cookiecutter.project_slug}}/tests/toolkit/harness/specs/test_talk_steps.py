"""`talk` in the step of a spec: which talk is open after it, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from aiogram import Router
from aiogram.filters import Command

from toolkit import BotApp, Talk, create_bot, on_talk
from toolkit.harness.specs.runner import SpecResult, run_spec
from toolkit.harness.specs.spec import parse_specs

router = Router()


@dataclass
class Session:
    """Nothing is remembered."""


@on_talk(router, "order", Command("order"))
async def order(talk: Talk) -> None:
    """Ask for a size and a number."""
    size = await talk.ask("size", "Size?", choices={"Large": 3, "Small": 1})
    number = await talk.ask("number", "How many?", read=int)
    await talk.say(f"{size} x {number}")


def make_bot() -> BotApp[Session]:
    return create_bot("42:talks", initial=Session, routers=[router])


async def play(*talks: Any) -> SpecResult:
    """Order two large ones; `talks` are those after each step."""
    sends = [{"text": "/order"}, {"tap": "Large"}, {"text": "2"}]
    steps = [
        {"send": send, "expect": [], "talk": talk} for send, talk in zip(sends, talks, strict=False)
    ]
    (spec,) = parse_specs({"name": "an order", "steps": steps}, "f")
    return await run_spec(spec, make_bot)


async def test_the_open_talk_is_compared_as_a_subset_and_null_is_none() -> None:
    result = await play(
        {"name": "order", "waiting": "size", "answers": {}},
        {"waiting": {"$regex": "^numb"}, "answers": {"size": 3}},
        None,
    )
    assert result.ok, result.failure


@pytest.mark.parametrize(
    ("talks", "words"),
    [
        (
            [{"waiting": "number"}],
            "the talk after the step is not as expected:\n"
            '  talk.waiting: expected "number"\n'
            '                captured "size"',
        ),
        (
            [{}, {"name": "order", "answers": {"size": 1}}],
            "talk.answers.size: expected 1\n                     captured 3",
        ),
        (
            [{}, {"answers": {"number": 2}}],
            "talk.answers.number: expected 2\n                       captured nothing",
        ),
        (
            [None],
            "no talk should be open, but this one is: "
            '{"name": "order", "waiting": "size", "answers": {}}',
        ),
        ([{}, {}, {"name": "order"}], 'no talk is open; expected {"name": "order"}'),
    ],
)
async def test_another_talk_fails_the_step_and_says_how_it_is(talks: list[Any], words: str) -> None:
    result = await play(*talks)
    assert f"step {len(talks)} of {len(talks)} sent" in (result.failure or "")
    assert words in (result.failure or "")
