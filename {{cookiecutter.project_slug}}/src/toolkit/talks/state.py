"""What a record keeps of an open talk: which one it is, what was answered, and what it waits for.

It grows with the questions, not with the updates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.storage.base import Value

FIELD = "talk"
"""Where it is in a record."""

EVENT = "event"
"""The `code` of what came as an event."""

_ANSWER = 5
"""Parts of an answer in a record at most, its name among them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a question, as JSON; `text` is what was typed for it.

    `code` is the fingerprint of what took it: another one has to take it again. `ended` is what
    came instead of an answer, "timeout" or "cancel".
    """

    value: Any = None
    text: str | None = None
    code: str | None = None
    ended: str | None = None

    @classmethod
    def of(cls, stored: list[Any]) -> Answer:
        """Return what `as_json` has written."""
        return cls(*stored)

    def as_json(self) -> list[Any]:
        """Return its parts, without those at the end that are empty."""
        parts = [self.value, self.text, self.code, self.ended]
        while len(parts) > 1 and parts[-1] is None:
            parts.pop()
        return parts


@dataclass(slots=True)
class OpenTalk:
    """An open talk, between two updates."""

    name: str
    number: str
    """Tells it from other talks of this name in the chat, on its buttons for instance."""
    data: Any = None
    """What `talks.start` was given."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """By the names of the questions, in the order in which they were asked."""
    results: Value = field(default_factory=dict)
    """What was done `once`, and what it returned."""
    waiting: str | None = None
    """The question that waits for an answer, or the event that is waited for."""
    takes: str = ""
    """What that can be: "text" (and taps), "message" or "event"."""
    inputs: dict[str, list[Any]] = field(default_factory=dict)
    """Answers to questions that are asked again later, since others come before them now."""
    signals: Value = field(default_factory=dict)
    """Events that came before they were waited for."""
    before: Value = field(default_factory=dict)
    """The fields of the session that the talk has changed, as they were when it began."""
    below: Value | None = None
    """The talk that goes on when this one has ended."""

    @classmethod
    def of(cls, stored: Value) -> OpenTalk:
        """Return the talk that a record holds."""
        answers = {name: Answer.of(parts) for name, *parts in stored.get("answers", ())}
        # A newer release may have more of them.
        known = {name: value for name, value in stored.items() if name in cls.__slots__}
        return cls(**{**known, "answers": answers})

    def as_json(self) -> Value:
        """Return what a record holds of it: what is empty is left out."""
        stored = {name: value for name in self.__slots__ if (value := getattr(self, name))}
        if self.data is not None:
            stored["data"] = self.data
        if self.answers:
            # A list, as some stores do not keep the order of an object's members.
            stored["answers"] = [[name, *each.as_json()] for name, each in self.answers.items()]
        return stored

    def copy(self) -> OpenTalk:
        """Return one that can be changed while the other stays as it was."""
        return replace(
            self,
            answers=dict(self.answers),
            results=dict(self.results),
            inputs=dict(self.inputs),
            signals=dict(self.signals),
            before=dict(self.before),
        )

    def reopen(self, name: str) -> None:
        """Ask a question anew, and all that were asked after it."""
        names = [*self.answers]
        if name in self.answers:
            for later in names[names.index(name) :]:
                gone = self.answers.pop(later)
                if gone.code == EVENT and gone.ended is None:
                    # It has happened, and does not come again.
                    self.signals[later] = gone.value
        self.waiting = name
        self.inputs.clear()


def short(text: str, length: int = 6) -> str:
    """Return a few characters that stand for a text on a button."""
    return hashlib.blake2b(text.encode()).hexdigest()[:length]


def fault_of(talk: object) -> str | None:
    """Return what is wrong with the open talk of a record, `None` where nothing is."""
    if not isinstance(talk, dict):
        return f"{FIELD}: not an object"
    for name in ("name", "number"):
        if not isinstance(talk.get(name), str):
            return f"{FIELD}.{name}: not a text"
    for answer in talk.get("answers", ()):
        if not isinstance(answer, list) or not 1 < len(answer) <= _ANSWER:
            return f"{FIELD}.answers: not names with answers"
    for name in ("results", "inputs", "signals", "before"):
        if not isinstance(talk.get(name, {}), dict):
            return f"{FIELD}.{name}: not an object"
    return None
