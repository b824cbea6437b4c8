"""When repeating timers are due: time zones, clocks that change, and no drift."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from toolkit.timers.rules import next_due, rule_of

BERLIN = ZoneInfo("Europe/Berlin")


def moments(every: str, begin: datetime, count: int) -> list[str]:
    """The next moments of a cron expression in Berlin, as its clocks show them."""
    rule, now, found = rule_of(every, "Europe/Berlin"), begin.timestamp(), []
    for _ in range(count):
        now = next_due(rule, now, now)
        found.append(f"{datetime.fromtimestamp(now, BERLIN):%m-%d %H:%M %z}")
    return found


def test_nine_o_clock_stays_nine_o_clock_when_the_clocks_change() -> None:
    assert moments("0 9 * * *", datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2) == [
        "03-29 09:00 +0200",
        "03-30 09:00 +0200",
    ]
    assert moments("0 9 * * *", datetime(2026, 10, 24, 8, tzinfo=BERLIN), 2) == [
        "10-24 09:00 +0200",
        "10-25 09:00 +0100",
    ]


def test_a_time_that_is_skipped_is_due_after_the_gap_and_one_that_comes_twice_once() -> None:
    assert moments("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=BERLIN), 2) == [
        "03-29 03:00 +0200",
        "03-30 02:30 +0200",
    ]
    assert moments("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2) == [
        "10-25 02:30 +0200",
        "10-26 02:30 +0100",
    ]


def test_a_weekday_and_the_last_day_of_a_month_can_be_meant() -> None:
    assert moments("0 18 * * MON", datetime(2026, 11, 27, tzinfo=BERLIN), 2) == [
        "11-30 18:00 +0100",
        "12-07 18:00 +0100",
    ]
    assert moments("0 18 L * *", datetime(2026, 1, 31, 19, tzinfo=BERLIN), 1) == [
        "02-28 18:00 +0100"
    ]


def test_an_interval_is_kept_to_from_its_first_moment_on() -> None:
    chance = random.Random(5)  # noqa: S311 - no secret
    for _ in range(1000):
        every, last, late = (chance.randint(1, 10**n) for n in (6, 6, 9))
        rule = rule_of(timedelta(seconds=every), None)
        due = next_due(rule, last, last + late)
        assert (due - last) % every == 0
        assert last + late < due <= last + late + every


def test_a_rule_says_what_is_wrong_with_it() -> None:
    for every, zone, words in (
        ("0 9 * * *", None, "in which time zone"),
        ("0 9 * *", "Europe/Berlin", "no cron expression like '0 9 \\* \\* \\*'"),
        ("61 9 * * *", "UTC", "Bad minute"),
        ("0 9 31 2 *", "UTC", "Bad day-of-month"),
        ("0 9 * * *", "Europe/Berlln", "no time zone like"),
        ("0 9 * * *", "", "no time zone like"),
        (timedelta(), None, "every second at most"),
        (timedelta(minutes=5), "UTC", "an interval needs no time zone"),
    ):
        with pytest.raises(ValueError, match=words):
            rule_of(every, zone)


def test_a_zone_may_be_an_object() -> None:
    assert rule_of("0 9 * * *", BERLIN) == {"every": "0 9 * * *", "zone": "Europe/Berlin"}
    assert rule_of("0 9 * * *", UTC)["zone"] == "UTC"
