"""The stable part of a text: the same on another day and for another user."""

from __future__ import annotations

import calendar
import html
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 80

_DAY = "|".join((*calendar.day_name, *calendar.day_abbr))
_MONTH = "|".join((*calendar.month_name[1:], *calendar.month_abbr[1:]))
_NUMBER = r"\d{1,2}(?:st|nd|rd|th)?\b\.?"
_NAMES = "|".join(name for name in (*calendar.day_name, *calendar.month_name[1:]) if len(name) > 3)
_DATES = (
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?",
    r"\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d\d)\b",
    rf"\b(?:(?:{_DAY})\b[.,]? )?(?:{_MONTH})\b[.,]? {_NUMBER}",
    rf"\b(?:(?:{_DAY})\b[.,]? )?{_NUMBER} (?:of )?(?:{_MONTH})\b\.?",
    # "Sun" and "may" are words too; beside a number they are dates.
    rf"\b(?:{_DAY})\b[.,]? {_NUMBER}",
    rf"\b(?:{_NAMES})\b",
    r"\b(?:19|20)\d\d\b",
)
_TIMES_AND_IDS = (
    r"\b\d{1,2}[:.]\d\d(?:[:.]\d\d)?(?: ?[ap]\.?m\b\.?)?",
    r"\b\d{1,2} ?[ap]\.?m\b\.?",
    r"\b(?=[0-9a-f-]*\d)[0-9a-f]{8}(?:-?[0-9a-f]{4,}){0,4}\b",
    r"\d{5,}",
)
_TAG = r"</?[a-zA-Z][^<>]*>"
_WORD = re.compile(r"[^\W\d_]{2,}")


def dated(text: str) -> bool:
    """Tell whether `text` names a day, and so changes from day to day."""
    return re.search(f"(?i:{'|'.join(_DATES)})", text) is not None


def timeless(text: str) -> str:
    """Return `text` without dates, times and ids."""
    return re.sub(_pattern(()), "", text)


def label(text: str) -> Any:
    """Return a label as a spec taps it: itself, or `{"$regex": …}` where it has dates or times."""
    spelled, end = "", 0
    for found in re.finditer(_pattern(()), text):
        spelled += _escape(text[end : found.start()])
        spelled += re.sub(r"\d+|[^\W\d_]+|.", _shape, found[0])
        end = found.end()
    return {"$regex": f"^{spelled}{_escape(text[end:])}$"} if end else text


def _shape(found: re.Match[str]) -> str:
    text = found[0]
    return r"\d+" if text.isdecimal() else r"\w+" if text.isalpha() else _escape(text)


def matcher(text: str, names: Iterable[str] = ()) -> Any:
    """Return what a spec expects of `text`: the text, `{"$contains": …}`, or None for nothing.

    A short stable text is expected whole, of others a distinctive part: a piece of one line between
    dates, times, ids, names and markup.
    """
    pattern = _pattern(names)
    if "\n" not in text and len(text) <= LONGEST and not re.search(pattern, text):
        return text
    pieces = re.split(f"{pattern}|{_TAG}|\n|&\\w+;", text)
    trimmed = (re.sub(r"^[^\w/]+|\s+$", "", piece) for piece in pieces)
    telling = [piece[:LONGEST].rstrip() for piece in trimmed if _WORD.search(piece)]
    if not telling:
        return None
    # The first piece of two words is the most distinctive; a single word is the last resort.
    return {"$contains": next((p for p in telling if len(_WORD.findall(p)) > 1), telling[0])}


def _pattern(names: Iterable[str]) -> str:
    forms = {form for name in names if name for form in (name, html.escape(name))}
    own = [rf"(?<!\w){re.escape(form)}(?!\w)" for form in sorted(forms, key=len, reverse=True)]
    return f"(?i:{'|'.join((*own, *_DATES, *_TIMES_AND_IDS))})"


def _escape(text: str) -> str:
    """Do what `re.escape` does, which would also put a backslash before every space."""
    return re.escape(text).replace("\\ ", " ")
