"""Booking a visit: typed, tapped, and everything that can go wrong on the way."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiogram.exceptions import TelegramBadRequest

from bot.languages import texts_in
from bot.shop import Booking, Shop
from bot.texts import Texts
from toolkit import MemorySessionStorage
from toolkit.harness import ApiError, Fault, MakeBot, Person, RunningBot

TIMES = ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00", "16:00", "17:00"]
TEXTS = texts_in("en")
ANOTHER_DAY = TEXTS.another_day()
BOOK = f"I want to {TEXTS.booking_words().partition(',')[0]}"
LATE = f"{TEXTS.away_too_long(n=30)}\n\n{TEXTS.what_service()}"


def day(number: int, texts: Texts = TEXTS) -> str:
    return texts.say(date(2026, 11, number))


def moment(number: int, hour: int) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=ZoneInfo("Europe/Berlin"))


def booked(service: str, number: int, hour: int) -> str:
    return TEXTS.booked(visit=Booking(1, service, moment(number, hour), 45))


async def choose_haircut(person: Person) -> None:
    await person.say("/book")
    await person.tap("Haircut")


async def starts(storage: MemorySessionStorage) -> list[str]:
    records = [await storage.read(key) async for key in storage.read_all_keys("day:")]
    return [visit["start"] for record in records for visit in (record or {})["visits"]]


async def test_a_visit_is_booked_by_typing(person: Person) -> None:
    await person.say(BOOK)
    assert person.news == [TEXTS.what_service()]
    assert person.buttons == ["Haircut", "Shave", "Haircut and shave"]
    await person.say("haircut")
    assert person.news == [TEXTS.what_day()]
    await person.say("Tomorrow 2pm")
    assert person.sees(booked("Haircut", 24, 14))


async def test_a_visit_is_booked_by_tapping_and_one_message_changes_in_place(
    person: Person,
) -> None:
    await person.say("/book")
    for label in ("Shave", day(24), ANOTHER_DAY, day(25), "09:00"):
        await person.tap(label)
    assert person.sees(booked("Shave", 25, 9))
    assert len(person.messages) == 2
    assert person.buttons == []


async def test_typing_and_tapping_mix(person: Person) -> None:
    await person.say("/book")
    await person.say("Shave")
    await person.tap(TEXTS.change_service())
    await person.tap("Haircut")
    await person.say("tomorrow")
    assert person.buttons == [*TIMES, ANOTHER_DAY]
    await person.tap("17:00")
    assert person.sees(booked("Haircut", 24, 17))


async def test_wishing_a_service_right_away_skips_the_question(person: Person) -> None:
    await person.say(f"{BOOK} a shave?")
    assert person.news == [TEXTS.what_day()]


async def test_past_hours_are_not_offered(person: Person) -> None:
    await choose_haircut(person)
    await person.tap(day(23))
    assert person.buttons == [*TIMES[2:], ANOTHER_DAY]


async def test_a_taken_slot_is_neither_offered_nor_accepted(
    person: Person, another_person: Person
) -> None:
    await choose_haircut(person)
    await person.say("Tomorrow 2pm")
    await choose_haircut(another_person)
    await another_person.say("Tomorrow 2pm")
    taken = TEXTS.just_taken(when=moment(24, 14))
    assert another_person.sees(f"{taken}\n\n{TEXTS.what_time(day=date(2026, 11, 24))}")
    assert another_person.buttons == [t for t in TIMES if t != "14:00"] + [ANOTHER_DAY]
    await another_person.tap("15:00")
    assert another_person.sees(booked("Haircut", 24, 15))


@pytest.mark.parametrize("act", ["tap", "say"])
async def test_of_two_who_want_a_slot_at_once_one_gets_it_and_one_sees_what_is_free(
    person: Person, another_person: Person, storage: MemorySessionStorage, act: str
) -> None:
    people = (person, another_person)
    for each in people:
        await choose_haircut(each)
        await each.tap(day(24))
    text = "14:00" if act == "tap" else "Tomorrow 2pm"
    await asyncio.gather(*(getattr(each, act)(text) for each in people))
    [winner] = (each for each in people if booked("Haircut", 24, 14) in each.news[0])
    [loser] = (each for each in people if each is not winner)
    assert loser.sees(TEXTS.just_taken(when=moment(24, 14)))
    assert loser.buttons == [t for t in TIMES if t != "14:00"] + [ANOTHER_DAY]
    assert await starts(storage) == ["2026-11-24T13:00+00:00"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yesterday", TEXTS.has_passed(when=date(2026, 11, 22))),
        ("today 10:00", TEXTS.has_passed(when=moment(23, 10))),
        ("tomorrow 8am", TEXTS.open_every_day(opens="09:00", closes="18:00")),
        ("tomorrow 18:00", TEXTS.open_every_day(opens="09:00", closes="18:00")),
        ("tomorrow 2:30pm", TEXTS.visits_start_at(times=", ".join(TIMES))),
        ("24 Dec 2026 10:00", TEXTS.bookable_until(day=date(2026, 12, 22))),
        ("31 Feb", TEXTS.unreadable()),
        ("💈", TEXTS.unreadable()),
        ("x" * 4096, TEXTS.unreadable()),
        ("<b>&", TEXTS.unreadable()),
        ("tomorrow", TEXTS.what_time(day=date(2026, 11, 24))),
    ],
)
async def test_a_time_that_cannot_be_is_answered_with_why_and_with_what_is_free(
    person: Person, storage: MemorySessionStorage, text: str, answer: str
) -> None:
    await choose_haircut(person)
    await person.say(text)
    assert person.sees(answer)
    assert len(person.buttons) > 5
    assert await starts(storage) == []


async def test_a_bare_hour_is_the_next_such_hour(person: Person) -> None:
    await choose_haircut(person)
    await person.say("10am")
    assert person.sees(booked("Haircut", 24, 10))


async def test_a_full_day_is_said_to_be_full(
    person: Person, another_person: Person, running_bot: RunningBot
) -> None:
    await running_bot.advance("6h")
    await choose_haircut(person)
    await person.say("5pm")
    await choose_haircut(another_person)
    await another_person.say("today")
    assert another_person.sees(TEXTS.nothing_free(day=date(2026, 11, 23)))
    assert day(23) not in another_person.buttons


@pytest.mark.parametrize("text", ["manicure", "💈", "<i>", "x" * 4096])
async def test_an_unknown_service_asks_again(person: Person, text: str) -> None:
    await person.say("/book")
    await person.say(text)
    assert person.news == [f"{TEXTS.not_offered()}\n\n{TEXTS.what_service()}"]


async def test_what_is_not_text_asks_again(person: Person) -> None:
    sticker = {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1}
    sticker |= {"is_animated": False, "is_video": False}
    await person.say("/book")
    await person.send(sticker=sticker)
    assert person.news == [f"{TEXTS.not_offered()}\n\n{TEXTS.what_service()}"]
    await person.tap("Haircut")
    await person.send(sticker=sticker)
    assert person.sees(TEXTS.unreadable())


async def test_a_double_tap_books_once(
    person: Person, running_bot: RunningBot, storage: MemorySessionStorage
) -> None:
    await choose_haircut(person)
    await person.tap(day(24))
    menu = person.messages[-1]["message_id"]
    data = person.messages[-1]["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    first, second = (running_bot.telegram.tap(person.id, menu, data) for _ in range(2))
    await running_bot.deliver(first)
    await running_bot.deliver(second)
    assert running_bot.unanswered(second) is None
    assert await starts(storage) == ["2026-11-24T08:00+00:00"]
    await person.say("/bookings")
    assert person.sees(TEXTS.say(Booking(1, "Haircut", moment(24, 9), 45)))


@pytest.mark.parametrize("way", ["say", "tap"])
async def test_a_crash_after_the_claim_ends_in_one_booking_when_the_update_comes_again(
    person: Person, running_bot: RunningBot, storage: MemorySessionStorage, way: str
) -> None:
    await choose_haircut(person)
    await person.tap(day(24))
    telegram = running_bot.telegram
    if way == "say":
        update = telegram.send_text(person.id, "tomorrow 9am")
    else:
        update = telegram.tap(person.id, label="09:00")
    method = "sendMessage" if way == "say" else "editMessageText"
    telegram.faults.add(Fault(method, error=ApiError(400, "Bad Request: the crash")))
    with pytest.raises(TelegramBadRequest, match="the crash"):
        await running_bot.deliver(update)
    assert await starts(storage) == ["2026-11-24T08:00+00:00"]
    await running_bot.deliver(update)
    assert person.sees(booked("Haircut", 24, 9))
    assert await starts(storage) == ["2026-11-24T08:00+00:00"]


async def test_half_an_hour_of_silence_starts_again(
    person: Person, running_bot: RunningBot
) -> None:
    await choose_haircut(person)
    await running_bot.advance("30m1s")
    await person.say("Tomorrow 2pm")
    assert person.news == [LATE]
    await person.tap("Haircut")
    await running_bot.advance("31m")
    await person.tap(day(24))
    assert person.news == [LATE]
    assert person.buttons == ["Haircut", "Shave", "Haircut and shave"]


async def test_half_an_hour_exactly_is_still_in_time(
    person: Person, running_bot: RunningBot
) -> None:
    await choose_haircut(person)
    await running_bot.advance("30m")
    await person.say("Tomorrow 2pm")
    assert person.sees(booked("Haircut", 24, 14))


async def test_the_dialogue_goes_on_after_a_restart(person: Person, make_bot: MakeBot) -> None:
    await person.say("/book")
    await person.say("Haircut")
    async with RunningBot(make_bot, first_update_id=1000) as restarted:
        same_person = Person(restarted, person.id, person.name)
        await same_person.say("Tomorrow 2pm")
        assert same_person.sees(booked("Haircut", 24, 14))


async def test_a_button_of_an_earlier_question_is_answered_and_changes_nothing(
    person: Person,
) -> None:
    await person.say("/book")
    await person.say("Haircut")
    await person.tap("Shave")
    assert person.news == [TEXTS.old_button()]
    await person.say("Tomorrow 2pm")
    assert person.sees(booked("Haircut", 24, 14))


async def test_people_in_a_group_book_side_by_side(
    person: Person, another_person: Person, group: dict[str, Any]
) -> None:
    ann, ben = person.at(group), another_person.at(group)
    await ann.say("/book")
    await ben.tap("Shave")
    assert ben.news == [TEXTS.old_button()]
    await ann.tap("Haircut")
    await ben.say("Tomorrow 2pm")
    assert ben.news == []
    await ann.say("Tomorrow 2pm")
    assert ann.news == []
    await ann.say("Tomorrow 2pm", reply_to=ann.messages[1]["message_id"])
    assert ann.sees(booked("Haircut", 24, 14))
    await another_person.say("/bookings")
    assert another_person.sees(TEXTS.no_visits())
    await person.say("/bookings")
    assert person.sees(TEXTS.say(Booking(1, "Haircut", moment(24, 14), 45)))


async def test_a_service_that_is_no_longer_offered_is_asked_for_again(
    person: Person, running_bot: RunningBot, shop: Shop
) -> None:
    await choose_haircut(person)
    others = tuple(each for each in shop.services if each.name != "Haircut")
    running_bot.app["bookings"].shop = shop.model_copy(update={"services": others})
    await person.say("Tomorrow 2pm")
    assert person.news == [f"{TEXTS.not_offered()}\n\n{TEXTS.what_service()}"]
    assert person.buttons == [each.name for each in others]
    await person.say("shave")
    assert person.news == [TEXTS.what_day()]
