"""How strong a spec is: which changes of what the bot did it would notice.

Nothing runs again. The calls of each step are changed one at a time, as a mistake in the bot would
change them, and compared with what the step expects: mutation analysis (DeMillo, Lipton, Sayward:
"Hints on Test Data Selection", 1978) of what the bot does instead of its code.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from toolkit.harness.specs import stable_parts
from toolkit.harness.specs.matching import (
    Call,
    Chats,
    Comparison,
    buttons_of,
    compare,
    label_of,
    labels_of,
)
from toolkit.harness.specs.spec import Step
from toolkit.harness.types import Json

OTHER = "Something else"
TAP = "tap this button in a later step, or in another spec"
STRICT = 'write "strict": true into the spec'


@dataclass(frozen=True)
class Played:
    """A step as it was played: its texts found, the update it sent, its calls and its chat.

    `others` are the updates of what others did at the same time; the chats are several then.
    """

    step: Step
    update: Json
    calls: Sequence[Call]
    chat: Chats = None
    others: tuple[Json, ...] = ()

    @property
    def updates(self) -> tuple[Json, ...]:
        """The last update of each send."""
        return self.update, *self.others


@dataclass(frozen=True)
class Changed:
    """A call that is not the one that was captured."""

    method: str
    payload: Json


@dataclass(frozen=True)
class Mutant:
    """One change of a step's calls, and in `fix` what would notice it.

    `number` is the step's, from 1; `code` is one of those in docs/testing.md.
    """

    code: str
    number: int
    why: str
    fix: str
    calls: Sequence[Call]


Button = tuple[Any, Any]
"""A button's label and its callback data."""


def taps(played: Iterable[Played]) -> set[Button]:
    """Return the buttons that are tapped by their labels."""
    return {
        _tapped(update)
        for each in played
        for send, update in zip(each.step.sends, each.updates, strict=True)
        if send.kind == "tap"
    }


def survivors(
    played: Sequence[Played], *, strict: bool, tapped: Set[Button] = frozenset()
) -> tuple[list[Mutant], int]:
    """Return the mutants of a spec that it would not notice, and how many there are in all.

    What the `tapped` buttons do is noticed by other specs.
    """
    made = [mutant for number in range(len(played)) for mutant in _mutants(played, number)]
    left = [mutant for mutant in made if not _noticed(mutant, played, tapped, strict=strict)]
    return left, len(made)


def compare_played(played: Played, *, strict: bool) -> Comparison:
    """Compare the calls of a step with those that it expects."""
    step = played.step
    ordered = not step.others
    return compare(step.expect, played.calls, strict=strict, chat=played.chat, ordered=ordered)


def _noticed(
    mutant: Mutant, played: Sequence[Played], tapped: Set[Button], *, strict: bool
) -> bool:
    here, later = played[mutant.number - 1], played[mutant.number :]
    if not compare_played(replace(here, calls=mutant.calls), strict=strict).ok:
        return True
    tapping = sum(send.kind == "tap" for send in here.step.sends)
    if mutant.code == "UNNOTICED_DROP" and tapping:
        # Every tap has to be answered.
        return sum(call.method == "answerCallbackQuery" for call in mutant.calls) < tapping
    if mutant.code in ("UNNOTICED_BUTTONS", "UNNOTICED_LABEL", "UNNOTICED_DATA"):
        # The button is not found, or sends something else, where a later step taps it.
        kept = {button for call in mutant.calls for button in _pressable(call)}
        lost = {button for call in here.calls for button in _pressable(call)} - kept
        elsewhere = tapped if mutant.code == "UNNOTICED_DATA" else frozenset()
        return not lost.isdisjoint({*taps(later), *elsewhere})
    return False


def _pressable(call: Call) -> Iterator[Button]:
    for button in buttons_of(call.payload):
        yield button.get("text"), button.get("callback_data")


def _tapped(update: Json) -> Button:
    if query := update.get("callback_query"):
        return label_of(query), query.get("data")
    return (update.get("message") or {}).get("text"), None


def _mutants(played: Sequence[Played], number: int) -> Iterator[Mutant]:
    calls = played[number].calls
    for place, call in enumerate(calls):
        before, after = [*calls[:place]], [*calls[place + 1 :]]
        name = f"{call.method} (call {place + 1} of {len(calls)})"

        def mutant(code: str, why: str, fix: str, *changed: Call) -> Mutant:
            return Mutant(f"UNNOTICED_{code}", number + 1, why, fix, [*before, *changed, *after])  # noqa: B023

        yield mutant("DROP", f"{name} is not made", _expect(call))
        yield mutant("REPEAT", f"{name} is made twice", STRICT, call, call)
        # What several users do at the same time has no order.
        if after and not played[number].step.others and _differ(call, after[0]):
            moved = [*before, after[0], call, *after[1:]]
            why = f"{name} comes after the next"
            yield Mutant("UNNOTICED_ORDER", number + 1, why, STRICT, moved)
        for code, why, told, payload in _changes(call):
            fix = _expect(call, **told) if told else TAP
            yield mutant(code, f"{name} {why}", fix, Changed(call.method, payload))


def _expect(call: Call, **told: Any) -> str:
    return f"expect {json.dumps({'method': call.method, **told}, ensure_ascii=False)}"


def _differ(one: Call, other: Call) -> bool:
    return (one.method, one.payload) != (other.method, other.payload)


def _changes(call: Call) -> Iterator[tuple[str, str, Json, Json]]:
    """Yield a code, what is other, what an expectation says, and the payload, for each change."""
    payload: Json = call.payload
    told: Json

    def other(**fields: Any) -> Json:
        return {name: value for name, value in {**payload, **fields}.items() if value is not None}

    if call.method == "answerCallbackQuery":
        if text := payload.get("text"):
            told = {"payload": {"text": stable_parts.matcher(text)}}
            yield "TOAST", "has no text", told, other(text=None)
        return
    for name in ("text", "caption"):
        if text := payload.get(name):
            told = {"payload": {name: stable_parts.matcher(text)}}
            yield "TEXT", f"has another {name}", told, other(**{name: OTHER})
    if "chat_id" in payload:
        told = {"payload": {"chat_id": payload["chat_id"]}}
        yield "CHAT", "goes to another chat", told, other(chat_id=-(10**12) - 1)
    # Only where there is something to format does a parse mode change what people see.
    shown = getattr(call, "result", None)
    formatted = isinstance(shown, dict) and shown.get("text") != payload.get("text")
    if formatted and (mode := payload.get("parse_mode")):
        told = {"payload": {"parse_mode": mode}}
        yield "PARSE_MODE", "has no parse_mode", told, other(parse_mode=None)
    if labels := labels_of(payload):
        told = {"buttons": [*map(stable_parts.label, labels)]}
        yield "BUTTONS", "has no buttons", told, other(reply_markup=None)
        for code, field in (("LABEL", "text"), ("DATA", "callback_data")):
            changed = copy.deepcopy(payload)
            button = next((each for each in buttons_of(changed) if each.get(field)), None)
            if button is None:
                continue
            why = f"has another {field} at its button {button['text']!r}"
            button[field] = OTHER
            yield code, why, told if code == "LABEL" else {}, changed
