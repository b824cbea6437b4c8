"""Entities made consistent, as the server does: checked, cleaned, trimmed, properly nested."""

from __future__ import annotations

import re
from bisect import bisect_left

from toolkit.harness.fake_telegram.entities.base import utf16_length
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.types import Json

STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
CODE = ("code", "pre")
ORDER = {kind: rank for rank, kind in enumerate((*QUOTES, *CODE, "text_link", *STYLES))}
_LIMIT = 1_000_000
_REMOVED = "\r\u2028-\u202e\u0333\u033f\u030a"
_BLANKED = "\\0-\\x09\\x0b\\x0c\\x0e-\\x1f"
_UNWANTED = re.compile(f"[{_REMOVED}]|[{_BLANKED}]")
_GONE = re.compile(f"[{_REMOVED}]")

Span = tuple[int, int]


def check(text: str, entities: list[Json]) -> None:
    """Refuse entities that do not fit the text."""
    units = text.encode("utf-16-le", "surrogatepass")
    length = len(units) // 2
    for found in sorted(entities, key=lambda each: int(each["offset"])):
        begin, end = found["offset"], _end(found)
        if not 0 <= begin <= _LIMIT:
            raise bad_request(f"receive an entity with incorrect offset {begin}")
        if not 0 <= found["length"] <= _LIMIT:
            raise bad_request(f"receive an entity with incorrect length {found['length']}")
        if begin > length:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {begin}")
        if end > length:
            raise bad_request(
                f"entity beginning at UTF-16 offset {begin} ends after the end of the text "
                f"at UTF-16 offset {end}"
            )
        for place, verb in ((begin, "begins"), (end, "ends")):
            if units[2 * place + 1 : 2 * place + 2] in (b"\xdc", b"\xdd", b"\xde", b"\xdf"):
                before = units[: 2 * place - 2].decode("utf-16-le", "surrogatepass")
                raise bad_request(
                    f"entity {verb} in a middle of a UTF-16 symbol at byte offset "
                    f"{len(before.encode())}"
                )


def clean(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Turn control characters into spaces, drop carriage returns and the like; move entities."""
    if not _UNWANTED.search(text):
        return text, entities
    gone = [utf16_length(text[: found.start()]) for found in _GONE.finditer(text)]

    def moved(place: int) -> int:
        return place - bisect_left(gone, place)

    cleaned = _UNWANTED.sub(lambda found: "" if _GONE.match(found.group()) else " ", text)
    return cleaned, [_at(each, moved(each["offset"]), moved(_end(each))) for each in entities]


def trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Drop white space at the end, and at the start before the first entity."""
    text = text.rstrip(" \n")
    length = utf16_length(text)
    first = min((each["offset"] for each in entities if each["length"]), default=length)
    cut = min(len(text) - len(text.lstrip(" \n")), first)
    moved = [_at(each, each["offset"] - cut, min(_end(each), length) - cut) for each in entities]
    return text[cut:], [each for each in moved if each["length"] > 0]


def nest(entities: list[Json]) -> list[Json]:
    """Return entities in order, each wholly inside or outside every other.

    Styles never cover code, styles of one kind are joined, and a style that crosses the border of
    another entity is split there; of two others that conflict the first stays.
    """
    solid: list[Json] = []
    for each in sorted((each for each in entities if each["type"] not in STYLES), key=_key):
        if not any(_conflict(each, kept) for kept in solid):
            solid.append(each)
    code = [span(each) for each in solid if each["type"] in CODE]
    styles = [
        {"type": kind, "offset": begin, "length": end - begin}
        for kind in STYLES
        for begin, end in _styled([e for e in entities if e["type"] == kind], code)
    ]
    return _split(solid + styles) if styles else solid


def _conflict(new: Json, kept: Json) -> bool:
    if new["offset"] >= _end(kept) or kept["offset"] >= _end(new):
        return False
    inside = _end(new) <= _end(kept)
    return not (inside and kept["type"] in QUOTES and new["type"] not in QUOTES)


def _styled(entities: list[Json], code: list[Span]) -> list[Span]:
    """Return where a style holds: overlapping spans joined, code taken out."""
    spans: list[Span] = []
    for each in sorted(entities, key=_key):
        if spans and each["offset"] <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], _end(each)))
        else:
            spans.append(span(each))
    for begin, end in code:
        halves = [((a, min(b, begin)), (max(a, end), b)) for a, b in spans]
        spans = [part for half in halves for part in half if part[0] < part[1]]
    return spans


def _split(entities: list[Json]) -> list[Json]:
    """Walk over all borders with a stack of open entities; what cannot stay open is split."""
    waiting = sorted(entities, key=_key, reverse=True)
    result: list[Json] = []
    stack: list[Json] = []
    for place in sorted({p for each in entities for p in span(each)}):
        again: list[Json] = []
        ending = next((i for i, each in enumerate(stack) if _end(each) == place), None)
        if ending is not None:
            again = _close(stack, ending, place, result)
        while waiting and waiting[-1]["offset"] == place:
            each = waiting.pop()
            if each["type"] not in STYLES:
                short = next((i for i, o in enumerate(stack) if _end(o) < _end(each)), len(stack))
                again += _close(stack, short, place, result)
                stack.append(each)
            else:
                again.append(each)
        stack += sorted(again, key=_key)
    return sorted(result, key=_key)


def _close(stack: list[Json], index: int, place: int, result: list[Json]) -> list[Json]:
    """Close everything from `index` up at `place`; return what goes on after it."""
    closed, stack[index:] = stack[index:], []
    result += [_at(each, each["offset"], place) for each in closed if each["offset"] < place]
    return [_at(each, place, _end(each)) for each in closed if _end(each) > place]


def _key(found: Json) -> tuple[int, int, int]:
    return found["offset"], -found["length"], ORDER.get(found["type"], 99)


def span(found: Json) -> Span:
    """Return where an entity begins and ends, in UTF-16 units."""
    return int(found["offset"]), _end(found)


def _end(found: Json) -> int:
    return int(found["offset"]) + int(found["length"])


def _at(found: Json, begin: int, end: int) -> Json:
    return {**found, "offset": begin, "length": end - begin}
