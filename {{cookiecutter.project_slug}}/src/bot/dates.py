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
from typing import Any

from bot.shop import Shop
from bot.texts import Texts

MAX_LENGTH = 60  # characters; a day and a time need no more
SETTINGS = {"DATE_ORDER": "DMY", "PREFER_DATES_FROM": "future", "RETURN_TIME_AS_PERIOD": True}


def expect_a_date(now: datetime) -> None:
    """Begin to import what reads dates, as somebody may soon type one."""
    if "dateparser.date" not in sys.modules:
        # A daemon, as nothing is lost with it when the process ends.
        Thread(target=_parse, args=("tomorrow", now, ["en"]), daemon=True).start()


def mentions(text: str, words: str) -> bool:
    """Tell whether one of the words, which are listed with commas, is in the text."""
    return re.search(rf"(?i)\b({_any_of(words)})\b", text) is not None


async def read_when(text: str, now: datetime, shop: Shop, texts: Texts) -> datetime | date | None:
    """Read `text` as typed at `now`: a moment in the shop's time zone, a day, or None for neither.

    Without a year the next such day is meant, today included. A bare hour before the shop opens is
    in the afternoon: `at 2` is 14:00. It is read in the language of `texts`, and in English.
    """
    text = " ".join(text.split())
    if len(text) > MAX_LENGTH or text.isdecimal():
        return None
    base = now.astimezone(shop.time_zone)
    text = _with_minutes(text, shop.first_hour, texts)
    spoken = [texts.language, *({"en"} - {texts.language})]
    read = await asyncio.to_thread(_parse, text, base, spoken)
    found = read.date_obj
    if found is None or found.tzinfo is not None:
        return None
    # dateparser takes today's date, once the day has begun, for that of next year.
    if (found.month, found.day) == (base.month, base.day) and str(found.year) not in text:
        found = found.replace(year=base.year)
    if read.period == "time":
        return datetime.combine(found.date(), found.time(), shop.time_zone)
    return found.date() if read.period in ("day", "part_of_day") else None


def _parse(text: str, base: datetime, languages: list[str]) -> Any:
    from dateparser.date import DateDataParser

    settings = {**SETTINGS, "RELATIVE_BASE": base.replace(tzinfo=None)}
    return DateDataParser(languages=languages, settings=settings).get_date_data(text)


def _with_minutes(text: str, first_hour: int, texts: Texts) -> str:
    """Write out a bare hour: one after the word "at", or at the end after the name of a day."""

    def written_out(match: re.Match[str]) -> str:
        before, hour = match[1] or match[3], int(match[2] or match[4])
        return f"{before} {hour if hour >= min(first_hour, 12) else hour + 12}:00"

    after_at = rf"(\b(?:{_any_of(texts.at_words())})) (\d{{1,2}})(?![\d:.h]| *[ap]\.?m)"
    after_day = rf"({_any_of(texts.day_words())}) (\d{{1,2}})$"
    return re.sub(rf"(?i){after_at}|{after_day}", written_out, text)


def _any_of(words: str) -> str:
    return "|".join(re.escape(word.strip()) for word in words.split(","))
