"""Compare what a spec expects with what the bot did.

A payload is a deep subset: every field that it names must be there and fit, other fields are free;
arrays fit element by element. `{"$contains": …}` and `{"$regex": …}` may stand for any value, and
so may `{"$text": …}`, which is a `$regex` by the time it is compared (`with_texts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MATCHERS = ("$contains", "$regex", "$text")
MISSING = object()
Chats = int | tuple[int, ...] | None
"""The chat of a step, or those of a step in which several users do something."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a value does not fit; `actual` is `MISSING` where there is none."""

    path: str
    expected: Any
    actual: Any


class Call(Protocol):
    """A method of the Bot API and its parameters, expected or captured."""

    @property
    def method(self) -> str:
        """The name of the method, such as `sendMessage`."""

    @property
    def payload(self) -> Any:
        """Its parameters as JSON."""


def matcher_of(value: Any) -> str | None:
    """Return the first key of `value` that begins with `$`, as no Bot API field does, or `None`."""
    if isinstance(value, Mapping):
        return next((key for key in value if key.startswith("$")), None)
    return None


def matcher_problem(value: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a matcher, or `None`."""
    name = matcher_of(value)
    if name not in MATCHERS:
        return f"there is no matcher {name}; there are {', '.join(MATCHERS)}"
    if name == "$text":
        if others := [each for each in value if each.startswith("$") and each != name]:
            return f"$text cannot stand beside {others[0]}"
        names = value[name] if isinstance(value[name], list) else [value[name]]
        named = bool(names) and all(isinstance(each, str) for each in names)
        return None if named else "$text must be the name of a text, or an array of names"
    if len(value) > 1:
        return f"{name} must be the only field of its object"
    if name == "$regex":
        try:
            re.compile(value[name])
        except (re.error, TypeError) as error:
            return f"$regex must be a regular expression as Python's re reads it: {error}"
    return None


def differences(expected: Any, actual: Any, path: str = "payload") -> Iterator[Difference]:
    """Yield every place where `actual` does not fit `expected`.

    An expected null also fits a field that is left out, as it does for the Bot API.
    """
    if (name := matcher_of(expected)) is not None:
        if not _fits_matcher(name, expected[name], actual):
            yield Difference(path, expected, actual)
    elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            yield from differences(value, actual.get(key, MISSING), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (value, found) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(value, found, f"{path}[{index}]")
    elif not _equal(expected, actual):
        yield Difference(path, expected, actual)


def fits(expected: Any, actual: Any) -> bool:
    """Tell whether there is no difference."""
    return next(differences(expected, actual), None) is None


def _fits_matcher(name: str, wanted: Any, actual: Any) -> bool:
    if name == "$regex":
        return isinstance(actual, str) and re.search(wanted, actual) is not None
    if isinstance(actual, str):
        return isinstance(wanted, str) and wanted in actual
    return isinstance(actual, list) and any(fits(wanted, item) for item in actual)


def _equal(expected: Any, actual: Any) -> bool:
    if expected is None:
        return actual is None or actual is MISSING
    # In JSON true is not 1, in Python it is.
    return isinstance(expected, bool) == isinstance(actual, bool) and bool(expected == actual)


@dataclass(frozen=True)
class Comparison:
    """Expected calls and, in `found`, the index of the captured call that each is, or `None`."""

    expected: Sequence[Call]
    captured: Sequence[Call]
    found: list[int | None]
    strict: bool
    chat: Chats = None
    ordered: bool = True

    @property
    def ok(self) -> bool:
        """Whether nothing is missing and, when strict, nothing is left over."""
        return None not in self.found and not (self.strict and self.extra)

    @property
    def extra(self) -> list[int]:
        """The captured calls that nothing expects."""
        taken = set(self.found)
        return [index for index in range(len(self.captured)) if index not in taken]


def compare(
    expected: Sequence[Call],
    captured: Sequence[Call],
    *,
    strict: bool,
    chat: Chats = None,
    ordered: bool = True,
) -> Comparison:
    """Find the expected calls among the captured ones.

    Without `strict` they must appear in order, with any other calls between them. With it, the
    lists must fit call by call, and calls go to `chat`, or one of several, unless their payloads
    name another. Calls that are not `ordered` fit in any order.
    """
    chat = chat if strict else None
    if not ordered:
        found = _assigned(expected, captured, chat)
        return Comparison(expected, captured, found, strict, chat, ordered)
    found = []
    start = 0
    for position, call in enumerate(expected):
        places = (position,) if strict else range(start, len(captured))
        there = (place for place in places if place < len(captured))
        index = next((place for place in there if meets(call, captured[place], chat)), None)
        found.append(index)
        start = start if index is None else index + 1
    return Comparison(expected, captured, found, strict, chat)


def _assigned(expected: Sequence[Call], captured: Sequence[Call], chat: Chats) -> list[int | None]:
    """Return a captured call for each expected one, for as many as possible (Kuhn's algorithm)."""
    fitting = [
        [n for n, each in enumerate(captured) if meets(call, each, chat)] for call in expected
    ]
    taken: dict[int, int] = {}

    def place(call: int, tried: set[int]) -> bool:
        for index in fitting[call]:
            if index not in tried:
                tried.add(index)
                if index not in taken or place(taken[index], tried):
                    taken[index] = call
                    return True
        return False

    for call in range(len(expected)):
        place(call, set())
    found = {call: index for index, call in taken.items()}
    return [found.get(call) for call in range(len(expected))]


def meets(expected: Call, captured: Call, chat: Chats = None) -> bool:
    """Tell whether a captured call is the expected one."""
    same = expected.method == captured.method
    return same and next(call_differences(expected, captured, chat), None) is None


def call_differences(expected: Call, captured: Call, chat: Chats = None) -> Iterator[Difference]:
    """Yield every place where the payload, the buttons or the chat of a call do not fit."""
    yield from differences(expected.payload or {}, captured.payload)
    buttons = getattr(expected, "buttons", None)
    if buttons is not None:
        yield from differences(buttons, labels_of(captured.payload), "buttons")
    named = chat is None or "chat_id" in (expected.payload or {})
    if not named and "chat_id" in captured.payload:
        there = captured.payload["chat_id"]
        if there not in (chat if isinstance(chat, tuple) else (chat,)):
            yield Difference("payload.chat_id", chat, there)


def labels_of(payload: Any) -> list[str]:
    """Return the labels of all buttons of a message, row by row."""
    return [button["text"] for button in buttons_of(payload)]


def buttons_of(payload: Any) -> Iterator[Any]:
    """Yield the buttons of a message, row by row; those of a reply keyboard may be mere labels."""
    markup = (payload or {}).get("reply_markup") or {}
    for row in markup.get("inline_keyboard") or markup.get("keyboard") or []:
        for button in row:
            yield {"text": button} if isinstance(button, str) else button


def label_of(query: Any) -> str:
    """Return the label of a callback query's button, or its data where the button is unknown."""
    data = query.get("data")
    buttons = buttons_of(query.get("message"))
    label = next((each["text"] for each in buttons if each.get("callback_data") == data), data)
    return str(label or "")
