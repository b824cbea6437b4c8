"""Keys and values that every store takes, and values that every store refuses."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from toolkit.storage.base import MAX_DEPTH, MAX_KEY_BYTES, Value

ODD_KEYS = (
    "", " ", "12345_67890", "-100200_7", "quarantine:1_2", ".", "..", "a.b", "$set", "a/b", "/",
    "__name__", "%", "a%2Fb", "a%b", "a_b", "*", "a*b", "?", "[a]", "{a}", "a\\b", "'", '"', "a b",
    "a\nb", "a\0b", "\0", "'; DROP TABLE sessions; --", "é", "e\u0301", "ключ", "🔑", "\U0010ffff",
    "x" * MAX_KEY_BYTES, "/" * MAX_KEY_BYTES, "🔑" * (MAX_KEY_BYTES // 4),
)  # fmt: skip
"""Keys that every store takes."""


def _nested(depth: int) -> Value:
    value: Value = {}
    for _ in range(depth - 1):
        value = {"in": value}
    return value


ODD_VALUES: dict[str, Value] = {
    "empty": {},
    "odd names": {"": 1, "a.b": 2, "$set": 3, "a/b": 4, "_id": 5, "__x__": 6, "a\0b": 7, "é🔑": 8},
    "odd text": {"text": ["", "\0", "a\0b", "\ud800", "\udfff\ud800", "e\u0301", "🔑", "\\u0000"]},
    "numbers": {"n": [0, -1, 2**53 + 1, 2**64, -(10**40), 0.1, -0.0, 1e300, 5e-324, True, False]},
    "nothing": {"null": None, "list": [], "object": {}, "lists": [[], [[]], [[[1]]]]},
    "deepest": _nested(MAX_DEPTH),
    "many": {str(number): {"n": number} for number in range(5_000)},
}
"""Values that every store gives back as they were, by what is odd about them."""

REFUSED: dict[str, tuple[Any, str]] = {
    "not a number": ({"price": math.nan}, "$.price"),
    "infinity": ({"cart": [{"price": 1.0}, {"price": -math.inf}]}, "$.cart[1].price"),
    "a number as a name": ({"users": {12345: "Ann"}}, "$.users"),
    "nothing as a name": ({None: 1}, "$"),
    "a set": ({"tags": {"a"}}, "$.tags"),
    "bytes": ({"photo": b"\xff"}, "$.photo"),
    "a moment": ({"at": [datetime(2026, 1, 1, tzinfo=UTC)]}, "$.at[0]"),
    "too many digits": ({"n": 10**5000}, "$.n"),
    "too deep": (_nested(MAX_DEPTH + 1), "$.in.in.in"),
    "a list": ([1], "$"),
    "text": ("text", "$"),
    "none": (None, "$"),
}
