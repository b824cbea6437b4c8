"""Which captured calls are the expected ones."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.matching import compare, differences, fits
from toolkit.harness.specs.spec import ExpectedCall

KEYBOARD = {"inline_keyboard": [[{"text": "Haircut", "callback_data": "s:1"}, {"text": "Shave"}]]}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({}, {"text": "a"}),
        ({"text": "a"}, {"text": "a", "chat_id": 1}),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 2, "d": 3}], "e": 4}}),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "Haircut"}, {}]]}},
            {"reply_markup": KEYBOARD},
        ),
        ({"text": {"$contains": "ook"}}, {"text": "Booked"}),
        ({"text": {"$regex": r"^\d+$"}}, {"text": "12"}),
        ({"labels": {"$contains": {"text": "Shave"}}}, {"labels": KEYBOARD["inline_keyboard"][0]}),
        ({"n": 1}, {"n": 1.0}),
        ({"reply_markup": None}, {"text": "a"}),
        ({"x": None}, {"x": None}),
    ],
)
def test_a_payload_fits_when_all_that_is_named_is_there(expected: Any, actual: Any) -> None:
    assert fits(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "path"),
    [
        ({"text": "a"}, {"text": "b"}, "payload.text"),
        ({"text": "a"}, {}, "payload.text"),
        ({"text": "a"}, None, "payload"),
        ({"a": [1, 2]}, {"a": [1]}, "payload.a"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "payload.a[1].b"),
        ({"flag": True}, {"flag": 1}, "payload.flag"),
        ({"n": 0}, {"n": False}, "payload.n"),
        ({"n": "1"}, {"n": 1}, "payload.n"),
        ({"reply_markup": None}, {"reply_markup": KEYBOARD}, "payload.reply_markup"),
        ({"text": {"$contains": "x"}}, {"text": "Booked"}, "payload.text"),
        ({"text": {"$contains": "x"}}, {}, "payload.text"),
        ({"n": {"$contains": 1}}, {"n": 1}, "payload.n"),
        ({"text": {"$contains": 1}}, {"text": "1"}, "payload.text"),
        ({"text": {"$regex": "x"}}, {"text": None}, "payload.text"),
    ],
)
def test_a_difference_is_reported_where_it_is(expected: Any, actual: Any, path: str) -> None:
    assert [difference.path for difference in differences(expected, actual)] == [path]


def calls(*texts: str) -> list[ExpectedCall]:
    return [ExpectedCall("sendMessage", {"text": text}) for text in texts]


def test_expected_calls_are_a_subsequence_of_the_captured_ones() -> None:
    assert compare(calls("a", "c"), calls("a", "b", "c"), strict=False).ok
    assert compare([], calls("a"), strict=False).ok


def test_order_matters() -> None:
    comparison = compare(calls("b", "a"), calls("a", "b"), strict=False)
    assert comparison.found == [1, None]
    assert not comparison.ok


def test_one_call_answers_one_expectation() -> None:
    assert compare(calls("a", "a"), calls("a"), strict=False).found == [0, None]


def test_a_strict_list_is_the_exact_list() -> None:
    assert compare(calls("a", "b"), calls("a", "b"), strict=True).ok
    assert not compare(calls("a"), calls("a", "b"), strict=True).ok
    assert not compare(calls("b"), calls("a", "b"), strict=True).ok
    assert not compare(calls("a", "b"), calls("b", "a"), strict=True).ok
    assert not compare([], calls("a"), strict=True).ok


def test_the_method_must_be_the_same() -> None:
    assert not compare([ExpectedCall("editMessageText", None)], calls("a"), strict=False).ok
    assert compare([ExpectedCall("sendMessage", None)], calls("a"), strict=False).ok
