"""Greeting, help, /cancel, and messages that no other feature understands."""

from __future__ import annotations

from typing import Any

import pytest

from bot.languages import texts_in
from bot.shop import Shop
from toolkit.harness import Person, RunningBot

TEXTS = texts_in("en")


async def test_start_greets_by_name_and_lists_every_command(person: Person) -> None:
    await person.say("/start")
    assert person.sees(TEXTS.hello(name="Ann"))
    for command, description in TEXTS.commands().items():
        assert person.sees(f"/{command}: {description}")


async def test_a_name_that_looks_like_html_is_shown_as_it_is(running_bot: RunningBot) -> None:
    mallory = Person(running_bot, 3, "<b>Mallory & </i>")
    await mallory.say("/start")
    assert mallory.sees("<b>Mallory & </i>")


async def test_help_lists_the_commands_and_the_opening_hours(person: Person, shop: Shop) -> None:
    await person.say("/help")
    assert person.sees(TEXTS.help())
    assert person.sees(TEXTS.hours(shop))


@pytest.mark.parametrize("steps", [["/book"], ["/book", "Haircut"], ["/book", "Shave", "tomorrow"]])
async def test_cancel_stops_the_dialogue_at_every_step(person: Person, steps: list[str]) -> None:
    for text in steps:
        await person.say(text)
    await person.say("/cancel")
    assert person.news == [TEXTS.stopped()]
    await person.say("Tomorrow 2pm")
    assert person.sees(TEXTS.not_understood())
    await person.tap(person.buttons[0])
    assert person.news == [TEXTS.old_button()]


async def test_cancel_with_nothing_to_stop_points_to_the_visits(person: Person) -> None:
    await person.say("/cancel")
    assert person.news == [TEXTS.nothing_to_stop()]


@pytest.mark.parametrize("text", ["good morning", "💈", "/unknown", "x" * 4096])
async def test_what_nobody_understands_is_answered_with_the_commands(
    person: Person, text: str
) -> None:
    await person.say(text)
    assert person.sees(TEXTS.not_understood())
    assert person.sees(TEXTS.help())


async def test_the_bot_stays_out_of_the_talk_of_a_group(
    person: Person, group: dict[str, Any]
) -> None:
    said = f"I read a good {TEXTS.booking_words().partition(',')[0]}"
    await person.at(group).say(said)
    assert person.at(group).messages[-1]["text"] == said
