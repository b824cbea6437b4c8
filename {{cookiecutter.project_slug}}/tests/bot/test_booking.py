"""Booking a visit: typed, tapped, and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest

from toolkit import MemorySessionStorage
from toolkit.harness import ApiError, Fault, MakeBot, Person, RunningBot

TIMES = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00", "17:00"]
LATE = "You were away for over 30 minutes, so let us start again.\n\nWhat service?"


async def choose_haircut(person: Person) -> None:
    await person.say("/book")
    await person.tap("Haircut")


async def slots(storage: MemorySessionStorage) -> list[str]:
    return [key async for key in storage.read_all_keys("slot:")]


async def test_a_visit_is_booked_by_typing(person: Person) -> None:
    await person.say("I want to book")
    assert person.news == ["What service?"]
    assert person.buttons == ["Haircut", "Shave", "Haircut and shave"]
    await person.say("haircut")
    assert person.news == ["When?"]
    await person.say("Tomorrow 2pm")
    assert person.sees("Booked! Haircut on Tue 24 Nov at 14:00.")


async def test_a_visit_is_booked_by_tapping_and_one_message_changes_in_place(
    person: Person,
) -> None:
    await person.say("/book")
    for label in ("Shave", "Tue 24 Nov", "Pick another day", "Wed 25 Nov", "09:00"):
        await person.tap(label)
    assert person.sees("Booked! Shave on Wed 25 Nov at 09:00.")
    assert len(person.messages) == 2
    assert person.buttons == []


async def test_typing_and_tapping_mix(person: Person) -> None:
    await person.say("/book")
    await person.say("Shave")
    await person.tap("Change service")
    await person.tap("Haircut")
    await person.say("tomorrow")
    assert person.buttons == [*TIMES, "Pick another day"]
    await person.tap("17:00")
    assert person.sees("Booked! Haircut on Tue 24 Nov at 17:00.")


async def test_wishing_a_service_right_away_skips_the_question(person: Person) -> None:
    await person.say("Can I book a shave?")
    assert person.news == ["When?"]


async def test_past_hours_are_not_offered(person: Person) -> None:
    await choose_haircut(person)
    await person.tap("Mon 23 Nov")
    assert person.buttons == [*TIMES[2:], "Pick another day"]


async def test_a_taken_slot_is_neither_offered_nor_accepted(
    person: Person, another_person: Person
) -> None:
    await choose_haircut(person)
    await person.say("Tomorrow 2pm")
    await choose_haircut(another_person)
    await another_person.say("Tomorrow 2pm")
    assert another_person.sees("Sorry, Tue 24 Nov at 14:00 was just taken.\n\nWhen on Tue 24 Nov?")
    assert another_person.buttons == [t for t in TIMES if t != "14:00"] + ["Pick another day"]
    await another_person.tap("15:00")
    assert another_person.sees("Booked! Haircut on Tue 24 Nov at 15:00.")


@pytest.mark.parametrize("act", ["tap", "say"])
async def test_of_two_who_want_a_slot_at_once_one_gets_it_and_one_sees_what_is_free(
    person: Person, another_person: Person, storage: MemorySessionStorage, act: str
) -> None:
    people = (person, another_person)
    for each in people:
        await choose_haircut(each)
        await each.tap("Tue 24 Nov")
    text = "14:00" if act == "tap" else "Tomorrow 2pm"
    await asyncio.gather(*(getattr(each, act)(text) for each in people))
    news = sorted(each.news[0] for each in people)
    assert news[0].startswith("Booked!")
    assert news[1].startswith("Sorry, Tue 24 Nov at 14:00 was just taken.")
    loser = next(each for each in people if each.news[0] == news[1])
    assert loser.buttons == [t for t in TIMES if t != "14:00"] + ["Pick another day"]
    assert await slots(storage) == ["slot:2026-11-24T13:00+00:00"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yesterday", "Sun 22 Nov has passed.\n\nWhen?"),
        ("today 10:00", "Mon 23 Nov at 10:00 has passed.\n\nWhen on Mon 23 Nov?"),
        ("tomorrow 8am", "We are open every day from 09:00 to 18:00.\n\nWhen on Tue 24 Nov?"),
        ("tomorrow 18:00", "We are open every day from 09:00 to 18:00.\n\nWhen on Tue 24 Nov?"),
        ("tomorrow 2:30pm", "Visits start at 09:00, 10:00, 11:00"),
        ("24 Dec 2026 10:00", "Bookings are open until Tue 22 Dec.\n\nWhen?"),
        ("31 Feb", "I cannot read that as a day and time."),
        ("💈", "I cannot read that as a day and time."),
        ("x" * 4096, "I cannot read that as a day and time."),
        ("<b>&", "I cannot read that as a day and time."),
        ("tomorrow", "When on Tue 24 Nov?"),
    ],
)
async def test_a_time_that_cannot_be_is_answered_with_why_and_with_what_is_free(
    person: Person, storage: MemorySessionStorage, text: str, answer: str
) -> None:
    await choose_haircut(person)
    await person.say(text)
    assert person.sees(answer)
    assert "When" in person.news[0]
    assert len(person.buttons) > 5
    assert await slots(storage) == []


async def test_a_bare_hour_is_the_next_such_hour(person: Person) -> None:
    await choose_haircut(person)
    await person.say("10am")
    assert person.sees("Booked! Haircut on Tue 24 Nov at 10:00.")


async def test_a_full_day_is_said_to_be_full(
    person: Person, another_person: Person, clock: SimpleNamespace
) -> None:
    clock.time = clock.time.replace(hour=16)
    await choose_haircut(person)
    await person.say("5pm")
    await choose_haircut(another_person)
    await another_person.say("today")
    assert another_person.sees("Nothing is free on Mon 23 Nov.\n\nWhen?")
    assert "Mon 23 Nov" not in another_person.buttons


@pytest.mark.parametrize("text", ["manicure", "💈", "<i>", "x" * 4096])
async def test_an_unknown_service_asks_again(person: Person, text: str) -> None:
    await person.say("/book")
    await person.say(text)
    assert person.news == ["We do not offer that.\n\nWhat service?"]


async def test_what_is_not_text_asks_again(person: Person) -> None:
    sticker = {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1}
    sticker |= {"is_animated": False, "is_video": False}
    await person.say("/book")
    await person.send(sticker=sticker)
    assert person.news == ["We do not offer that.\n\nWhat service?"]
    await person.tap("Haircut")
    await person.send(sticker=sticker)
    assert person.sees("I cannot read that as a day and time.")


async def test_a_double_tap_books_once(
    person: Person, running_bot: RunningBot, storage: MemorySessionStorage
) -> None:
    await choose_haircut(person)
    await person.tap("Tue 24 Nov")
    menu = person.messages[-1]["message_id"]
    data = person.messages[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    first, second = (running_bot.telegram.tap(person.id, menu, data) for _ in range(2))
    await running_bot.deliver(first)
    await running_bot.deliver(second)
    assert running_bot.unanswered(second) is None
    assert await slots(storage) == ["slot:2026-11-24T08:00+00:00"]
    await person.say("/bookings")
    assert person.sees("Haircut on Tue 24 Nov at 09:00")


@pytest.mark.parametrize("way", ["say", "tap"])
async def test_a_crash_after_the_claim_ends_in_one_booking_when_the_update_comes_again(
    person: Person, running_bot: RunningBot, storage: MemorySessionStorage, way: str
) -> None:
    await choose_haircut(person)
    await person.tap("Tue 24 Nov")
    telegram = running_bot.telegram
    if way == "say":
        update = telegram.send_text(person.id, "tomorrow 9am")
    else:
        update = telegram.tap(person.id, label="09:00")
    method = "sendMessage" if way == "say" else "editMessageText"
    telegram.faults.add(Fault(method, error=ApiError(400, "Bad Request: the crash")))
    with pytest.raises(TelegramBadRequest, match="the crash"):
        await running_bot.deliver(update)
    assert await slots(storage) == ["slot:2026-11-24T08:00+00:00"]
    await running_bot.deliver(update)
    assert person.sees("Booked! Haircut on Tue 24 Nov at 09:00.")
    assert await slots(storage) == ["slot:2026-11-24T08:00+00:00"]


async def test_half_an_hour_of_silence_starts_again(person: Person, clock: SimpleNamespace) -> None:
    await choose_haircut(person)
    clock.time += timedelta(minutes=30, seconds=1)
    await person.say("Tomorrow 2pm")
    assert person.news == [LATE]
    await person.tap("Haircut")
    clock.time += timedelta(minutes=31)
    await person.tap("Tue 24 Nov")
    assert person.news == [LATE]
    assert person.buttons == ["Haircut", "Shave", "Haircut and shave"]


async def test_half_an_hour_exactly_is_still_in_time(
    person: Person, clock: SimpleNamespace
) -> None:
    await choose_haircut(person)
    clock.time += timedelta(minutes=30)
    await person.say("Tomorrow 2pm")
    assert person.sees("Booked!")


async def test_the_dialogue_goes_on_after_a_restart(
    person: Person, make_bot: MakeBot, clock: SimpleNamespace
) -> None:
    await person.say("/book")
    await person.say("Haircut")
    async with RunningBot(make_bot, first_update_id=1000) as restarted:
        restarted.telegram.clock = lambda: clock.time.timestamp()
        same_person = Person(restarted, person.id, person.name)
        await same_person.say("Tomorrow 2pm")
        assert same_person.sees("Booked! Haircut on Tue 24 Nov at 14:00.")


async def test_a_button_of_an_earlier_question_is_answered_and_changes_nothing(
    person: Person,
) -> None:
    await person.say("/book")
    await person.say("Haircut")
    await person.tap("Shave")
    assert person.news == ["That button is out of date. Send /book or /bookings."]
    await person.say("Tomorrow 2pm")
    assert person.sees("Booked! Haircut")


async def test_people_in_a_group_book_side_by_side(
    person: Person, another_person: Person, group: dict[str, Any]
) -> None:
    ann, ben = person.at(group), another_person.at(group)
    await ann.say("/book")
    await ben.tap("Shave")
    assert ben.news == ["That button is out of date. Send /book or /bookings."]
    await ann.tap("Haircut")
    await ben.say("Tomorrow 2pm")
    assert ben.news == []
    await ann.say("Tomorrow 2pm")
    assert ann.news == []
    await ann.say("Tomorrow 2pm", reply_to=ann.messages[1]["message_id"])
    assert ann.sees("Booked! Haircut on Tue 24 Nov at 14:00.")
    await another_person.say("/bookings")
    assert another_person.sees("You have no visits booked.")
    await person.say("/bookings")
    assert person.sees("Haircut on Tue 24 Nov at 14:00")


async def test_labels_fit_on_a_button(person: Person) -> None:
    await choose_haircut(person)
    labels = [*person.buttons]
    await person.tap("Tue 24 Nov")
    assert max(map(len, [*labels, *person.buttons])) <= 24
