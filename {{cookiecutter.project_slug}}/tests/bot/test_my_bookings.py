"""Listing visits and cancelling them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.features.my_bookings import cancel_button
from bot.languages import texts_in
from bot.shop import Booking
from toolkit.harness import Person, RunningBot

TEXTS = texts_in("en")


def visit(day: int, hour: int) -> Booking:
    start = datetime(2026, 11, day, hour, tzinfo=ZoneInfo("Europe/Berlin"))
    return Booking(1, "Haircut", start, 45)


def cancel(visit: Booking) -> str:
    return cancel_button(visit, TEXTS).text


TUESDAY, FRIDAY = visit(24, 14), visit(27, 9)
LIST = f"{TEXTS.your_visits()}\n• {TEXTS.say(TUESDAY)}"
EMPTY = TEXTS.no_visits()


async def book(person: Person, when: str = "Tomorrow 2pm") -> None:
    await person.say("/book")
    await person.say("Haircut")
    await person.say(when)


async def test_who_has_no_visits_reads_how_to_book_one(person: Person) -> None:
    await person.say("/bookings")
    assert person.news == [EMPTY]


async def test_one_sees_ones_own_visits_soonest_first(
    person: Person, another_person: Person
) -> None:
    await book(person, "friday 9am")
    await book(person)
    await book(another_person, "tomorrow 3pm")
    await person.say("/bookings")
    assert person.news == [f"{LIST}\n• {TEXTS.say(FRIDAY)}"]
    assert person.buttons == [cancel(TUESDAY), cancel(FRIDAY)]


async def test_cancelling_asks_first_and_frees_the_slot(
    person: Person, another_person: Person
) -> None:
    await book(person)
    await person.say("/bookings")
    screens = len(person.messages)
    await person.tap(cancel(TUESDAY))
    assert person.news == [TEXTS.cancel_really(visit=TUESDAY)]
    await person.tap(TEXTS.cancel_yes())
    assert person.news == [f"{TEXTS.cancelled(visit=TUESDAY)}\n\n{EMPTY}"]
    assert len(person.messages) == screens
    await book(another_person)
    assert another_person.sees(TEXTS.booked(visit=TUESDAY))


async def test_a_visit_can_be_kept_after_all(person: Person) -> None:
    await book(person)
    await person.say("/bookings")
    await person.tap(cancel(TUESDAY))
    await person.tap(TEXTS.cancel_no())
    assert person.news == [LIST]


async def test_cancelling_twice_says_that_the_visit_is_gone(
    person: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await person.say("/bookings")
    await person.tap(cancel(TUESDAY))
    twice = [running_bot.telegram.tap(person.id, label=TEXTS.cancel_yes()) for _ in range(2)]
    for update in twice:
        await running_bot.deliver(update)
        assert running_bot.unanswered(update) is None
    assert person.sees(f"{TEXTS.not_booked_any_more()}\n\n{EMPTY}")


async def test_a_visit_that_has_begun_can_no_longer_be_cancelled(
    person: Person, running_bot: RunningBot
) -> None:
    await book(person)
    await person.say("/bookings")
    await running_bot.advance("1d4h")
    await person.tap(cancel(TUESDAY))
    assert person.sees(TEXTS.not_booked_any_more())


async def test_only_the_owner_of_a_list_cancels_in_a_group(
    person: Person, another_person: Person, group: dict[str, Any]
) -> None:
    await book(person)
    ann, ben = person.at(group), another_person.at(group)
    await ann.say("/bookings")
    await ben.tap(cancel(TUESDAY))
    assert ben.news == [TEXTS.not_your_visits()]
    await ann.tap(cancel(TUESDAY))
    assert ann.sees(TEXTS.cancel_really(visit=TUESDAY))


async def test_a_long_list_is_cut_and_says_so(person: Person) -> None:
    for hour in range(9, 18):
        await book(person, f"tomorrow {hour}:00")
    for hour in range(9, 12):
        await book(person, f"friday {hour}:00")
    await person.say("/bookings")
    assert person.sees(TEXTS.and_more(n=2))
    assert len(person.buttons) == 10


async def test_a_button_of_a_message_that_is_out_of_reach_is_answered(
    person: Person, running_bot: RunningBot
) -> None:
    update = running_bot.telegram.tap(person.id, 999, "visits|1||0")
    await running_bot.deliver(update)
    assert running_bot.unanswered(update) is None
    assert person.news == [TEXTS.old_button()]


@pytest.mark.parametrize("texts", [["/book"], ["/book", "Haircut"]])
async def test_looking_at_ones_visits_leaves_the_dialogue_where_it_is(
    person: Person, running_bot: RunningBot, texts: list[str]
) -> None:
    for text in texts:
        await person.say(text)
    before = await running_bot.session()
    await person.say("/bookings")
    assert await running_bot.session() == before


async def test_an_anonymous_admin_of_a_group_books_and_cancels_by_buttons(
    running_bot: RunningBot, person: Person, group: dict[str, Any]
) -> None:
    admin = person.at(group)
    running_bot.telegram.hide(person.id, group["id"])
    await admin.say("/book")
    await admin.tap("Haircut")
    await admin.tap(TEXTS.say(TUESDAY.start.date()))
    await admin.tap("14:00")
    assert admin.sees(TEXTS.booked(visit=TUESDAY))

    await admin.say("/bookings")
    await admin.tap(admin.buttons[0])
    await admin.tap(TEXTS.cancel_yes())
    assert admin.sees(TEXTS.cancelled(visit=TUESDAY))
