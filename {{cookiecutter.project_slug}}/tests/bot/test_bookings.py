"""The shop's rules and its bookings, without Telegram."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from time_machine import Traveller, travel

from bot.app import make_bot
from bot.bookings import KEPT, BookingBook, SlotRefused
from bot.languages import texts_in
from bot.session import Session
from bot.settings import Settings
from bot.shop import Service, Shop
from toolkit import MemorySessionStorage, Sessions

ANN, BOB = 11, 22
TEXTS = texts_in("en")


class World:
    """The shop of the tests, and moments in it: the clock says Monday, 23 November, 10:30."""

    def __init__(self, shop: Shop) -> None:
        self.haircut, self.shave, self.both = shop.services
        self.zone = shop.time_zone
        self.monday = self.at(23, 10, 30)
        self.tuesday_2pm = self.at(24, 14)

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 11, day, hour, minute, tzinfo=self.zone)


@pytest.fixture
def world(shop: Shop) -> World:
    return World(shop)


@pytest.fixture(autouse=True)
def clock(now: datetime) -> Iterator[Traveller]:
    """What moves the time, which stands still."""
    with travel(now, tick=False) as clock:
        yield clock


def book_of(storage: MemorySessionStorage, shop: Shop, **changes: Any) -> BookingBook:
    """The bookings of a shop that differs from the one of the tests."""
    changed = shop.model_copy(update=changes)
    return BookingBook(Sessions(storage, Session), changed)


@pytest.fixture
def book(storage: MemorySessionStorage, shop: Shop) -> BookingBook:
    return book_of(storage, shop)


async def test_a_booked_slot_is_listed_for_its_owner_alone_and_is_no_longer_free(
    book: BookingBook, world: World, shop: Shop
) -> None:
    visit = await book.book(ANN, world.haircut, world.tuesday_2pm)
    assert (visit.service, visit.start) == ("Haircut", world.tuesday_2pm)
    assert await book.upcoming(ANN) == [visit]
    assert await book.upcoming(BOB) == []
    for service in shop.services:
        assert world.tuesday_2pm not in (await book.free(service))[world.tuesday_2pm.date()]


async def test_bots_that_share_a_store_have_bookings_of_their_own(
    storage: MemorySessionStorage, settings: Settings, world: World
) -> None:
    for bot_id in (1001, 1002):
        own = Settings(bot_token=SecretStr(f"{bot_id}:token"), shop_file=settings.shop_file)
        app = make_bot(own, storage=storage)
        visit = await app["bookings"].book(ANN, world.haircut, world.tuesday_2pm)
        assert await app["bookings"].upcoming(ANN) == [visit]
        await app["bookings"].book(BOB, world.shave, world.at(24, 15))


async def test_of_many_who_want_one_slot_at_once_exactly_one_gets_it(
    book: BookingBook, world: World
) -> None:
    wanted = (book.book(owner, world.haircut, world.tuesday_2pm) for owner in range(20))
    answers = await asyncio.gather(*wanted, return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, SlotRefused)]
    assert len(refusals) == 19
    taken = TEXTS.just_taken(when=world.tuesday_2pm)
    assert {refusal.say(TEXTS) for refusal in refusals} == {taken}


async def test_a_claim_that_is_repeated_is_granted_and_stays_one_booking(
    book: BookingBook, world: World
) -> None:
    first = await book.book(ANN, world.haircut, world.tuesday_2pm)
    assert await book.book(ANN, world.haircut, world.tuesday_2pm) == first
    assert await book.upcoming(ANN) == [first]


async def test_nobody_can_be_at_two_visits_at_once(book: BookingBook, world: World) -> None:
    visit = await book.book(ANN, world.haircut, world.tuesday_2pm)
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, world.shave, world.tuesday_2pm)
    assert refusal.value.say(TEXTS) == TEXTS.booked_already(visit=visit)


async def test_cancelling_frees_the_slot_for_others(
    book: BookingBook, storage: MemorySessionStorage, world: World
) -> None:
    await book.cancel(await book.book(ANN, world.haircut, world.tuesday_2pm))
    assert [key async for key in storage.read_all_keys()] == []
    assert await book.upcoming(ANN) == []
    assert await book.find(ANN, world.tuesday_2pm) is None
    await book.book(BOB, world.shave, world.tuesday_2pm)


async def test_only_the_owner_finds_a_visit(book: BookingBook, world: World) -> None:
    await book.book(ANN, world.haircut, world.tuesday_2pm)
    assert await book.find(BOB, world.tuesday_2pm) is None


async def test_a_visit_that_has_begun_is_no_longer_listed(
    book: BookingBook, clock: Traveller, world: World
) -> None:
    await book.book(ANN, world.haircut, world.tuesday_2pm)
    clock.move_to(world.tuesday_2pm)
    assert await book.upcoming(ANN) == []
    assert await book.find(ANN, world.tuesday_2pm) is None


async def test_the_record_of_a_day_expires_a_day_after_its_last_visit(
    book: BookingBook, storage: MemorySessionStorage, world: World
) -> None:
    await book.book(ANN, world.haircut, world.tuesday_2pm)
    await book.book(BOB, world.shave, world.at(24, 9))
    entry = await storage.read_entry("day:2026-11-24")
    assert entry is not None
    assert entry.expires_in is not None
    whole = world.tuesday_2pm + world.haircut.duration + KEPT - world.monday
    assert timedelta(0) <= whole - timedelta(seconds=entry.expires_in) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "name", "fields"),
    [
        (23, 10, 0, "has_passed", {"when": datetime(2026, 11, 23, 10)}),
        (22, 10, 30, "has_passed", {"when": date(2026, 11, 22)}),
        (24, 8, 0, "open_every_day", {"opens": "09:00", "closes": "18:00"}),
        (24, 18, 0, "open_every_day", {"opens": "09:00", "closes": "18:00"}),
    ],
)
async def test_a_time_that_cannot_be_is_refused_with_its_reason(
    book: BookingBook,
    world: World,
    day: int,
    hour: int,
    minute: int,
    name: str,
    fields: dict[str, Any],
) -> None:
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, world.haircut, world.at(day, hour, minute))
    assert refusal.value.say(TEXTS) == getattr(TEXTS, name)(**fields)
    assert await book.upcoming(ANN) == []


async def test_a_start_between_two_others_is_refused_with_those_that_there_are(
    book: BookingBook, world: World
) -> None:
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, world.haircut, world.at(24, 14, 30))
    times = ", ".join(f"{hour:02}:00" for hour in range(9, 18))
    assert refusal.value.say(TEXTS) == TEXTS.visits_start_at(times=times)


@pytest.mark.parametrize("start", [datetime.max, datetime(2027, 1, 2)])
async def test_beyond_the_last_bookable_day_it_is_named(
    book: BookingBook, world: World, start: datetime
) -> None:
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, world.haircut, start.replace(tzinfo=world.zone))
    assert refusal.value.say(TEXTS) == TEXTS.bookable_until(day=date(2026, 12, 22))


async def test_free_slots_begin_after_now_and_end_with_the_last_bookable_day(
    book: BookingBook, world: World
) -> None:
    free = await book.free(world.haircut)
    assert free[world.monday.date()][0] == world.at(23, 11)
    assert max(free) == world.monday.date() + timedelta(days=book.shop.bookable_days - 1)
    assert len(free[world.tuesday_2pm.date()]) == 9


async def test_days_without_a_free_slot_are_left_out(
    book: BookingBook, clock: Traveller, world: World
) -> None:
    clock.move_to(world.at(23, 17, 30))
    assert world.monday.date() not in await book.free(world.haircut)


async def test_as_many_visits_at_once_as_there_are_chairs(
    storage: MemorySessionStorage, shop: Shop, world: World
) -> None:
    book = book_of(storage, shop, chairs=2)
    visits = [await book.book(owner, world.haircut, world.tuesday_2pm) for owner in (ANN, BOB)]
    assert {visit.chair for visit in visits} == {0, 1}
    with pytest.raises(SlotRefused):
        await book.book(33, world.shave, world.tuesday_2pm)
    await book.cancel(visits[0])
    assert (await book.book(33, world.shave, world.tuesday_2pm)).chair == visits[0].chair


async def test_a_long_visit_takes_every_start_that_it_overlaps(
    storage: MemorySessionStorage, shop: Shop, world: World
) -> None:
    colouring = Service(name="Colouring", minutes=150)
    book = book_of(storage, shop, services=(*shop.services, colouring), starts_every=30)
    await book.book(ANN, colouring, world.tuesday_2pm)
    free = (await book.free(world.both))[world.tuesday_2pm.date()]
    assert [start for start in free if 13 <= start.hour < 17] == [
        world.at(24, 13),
        world.at(24, 16, 30),
    ]
    with pytest.raises(SlotRefused) as refusal:
        await book.book(BOB, world.shave, world.at(24, 16))
    assert refusal.value.say(TEXTS) == TEXTS.just_taken(when=world.at(24, 16))


async def test_visits_stay_what_they_are_when_the_shop_changes(
    book: BookingBook,
    storage: MemorySessionStorage,
    shop: Shop,
    world: World,
) -> None:
    visit = await book.book(ANN, world.both, world.tuesday_2pm)
    finer = book_of(storage, shop, services=(world.shave,), starts_every=15)
    assert await finer.upcoming(ANN) == [visit]
    assert world.at(24, 14, 45) not in (await finer.free(world.shave))[visit.start.date()]


async def test_closed_days_are_neither_offered_nor_accepted(
    storage: MemorySessionStorage, shop: Shop, world: World
) -> None:
    closed = {"hours": {**shop.hours, "wednesday": ()}, "closed_on": {date(2026, 11, 24)}}
    book = book_of(storage, shop, **closed)
    free = await book.free(world.haircut)
    assert date(2026, 11, 24) not in free
    assert date(2026, 11, 25) not in free
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, world.haircut, world.tuesday_2pm)
    assert refusal.value.say(TEXTS) == TEXTS.closed_on(day=date(2026, 11, 24))
