"""The phone number: asked for once, after the first visit, and never in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.features.phone import read_phone
from bot.languages import texts_in
from bot.shop import Booking
from toolkit.harness import MakeBot, Person, RunningBot

TEXTS = texts_in("en")
ASK = TEXTS.what_phone()
VISIT = Booking(1, "Haircut", datetime(2026, 11, 24, 14, tzinfo=ZoneInfo("Europe/Berlin")), 45)


@pytest.fixture
async def running_bot(make_bot: MakeBot, now: datetime) -> AsyncIterator[RunningBot]:
    """A bot that has asked nobody yet."""
    async with RunningBot(make_bot, now=now) as running:
        yield running


async def book(person: Person, when: str = "tomorrow 2pm") -> None:
    await person.say("/book")
    await person.tap("Haircut")
    await person.say(when)


async def phone_of(running: RunningBot) -> Any:
    return (await running.session() or {})["phone"]


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("030 1234567", "0301234567"),
        (" +49 (30) 123-45.67 ", "+49301234567"),
        ("123456", "123456"),
        ("1" * 15, "1" * 15),
        ("12345", None),
        ("1" * 16, None),
        ("49+30 1234567", None),
        ("call 030 1234567", None),
        ("٠٣٠١٢٣٤٥٦٧", None),
        ("/" * 4096, None),
        ("", None),
    ],
)
def test_a_number_is_read_without_what_stands_between_digits(text: str, phone: str | None) -> None:
    assert read_phone(text) == phone


async def test_a_tapped_time_is_followed_by_the_question_too(person: Person) -> None:
    await person.say("/book")
    for label in ("Shave", TEXTS.say(datetime(2026, 11, 25).date()), "09:00"):
        await person.tap(label)
    assert person.news[-1] == ASK
    assert person.buttons == [TEXTS.send_phone(), TEXTS.skip_phone()]


@pytest.mark.parametrize("answer", ["tap", "skip", "command", "ignore"])
async def test_whatever_the_answer_one_is_asked_once(person: Person, answer: str) -> None:
    await book(person)
    assert person.sees(ASK)
    if answer in ("tap", "skip"):
        await person.tap(TEXTS.send_phone() if answer == "tap" else TEXTS.skip_phone())
    elif answer == "command":
        await person.say("/help")
    await book(person, "tomorrow 3pm")
    assert ASK not in "".join(person.news)


async def test_the_button_that_stays_on_screen_is_still_good_later(
    person: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await person.say("/bookings")
    await person.contact("49301234567")
    assert person.news == [TEXTS.phone_kept(phone="+49301234567")]
    await person.say(TEXTS.skip_phone())
    assert person.news == [TEXTS.phone_skipped()]
    assert await phone_of(running_bot) == "+49301234567"


async def test_the_contact_of_somebody_else_is_refused(
    person: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await person.contact("+4930999", name="Ben")
    assert person.news == [TEXTS.not_your_phone()]
    await person.send(contact={"phone_number": "+4930", "first_name": "Ben", "user_id": 2})
    assert person.news == [TEXTS.not_your_phone()]
    assert await phone_of(running_bot) == ""


async def test_a_question_that_is_lost_costs_nothing_and_comes_after_the_next_visit(
    person: Person, running_bot: RunningBot
) -> None:
    faults = running_bot.telegram.faults
    faults.network_error("sendMessage", payload={"text": ASK})
    await book(person)
    assert person.sees(TEXTS.booked(visit=VISIT))
    assert ASK not in person.news
    await book(person, "tomorrow 3pm")
    assert person.sees(ASK)


async def test_what_is_not_text_asks_again(person: Person) -> None:
    await book(person)
    await person.photo()
    assert person.news == [TEXTS.no_phone()]


async def test_a_number_in_the_middle_of_a_dialogue_leaves_it_where_it_is(
    person: Person, running_bot: RunningBot
) -> None:
    await person.say("/book")
    await person.tap("Haircut")
    await person.contact("+49301234567")
    await person.say("tomorrow 2pm")
    assert person.sees(TEXTS.booked(visit=VISIT))
    assert ASK not in person.news
    assert await phone_of(running_bot) == "+49301234567"
