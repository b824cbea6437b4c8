"""Entities that never cross: which are dropped, and which are split at the borders of others.

Styles (bold and so on) are split at each other's beginnings and at all borders of other entities;
the server shows nested styles in pieces. They never cover code. Of two others the first stays.
"""

from __future__ import annotations

from toolkit.harness.fake_telegram.entities.base import CODE, QUOTES, STYLES, end_of, order_of
from toolkit.harness.types import Json

_BEYOND = 1 << 31  # every text
_MAX_GIVEN = 100


def nest(entities: list[Json]) -> list[Json]:
    """Return entities in order, each wholly inside or outside every other."""
    entities = sorted(entities, key=order_of)
    if _consistent(entities):
        return entities
    quotes, styles, others = _by_class(entities)
    quotes = _apart(quotes)
    return _joined(_not_across(_apart(others), quotes), quotes, styles)


def add_found(entities: list[Json], found: list[Json]) -> list[Json]:
    """Return nested entities with those that were found in the text, where there is room."""
    if not found or not entities:
        return found or entities
    quotes, styles, others = _by_class(entities)
    spans = [(each["offset"], end_of(each)) for each in others]
    others += [
        each
        for each in _not_across(found, quotes)
        if all(end_of(each) <= begin or end <= each["offset"] for begin, end in spans)
    ]
    return _joined(sorted(others, key=order_of), quotes, styles)


def limited(entities: list[Json]) -> list[Json]:
    """Return as many nested entities as a message may have: 100 without emoji, styles last."""
    if len(entities) <= _MAX_GIVEN:
        return entities
    quotes, styles, others = _by_class(entities)
    emoji = [each for each in others if each["type"] == "custom_emoji"]
    solid = [each for each in quotes + others if each["type"] != "custom_emoji"]
    pieces = sorted(_Pieces(styles).split_at([]), key=order_of)
    return nest(emoji + [*sorted(solid, key=order_of), *pieces][:_MAX_GIVEN])


def _consistent(entities: list[Json]) -> bool:
    """Tell whether sorted entities can stay as they are."""
    ends: dict[str, int] = {}
    stack: list[Json] = []
    for each in entities:
        kind, begin, end = each["type"], each["offset"], end_of(each)
        while stack and begin >= end_of(stack[-1]):
            stack.pop()
        if stack:
            outer = stack[-1]["type"]
            if end > end_of(stack[-1]) or outer in STYLES or outer in CODE:
                return False
            if kind not in STYLES and (kind in QUOTES or outer not in QUOTES):
                return False
        if kind in STYLES:
            if ends.get(kind, -1) >= begin:
                return False
            ends[kind] = end
        stack.append(each)
    return True


def _by_class(entities: list[Json]) -> tuple[list[Json], list[Json], list[Json]]:
    quotes = [each for each in entities if each["type"] in QUOTES]
    styles = [each for each in entities if each["type"] in STYLES]
    others = [each for each in entities if each["type"] not in (*QUOTES, *STYLES)]
    return quotes, styles, others


def _apart(entities: list[Json]) -> list[Json]:
    """Return sorted entities without those that begin inside an earlier one."""
    kept: list[Json] = []
    for each in entities:
        if not kept or each["offset"] >= end_of(kept[-1]):
            kept.append(each)
    return kept


def _not_across(entities: list[Json], quotes: list[Json]) -> list[Json]:
    """Return entities without those that cross the border of a quote, or hold one."""
    kept: list[Json] = []
    for each in entities:
        begin, end = each["offset"], end_of(each)
        quote = next((quote for quote in quotes if end_of(quote) > begin), None)
        if quote and (end_of(quote) < end or begin < quote["offset"] < end):
            continue
        kept.append(each)
    return kept


def _joined(others: list[Json], quotes: list[Json], styles: list[Json]) -> list[Json]:
    solid = sorted(others + quotes, key=order_of) if quotes else others
    return sorted(solid + _Pieces(styles).split_at(solid), key=order_of) if styles else solid


class _Pieces:
    """Styles, given in order, and the pieces that they come to."""

    def __init__(self, styles: list[Json]) -> None:
        self.waiting = styles[::-1]
        self.open: dict[str, tuple[int, int]] = {}
        self.done: list[Json] = []

    def split_at(self, solid: list[Json]) -> list[Json]:
        """Return the pieces between the borders of other entities, none in code."""
        stack: list[Json] = []
        for each in solid:
            self._reach(each["offset"], stack)
            stack.append(each)
        self._reach(_BEYOND, stack)
        return self.done

    def _reach(self, place: int, stack: list[Json]) -> None:
        while stack and place >= end_of(stack[-1]):
            count = len(self.done)
            self._open_until(end_of(stack[-1]))
            if stack.pop()["type"] in CODE:
                del self.done[count:]
        self._open_until(place)

    def _open_until(self, place: int) -> None:
        while self.waiting and self.waiting[-1]["offset"] < place:
            each = self.waiting.pop()
            kind, begin, end = each["type"], each["offset"], end_of(each)
            start, stop = self.open.get(kind, (begin, -1))
            if begin <= stop:
                self.open[kind] = start, max(stop, end)
            else:
                self._cut(begin)
                self.open[kind] = begin, end
        self._cut(place)

    def _cut(self, place: int) -> None:
        """End all that is open at this place; what goes on begins there anew."""
        for kind in STYLES:
            begin, end = self.open.get(kind, (place, place))
            if begin < place:
                stop = min(end, place)
                self.done.append({"type": kind, "offset": begin, "length": stop - begin})
                if end <= place:
                    del self.open[kind]
                else:
                    self.open[kind] = place, end
