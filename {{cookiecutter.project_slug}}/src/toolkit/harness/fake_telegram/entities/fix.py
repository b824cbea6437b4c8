"""Texts and entities made consistent, as the server does: checked, cleaned, trimmed."""

from __future__ import annotations

import re
from bisect import bisect_left

from toolkit.harness.fake_telegram.entities.base import end_of, order_of, utf16_length
from toolkit.harness.fake_telegram.entities.nesting import nest
from toolkit.harness.fake_telegram.errors import ApiError, bad_request
from toolkit.harness.types import Json

_LIMIT = 1_000_000
_REMOVED = "\r\u2028-\u202e\u0333\u033f\u030a"
_BLANKED = "\\0-\\x09\\x0b\\x0c\\x0e-\\x1f"
_UNWANTED = re.compile(f"[{_REMOVED}]|[{_BLANKED}]")
_GONE = re.compile(f"[{_REMOVED}]")
_PAIR = re.compile("[\U00010000-\U0010ffff]")
# Marks of direction in a row: all but the last one become joiners.
_DIRECTIONS = re.compile("[\u200e\u200f](?=[\u200e\u200f])")


def clean_text(text: str) -> str:
    """Turn control characters into spaces and drop carriage returns and the like."""
    if _UNWANTED.search(text):
        text = _UNWANTED.sub(lambda found: "" if _GONE.match(found.group()) else " ", text)
    return text if text.isascii() else _DIRECTIONS.sub("\u200c", text)


def fix(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Return the clean text with entities that fit it and nest; raise ApiError."""
    if not entities:
        return clean_text(text), []
    for each in entities:
        for field in ("offset", "length"):
            if not 0 <= each[field] <= _LIMIT:
                raise bad_request(f"receive an entity with incorrect {field} {each[field]}")
    entities = nest([each for each in entities if each["length"]])
    _check_fit(text, entities)
    if _GONE.search(text):
        entities = nest([each for each in _moved(text, entities) if each["length"]])
    return clean_text(text), entities


def trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Drop white space at the end, and at the start before the first entity."""
    if text == text.strip(" \n"):
        return text, entities
    text = text.rstrip(" \n")
    first = min((each["offset"] for each in entities), default=len(text))
    cut = min(len(text) - len(text.lstrip(" \n")), first)
    length = utf16_length(text)
    kept = [
        _at(each, each["offset"] - cut, min(end_of(each), length) - cut)
        for each in entities
        if each["offset"] < length
    ]
    return text[cut:], sorted(kept, key=order_of)


def _check_fit(text: str, entities: list[Json]) -> None:
    """Refuse entities that end or begin in half a character, or after the text."""
    length = utf16_length(text)
    if length > len(text):
        pairs = [found.start() for found in _PAIR.finditer(text)]
        halves = {position + number + 1: position for number, position in enumerate(pairs)}
        # The server goes through the text: the first misfit counts, ends before beginnings.
        misfits = [
            (place, begins, -number if not begins else number)
            for number, each in enumerate(entities)
            for begins, place in ((0, end_of(each)), (1, each["offset"]))
            if place in halves
        ]
        if misfits:
            place, begins, number = min(misfits)
            size = len(text[: halves[place] + 1].encode())
            raise _half(entities[abs(number)], begins, size)
    for each in entities:
        if each["offset"] > length:
            offset = each["offset"]
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {offset}")
    for each in reversed(entities):
        if end_of(each) > length:
            raise bad_request(
                f"entity beginning at UTF-16 offset {each['offset']} ends after the end of the "
                f"text at UTF-16 offset {end_of(each)}"
            )


def _half(found: Json, begins: int, size: int) -> ApiError:
    which = "begins" if begins else f"beginning at UTF-16 offset {found['offset']} ends"
    return bad_request(f"entity {which} in a middle of a UTF-16 symbol at byte offset {size}")


def _moved(text: str, entities: list[Json]) -> list[Json]:
    """Return the entities where they are in the text without the characters that are dropped."""
    gone = [utf16_length(text[: found.start()]) for found in _GONE.finditer(text)]

    def moved(place: int) -> int:
        return place - bisect_left(gone, place)

    return [_at(each, moved(each["offset"]), moved(end_of(each))) for each in entities]


def _at(found: Json, begin: int, end: int) -> Json:
    return {**found, "offset": begin, "length": end - begin}
