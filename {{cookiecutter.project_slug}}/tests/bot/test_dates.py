"""What people type for a day and a time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.dates import read_when
from bot.languages import texts_in
from bot.shop import Shop

TEXTS = texts_in("en")
ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=ZONE)


def november(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Tomorrow 2pm", november(24, 14)),
        ("TOMORROW, 2 PM", november(24, 14)),
        ("  tomorrow \n 2pm ", november(24, 14)),
        ("2:30pm tomorrow", november(24, 14, 30)),
        ("tomorrow at 2", november(24, 14)),
        ("tomorrow 2", november(24, 14)),
        ("at 9 tomorrow", november(24, 9)),
        ("tomorrow at noon", november(24, 12)),
        ("day after tomorrow 10:00", november(25, 10)),
        ("23 Nov 14:00", november(23, 14)),
        ("23 Nov 9:00", november(23, 9)),
        ("24/11 14:00", november(24, 14)),
        ("24.11. 14:00", november(24, 14)),
        ("2026-11-24 14:00", november(24, 14)),
        ("the 25th at 10", november(25, 10)),
        ("monday at 9", november(30, 9)),
        ("next monday 9am", november(30, 9)),
        ("friday 3 pm", november(27, 15)),
        ("monday 30 nov 9:00", november(30, 9)),
        ("2pm", november(23, 14)),
        ("9am", november(24, 9)),
        ("in 2 hours", november(23, 12, 30)),
        ("yesterday 2pm", november(22, 14)),
        ("23 Nov 2027 14:00", november(23, 14).replace(year=2027)),
    ],
)
async def test_a_moment_is_read(shop: Shop, text: str, meant: datetime) -> None:
    assert await read_when(text, MONDAY, shop, TEXTS) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("today", date(2026, 11, 23)),
        ("tomorrow", date(2026, 11, 24)),
        ("tomorrow morning", date(2026, 11, 24)),
        ("23 nov", date(2026, 11, 23)),
        ("friday", date(2026, 11, 27)),
        ("monday 30 nov", date(2026, 11, 30)),
        ("yesterday", date(2026, 11, 22)),
        ("3 feb", date(2027, 2, 3)),
        ("tomorrow 25:00", date(2026, 11, 24)),
    ],
)
async def test_a_day_alone_stays_a_day(shop: Shop, text: str, meant: date) -> None:
    when = await read_when(text, MONDAY, shop, TEXTS)
    assert when == meant
    assert not isinstance(when, datetime)


@pytest.mark.parametrize(
    "text",
    ["", "haircut", "31 Feb", "14", "99", "next week", "💈", "\x00", "2pm UTC", "tomorrow " * 20],
)
async def test_what_names_no_day_is_not_guessed_at(shop: Shop, text: str) -> None:
    assert await read_when(text, MONDAY, shop, TEXTS) is None


async def test_tomorrow_is_counted_from_the_shops_day_not_from_utc(shop: Shop) -> None:
    shortly_after_midnight = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert await read_when("tomorrow", shortly_after_midnight, shop, TEXTS) == date(2026, 11, 25)
