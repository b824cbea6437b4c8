"""Greeting, help, /cancel, and messages that no other feature understands."""

from __future__ import annotations

from typing import Any

import pytest

from bot.features.start import COMMANDS
from toolkit.harness import Person, RunningBot


async def test_start_greets_by_name_and_lists_every_command(person: Person) -> None:
    await person.say("/start")
    assert person.sees("Hello Ann!")
    for command, description in COMMANDS.items():
        assert person.sees(f"/{command}: {description}")


async def test_a_name_that_looks_like_html_is_shown_as_it_is(running_bot: RunningBot) -> None:
    mallory = Person(running_bot, 3, "<b>Mallory & </i>")
    await mallory.say("/start")
    assert mallory.sees("Hello <b>Mallory & </i>!")


async def test_help_lists_the_commands_and_the_opening_hours(person: Person) -> None:
    await person.say("/help")
    assert person.sees("/book: Book a visit")
    assert person.sees("We are open every day from 09:00 to 18:00.")


@pytest.mark.parametrize("steps", [["/book"], ["/book", "Haircut"], ["/book", "Shave", "tomorrow"]])
async def test_cancel_stops_the_dialogue_at_every_step(person: Person, steps: list[str]) -> None:
    for text in steps:
        await person.say(text)
    await person.say("/cancel")
    assert person.news == ["Stopped; nothing was booked. /book starts again."]
    await person.say("Tomorrow 2pm")
    assert person.sees("I did not understand that.")
    await person.tap(person.buttons[0])
    assert person.news == ["That button is out of date. Send /book or /bookings."]


async def test_cancel_with_nothing_to_stop_points_to_the_visits(person: Person) -> None:
    await person.say("/cancel")
    assert person.news == ["Nothing is being booked. /bookings shows and cancels your visits."]


@pytest.mark.parametrize("text", ["good morning", "💈", "/unknown", "x" * 4096])
async def test_what_nobody_understands_is_answered_with_the_commands(
    person: Person, text: str
) -> None:
    await person.say(text)
    assert person.sees("I did not understand that.")
    assert person.sees("/book: Book a visit")


async def test_the_bot_stays_out_of_the_talk_of_a_group(
    person: Person, group: dict[str, Any]
) -> None:
    await person.at(group).say("I read a good book")
    assert person.at(group).messages[-1]["text"] == "I read a good book"
