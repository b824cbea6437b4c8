"""What users do in specs: the kinds of `send`, and the fields that each may have.

The value of a kind is what a user sees or writes: a text, a label, the title of an invoice, the
name of a file. `SENDS` is what the parser, the schema and the documentation go by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from toolkit.harness.clock import seconds_of
from toolkit.harness.specs.place import Place, short
from toolkit.harness.types import Json


class Shape(Enum):
    """A type of a field that JSON has no word for."""

    TEXT = "a text, which may be empty"
    LABEL = "a text that a user sees, or a matcher of it"
    LABELS = "a label, the number of an option, or an array of these"
    TEXTS = "a text, or an array of texts"
    SOURCE = "a text, or the id of a message"
    LOCATION = "a latitude and a longitude"
    ALBUM = "an array of photos and documents"
    DATA = "a text, or an object that becomes one"
    GROUP = "the id of a group, below 0"


Types = dict[str, "type | Shape"]

USER: Types = {"userId": int}
PLACE: Types = {"chatId": int, **USER}
MESSAGE: Types = {**PLACE, "replyTo": int, "topicId": int}
FILE: Types = {"caption": str, "content": str}
PARTS: dict[str, Types] = {kind: {kind: str, **FILE} for kind in ("photo", "document")}
"""The messages of an album."""
SENDS: dict[str, Types] = {
    "text": {"text": str, **MESSAGE},
    "callback": {"callback": str, "messageId": int, **PLACE},
    "tap": {"tap": Shape.LABEL, "messageId": int, **PLACE},
    "update": {"update": dict, **PLACE},
    **{kind: {**fields, **MESSAGE} for kind, fields in PARTS.items()},
    "voice": {"voice": str, "duration": int, **FILE, **MESSAGE},
    "location": {"location": Shape.LOCATION, **MESSAGE},
    "contact": {"contact": str, "name": str, **MESSAGE},
    "album": {"album": Shape.ALBUM, **MESSAGE},
    "forward": {"forward": Shape.SOURCE, "fromChatId": int, "fromUserId": int, **MESSAGE},
    "reply": {"reply": str, "messageId": int, **PLACE},
    "edit": {"edit": str, "messageId": int, **PLACE},
    "reaction": {"reaction": Shape.TEXTS, "messageId": int, **PLACE},
    "vote": {"vote": Shape.LABELS, "messageId": int, **PLACE},
    "pay": {"pay": Shape.LABEL, "messageId": int, **PLACE},
    "query": {"query": Shape.TEXT, "offset": str, **USER},
    "choose": {"choose": Shape.LABEL, **PLACE},
    "join": {"join": Shape.GROUP, **USER},
    "leave": {"leave": Shape.GROUP, **USER},
    "webAppData": {"webAppData": Shape.DATA, "button": str, **USER},
}
LABELLED = frozenset(
    kind for kind, types in SENDS.items() if types[kind] in (Shape.LABEL, Shape.LABELS)
)
"""The kinds whose value may hold matchers."""
ADVANCE = "advance"
"""The kind of a step in which nobody does anything, and time passes."""
MIN_ALBUM, MAX_ALBUM = 2, 10
RANGES = {"latitude": 90, "longitude": 180}


@dataclass(frozen=True)
class Send:
    """What a user does. `value` is that of the field `kind`; `source` has all fields.

    Without `chat_id` it is the user's private chat. Where time passes, of the kind `advance`, it is
    the seconds of that.
    """

    kind: str
    value: Any
    user_id: int
    chat_id: int | None
    message_id: int | None
    source: Json


def read_send(item: Any, place: Place, field: str = "send") -> Send:
    """Read what a step sends."""
    kind = _one_of(item, SENDS, place, field)
    if kind == "update" and len(item["update"].keys() - {"update_id"}) != 1:
        place.refuse(f"{field}.update", 'must hold one update, such as {"message": {…}}')
    user_id = item.get("userId", 1)
    if user_id < 1:
        problem = "must be 1 or more; a group's id, below 0, goes into chatId"
        place.refuse(f"{field}.userId", problem)
    return Send(kind, item[kind], user_id, item.get("chatId"), item.get("messageId"), item)


def read_advance(value: Any, place: Place) -> Send:
    """Read how long a step lets time pass."""
    seconds = place.parsed(seconds_of, value, ADVANCE)
    return Send(ADVANCE, seconds, 1, None, None, {ADVANCE: value})


def _one_of(item: Any, kinds: Mapping[str, Types], place: Place, field: str) -> str:
    data = place.typed(item, dict, field)
    found = [kind for kind in kinds if kind in data]
    if len(found) != 1:
        there = f"has {' and '.join(found)}" if found else "has none"
        place.refuse(field, f"must have exactly one of {', '.join(kinds)}; it {there}")
    types = kinds[found[0]]
    place.fields(data, field, types, ())
    for name, value in data.items():
        check(value, types[name], place, f"{field}.{name}")
    return found[0]


def check(value: Any, kind: type | Shape, place: Place, field: str) -> None:
    """Check that a field has a value of its type."""
    if isinstance(kind, Shape):
        _CHECKS[kind](value, place, field)
    else:
        place.typed(value, kind, field)


def _text(value: Any, place: Place, field: str) -> None:
    if value != "":
        place.typed(value, str, field)


def _label(value: Any, place: Place, field: str) -> None:
    place.named(value, field)


def _labels(value: Any, place: Place, field: str) -> None:
    for each in value if isinstance(value, list) else [value]:
        if type(each) is not int:
            place.named(each, field)
        elif each < 0:
            place.refuse(field, f"counts options from 0; {each} is none")


def _texts(value: Any, place: Place, field: str) -> None:
    for each in value if isinstance(value, list) else [value]:
        place.typed(each, str, field)


def _source(value: Any, place: Place, field: str) -> None:
    if type(value) is not int:
        place.typed(value, str, field)


def _location(value: Any, place: Place, field: str) -> None:
    for name, number in place.fields(value, field, RANGES, RANGES).items():
        if type(number) not in (int, float) or abs(number) > RANGES[name]:
            most = RANGES[name]
            place.refuse(
                f"{field}.{name}", f"must be a number from -{most} to {most}, not {short(number)}"
            )


def _album(value: Any, place: Place, field: str) -> None:
    parts = place.typed(value, list, field)
    if not MIN_ALBUM <= len(parts) <= MAX_ALBUM:
        place.refuse(field, f"must hold {MIN_ALBUM} to {MAX_ALBUM} messages, not {len(parts)}")
    for number, part in enumerate(parts):
        _one_of(part, PARTS, place, f"{field}[{number}]")


def _data(value: Any, place: Place, field: str) -> None:
    if not isinstance(value, dict):
        place.typed(value, str, field)


def _group(value: Any, place: Place, field: str) -> None:
    if place.typed(value, int, field) >= 0:
        place.refuse(field, f"must be the id of a group, below 0, not {value}")


_CHECKS: dict[Shape, Callable[[Any, Place, str], None]] = {
    Shape.TEXT: _text,
    Shape.LABEL: _label,
    Shape.LABELS: _labels,
    Shape.TEXTS: _texts,
    Shape.SOURCE: _source,
    Shape.LOCATION: _location,
    Shape.ALBUM: _album,
    Shape.DATA: _data,
    Shape.GROUP: _group,
}
