"""Asking how a visit was; the dialogue itself is in `tests/specs/feedback.json`."""

from __future__ import annotations

from typing import Any

import pytest

from bot.languages import texts_in
from bot.settings import Settings
from toolkit.harness import Person, RunningBot

TEXTS = texts_in("en")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Zoe is an admin."""
    return settings.model_copy(update={"admin_ids": frozenset({9})})


@pytest.fixture
async def admin(running_bot: RunningBot) -> Person:
    """Zoe, who has written to the bot."""
    zoe = Person(running_bot, 9, "Zoe")
    await zoe.say("/start")
    return zoe


async def book(person: Person) -> None:
    await person.say("/book")
    await person.tap("Haircut")
    await person.tap(person.buttons[0])
    await person.tap("14:00")


async def test_a_visit_that_the_shop_has_cancelled_is_not_asked_about(
    person: Person, admin: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await admin.say("/today")
    await admin.tap(TEXTS.cancel_one_of(time="14:00", name="Ann"))
    await admin.tap(TEXTS.cancel_yes())
    assert await running_bot.advance("3d") == []


async def test_an_anonymous_admin_of_a_group_is_not_asked(
    person: Person, running_bot: RunningBot, group: dict[str, Any]
) -> None:
    running_bot.telegram.hide(person.id, group["id"])
    await book(person.at(group))
    assert len(await running_bot.advance("3h")) == 1
    assert await running_bot.advance("3d") == []


async def test_a_visit_that_is_booked_again_elsewhere_is_asked_about_once_and_in_private(
    person: Person, running_bot: RunningBot, group: dict[str, Any]
) -> None:
    ann = person.at(group)
    await book(ann)
    await ann.say("/bookings")
    await ann.tap(ann.buttons[0])
    await ann.tap(TEXTS.cancel_yes())
    await book(person)
    await running_bot.advance("3h")
    (asked,) = await running_bot.advance("3d")
    assert asked.payload["chat_id"] == person.id
    assert asked.payload["text"] == TEXTS.how_was_it()


async def test_who_talks_about_something_else_for_a_day_is_not_asked(
    person: Person, admin: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await running_bot.advance("3h")
    await person.say("/book")
    assert await running_bot.advance("1d4h15m") == []
    await person.say("/cancel")
    assert await running_bot.advance("3d") == []


async def test_however_long_the_words_are_the_admins_see_them_in_one_message(
    person: Person, admin: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await running_bot.advance("7h")
    await person.tap("1 ★")
    await person.say("💇" * 2048)
    assert person.sees(TEXTS.thanks())
    assert admin.messages[-1]["text"].count("💇") == 1500
