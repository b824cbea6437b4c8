"""The greeting, and messages that no other feature understands."""

from __future__ import annotations

from toolkit.harness import Person


async def test_a_name_that_looks_like_html_is_shown_as_it_is(person: Person) -> None:
    await person.say("/start")
    await person.say("<b>Mallory & </i>")
    assert person.sees("Nice to meet you, <b>Mallory & </i>.")
    await person.say("/start")
    assert person.sees("Hello <b>Mallory & </i>!")


async def test_what_nobody_understands_is_answered_with_the_commands(person: Person) -> None:
    await person.say("good morning")
    assert person.sees("I did not understand that.")
    assert person.sees("/help: Show what I can do")
