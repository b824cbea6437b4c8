"""Read days and times as people type them: `Tomorrow 2pm`, `23 Nov 14:00`, `monday at 9`.

dateparser, which does the reading, takes a second to import, and starting the bot does not need it.
It is imported, and works, in a thread: meanwhile other users are served.
"""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import date, datetime
from threading import Thread

from bot.bookings import OPENS, TIME_ZONE

MAX_LENGTH = 60  # characters; a day and a time need no more
BARE_HOUR = re.compile(
    r"(\bat) (\d{1,2})(?![\d:.]| *[ap]\.?m)|(day|\btomorrow) (\d{1,2})$", re.IGNORECASE
)
SETTINGS = {"DATE_ORDER": "DMY", "PREFER_DATES_FROM": "future", "RETURN_TIME_AS_PERIOD": True}


def expect_a_date(now: datetime) -> None:
    """Begin to import what reads dates, as somebody may soon type one."""
    if "dateparser.date" not in sys.modules:
        # A daemon, as nothing is lost with it when the process ends.
        Thread(target=_read, args=("tomorrow", now), daemon=True).start()


async def read_when(text: str, now: datetime) -> datetime | date | None:
    """Read `text` as typed at `now`: a moment in the shop's time zone, a day, or None for neither.

    Without a year the next such day is meant, today included. A bare hour before opening time is
    in the afternoon: `at 2` is 14:00.
    """
    text = " ".join(text.split())
    if len(text) > MAX_LENGTH or text.isdecimal():
        return None
    return await asyncio.to_thread(_read, text, now)


def _read(text: str, now: datetime) -> datetime | date | None:
    from dateparser.date import DateDataParser

    base = now.astimezone(TIME_ZONE).replace(tzinfo=None)
    parser = DateDataParser(languages=["en"], settings={**SETTINGS, "RELATIVE_BASE": base})
    read = parser.get_date_data(BARE_HOUR.sub(_with_minutes, text))
    found = read.date_obj
    if found is None or found.tzinfo is not None:
        return None
    # dateparser takes today's date, once the day has begun, for that of next year.
    if (found.month, found.day) == (base.month, base.day) and str(found.year) not in text:
        found = found.replace(year=base.year)
    if read.period == "time":
        return found.replace(tzinfo=TIME_ZONE)
    return found.date() if read.period in ("day", "part_of_day") else None


def _with_minutes(match: re.Match[str]) -> str:
    before, hour = match[1] or match[3], int(match[2] or match[4])
    return f"{before} {hour if hour >= OPENS.hour else hour + 12}:00"
