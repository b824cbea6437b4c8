"""What of a text a test can rely on."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.stable_parts import dated, label, matcher


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What service?", "What service?"),
        ("May I help you?", "May I help you?"),
        ("Sun, sea and sand", "Sun, sea and sand"),
        ("Total: 3 items", "Total: 3 items"),
        ("Booked! Haircut on Mon 23 Nov at 14:00.\nMore", {"$contains": "Booked! Haircut on"}),
        ("Hello Ann! I book visits.", {"$contains": "I book visits."}),
        ("Hello <b>Ann &amp; Co</b>! Welcome back", {"$contains": "Welcome back"}),
        ("Annual report", "Annual report"),
        ("Order 8f3a2b1c-1234 is on its way", {"$contains": "is on its way"}),
        ("Your code is 123456", {"$contains": "Your code is"}),
        ("See you on Monday", {"$contains": "See you on"}),
        ("Due 2026-11-03T10:00:00Z, at last", {"$contains": "at last"}),
        ("One line\nand another", {"$contains": "One line"}),
        ("x" * 81, {"$contains": "x" * 80}),
        ("14:00", None),
        ("Ann", None),
        ("🎉", "🎉"),
    ],
)
def test_dates_times_ids_and_names_are_left_out(text: str, expected: Any) -> None:
    assert matcher(text, ["Ann", "Ann & Co", "Bot"]) == expected


@pytest.mark.parametrize(
    "text",
    ["Tue 24 Nov", "24 November", "Nov 3rd", "3.11.2026", "2026-11-03", "on Friday", "in 2026"],
)
def test_what_names_a_day_is_dated(text: str) -> None:
    assert dated(text)


@pytest.mark.parametrize("text", ["Haircut", "14:00", "Tomorrow", "May I?", "1234"])
def test_what_names_no_day_is_not(text: str) -> None:
    assert not dated(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Haircut", "Haircut"),
        ("Tue 24 Nov", {"$regex": r"^\w+ \d+ \w+$"}),
        ("09:00", {"$regex": r"^\d+:\d+$"}),
        ("Cancel (24 Nov, 14:00)", {"$regex": r"^Cancel \(\d+ \w+, \d+:\d+\)$"}),
    ],
)
def test_a_label_with_a_date_or_a_time_is_told_by_its_shape(text: str, expected: Any) -> None:
    assert label(text) == expected
