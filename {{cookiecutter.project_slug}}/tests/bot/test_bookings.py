"""The shop's rules and its bookings, without Telegram."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from bot import bookings
from bot.app import make_bot
from bot.bookings import (
    BOOKABLE_DAYS,
    SERVICES,
    TIME_ZONE,
    BookingBook,
    Service,
    SlotRefused,
    find_service,
    format_when,
    starts_on,
)
from bot.settings import Settings
from toolkit import MemorySessionStorage

ANN, BOB = 11, 22
MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=TIME_ZONE)  # what the clock says
HAIRCUT, SHAVE = SERVICES["Haircut"], SERVICES["Shave"]
TUESDAY_2PM = datetime(2026, 11, 24, 14, tzinfo=TIME_ZONE)


@pytest.fixture
def book(storage: MemorySessionStorage, clock: SimpleNamespace) -> BookingBook:
    return BookingBook(storage, now=lambda: clock.time)


async def test_a_booked_slot_is_listed_for_its_owner_alone_and_is_no_longer_free(
    book: BookingBook,
) -> None:
    booking = await book.book(ANN, HAIRCUT, TUESDAY_2PM)
    assert str(booking) == "Haircut on Tue 24 Nov at 14:00"
    assert await book.upcoming(ANN) == [booking]
    assert await book.upcoming(BOB) == []
    for service in SERVICES.values():
        assert TUESDAY_2PM not in (await book.free(service))[TUESDAY_2PM.date()]


async def test_bots_that_share_a_store_have_bookings_of_their_own(
    storage: MemorySessionStorage, clock: SimpleNamespace
) -> None:
    for bot_id in (1001, 1002):
        settings = Settings(bot_token=SecretStr(f"{bot_id}:token"))
        app = make_bot(settings, storage=storage, now=lambda: clock.time)
        booking = await app["bookings"].book(ANN, HAIRCUT, TUESDAY_2PM)
        assert await app["bookings"].upcoming(ANN) == [booking]
        await app["bookings"].book(BOB, SHAVE, TUESDAY_2PM + bookings.SLOT)


async def test_of_many_who_want_one_slot_at_once_exactly_one_gets_it(book: BookingBook) -> None:
    answers = await asyncio.gather(
        *(book.book(owner, HAIRCUT, TUESDAY_2PM) for owner in range(20)), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, SlotRefused)]
    assert len(refusals) == 19
    assert {str(refusal) for refusal in refusals} == {"Sorry, Tue 24 Nov at 14:00 was just taken."}


async def test_a_claim_that_is_repeated_is_granted_and_stays_one_booking(book: BookingBook) -> None:
    first = await book.book(ANN, HAIRCUT, TUESDAY_2PM)
    assert await book.book(ANN, HAIRCUT, TUESDAY_2PM) == first
    assert await book.upcoming(ANN) == [first]


async def test_nobody_can_be_at_two_visits_at_once(book: BookingBook) -> None:
    await book.book(ANN, HAIRCUT, TUESDAY_2PM)
    with pytest.raises(SlotRefused, match="You have booked Haircut on Tue 24 Nov at 14:00 already"):
        await book.book(ANN, SHAVE, TUESDAY_2PM)


async def test_cancelling_frees_the_slot_for_others(book: BookingBook) -> None:
    await book.cancel(await book.book(ANN, HAIRCUT, TUESDAY_2PM))
    assert await book.upcoming(ANN) == []
    assert await book.find(ANN, TUESDAY_2PM) is None
    await book.book(BOB, SHAVE, TUESDAY_2PM)


async def test_only_the_owner_finds_a_visit(book: BookingBook) -> None:
    await book.book(ANN, HAIRCUT, TUESDAY_2PM)
    assert await book.find(BOB, TUESDAY_2PM) is None


async def test_a_visit_that_has_begun_is_no_longer_listed(
    book: BookingBook, clock: SimpleNamespace
) -> None:
    await book.book(ANN, HAIRCUT, TUESDAY_2PM)
    clock.time = TUESDAY_2PM
    assert await book.upcoming(ANN) == []


async def test_the_record_of_a_visit_expires_when_the_visit_ends(clock: SimpleNamespace) -> None:
    asked: dict[str, float | None] = {}

    class Noting(MemorySessionStorage):
        async def add(
            self, key: str, value: dict[str, object], *, expires_in: float | None = None
        ) -> bool:
            asked[key] = expires_in
            return await super().add(key, value, expires_in=expires_in)

    await BookingBook(Noting(), now=lambda: clock.time).book(ANN, HAIRCUT, TUESDAY_2PM)
    ends = TUESDAY_2PM + HAIRCUT.duration
    assert asked == {"slot:2026-11-24T13:00+00:00": (ends - MONDAY).total_seconds()}


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (MONDAY.replace(hour=10, minute=0), "Mon 23 Nov at 10:00 has passed."),
        (MONDAY - timedelta(days=1), "Sun 22 Nov has passed."),
        (TUESDAY_2PM.replace(hour=8), "We are open every day from 09:00 to 18:00."),
        (TUESDAY_2PM.replace(hour=18), "We are open every day from 09:00 to 18:00."),
        (TUESDAY_2PM.replace(minute=30), "Visits start at 09:00, 10:00, 11:00"),
        (TUESDAY_2PM + timedelta(days=40), "Bookings are open until Tue 22 Dec."),
        (datetime.max.replace(tzinfo=TIME_ZONE), "Bookings are open until Tue 22 Dec."),
        (datetime.min.replace(tzinfo=TIME_ZONE), "has passed."),
    ],
)
async def test_a_time_that_cannot_be_is_refused_with_its_reason(
    book: BookingBook, start: datetime, reason: str
) -> None:
    with pytest.raises(SlotRefused) as refusal:
        await book.book(ANN, HAIRCUT, start)
    assert reason in str(refusal.value)
    assert await book.upcoming(ANN) == []


async def test_free_slots_begin_after_now_and_end_with_the_last_bookable_day(
    book: BookingBook,
) -> None:
    free = await book.free(HAIRCUT)
    assert free[MONDAY.date()][0] == MONDAY.replace(hour=11, minute=0)
    assert max(free) == MONDAY.date() + timedelta(days=BOOKABLE_DAYS - 1)
    assert len(free[TUESDAY_2PM.date()]) == 9


async def test_days_without_a_free_slot_are_left_out(
    book: BookingBook, clock: SimpleNamespace
) -> None:
    clock.time = MONDAY.replace(hour=17, minute=30)
    assert MONDAY.date() not in await book.free(HAIRCUT)


def test_a_visit_ends_by_closing_time() -> None:
    for service in SERVICES.values():
        *_, last = starts_on(MONDAY.date(), service)
        assert last + service.duration <= last.replace(hour=18, minute=0)


def test_a_service_that_would_run_into_the_next_visit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Colouring takes 2:00:00, but a slot is 1:00:00"):
        Service("Colouring", timedelta(hours=2))


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_a_shop_open_around_the_clock_has_every_hour_that_exists(
    monkeypatch: pytest.MonkeyPatch, day: date, count: int
) -> None:
    monkeypatch.setattr(bookings, "OPENS", datetime.min.time())
    monkeypatch.setattr(bookings, "CLOSES", datetime.max.time())
    # Closing at 23:59 leaves no room for a whole last hour, so the shortest service is asked for.
    starts = [start.astimezone(UTC) for start in starts_on(day, SHAVE)]
    assert len(starts) == len(set(starts)) == count


async def test_a_time_that_the_clocks_skip_is_refused(
    book: BookingBook, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookings, "OPENS", datetime.min.time())
    clock.time = datetime(2026, 3, 28, 12, tzinfo=TIME_ZONE)
    with pytest.raises(SlotRefused, match="Visits start at 00:00, 01:00, 03:00"):
        await book.book(ANN, HAIRCUT, datetime(2026, 3, 29, 2, tzinfo=TIME_ZONE))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Haircut", "Haircut"),
        ("haircut", "Haircut"),
        ("a HAIRCUT please 💈", "Haircut"),
        ("haircut and shave", "Haircut and shave"),
        ("shave", "Shave"),
    ],
)
def test_a_service_is_found_in_what_people_type(text: str, name: str) -> None:
    assert find_service(text) == SERVICES[name]


@pytest.mark.parametrize("text", ["", "💈", "hair", "manicure", "x" * 4096])
def test_what_names_no_service_finds_none(text: str) -> None:
    assert find_service(text) is None


def test_days_and_moments_are_said_in_the_shops_time_zone() -> None:
    assert format_when(date(2026, 11, 4)) == "Wed 4 Nov"
    in_new_york = datetime(2026, 11, 24, 8, tzinfo=ZoneInfo("America/New_York"))
    assert format_when(in_new_york.astimezone(TIME_ZONE)) == "Tue 24 Nov at 14:00"
