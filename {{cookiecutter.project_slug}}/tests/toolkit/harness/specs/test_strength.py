"""Which mistakes of a bot a spec would notice."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.codes import CODES
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.specs.strength import Changed, Played, survivors
from toolkit.harness.types import Json

KEYBOARD = {"inline_keyboard": [[{"text": "Haircut", "callback_data": "service:1"}]]}
QUESTION = Changed("sendMessage", {"chat_id": 1, "text": "What?", "reply_markup": KEYBOARD})
ANSWER = Changed("answerCallbackQuery", {"callback_query_id": "1", "text": "Fine"})
EDIT = Changed("editMessageText", {"chat_id": 1, "message_id": 2, "text": "When?"})
MESSAGE = {"message": {"text": "/book", "chat": {"id": 1}}}
TAP = {"callback_query": {"data": "service:1", "message": {"reply_markup": KEYBOARD}}}


def played(*steps: tuple[Json, list[Json], Json, list[Changed]], strict: bool) -> list[Played]:
    """Steps of one spec: what is sent and expected, the update, and the calls that came of it."""
    lines = [{"send": send, "expect": expect} for send, expect, _, _ in steps]
    (spec,) = parse_specs({"name": "a", "strict": strict, "steps": lines}, "f")
    return [Played(step, *rest[2:]) for step, rest in zip(spec.steps, steps, strict=True)]


def unnoticed(*steps: Any, strict: bool = False) -> list[str]:
    found, _ = survivors(played(*steps, strict=strict), strict=strict)
    return [mutant.code.removeprefix("UNNOTICED_") for mutant in found]


def book(*expect: Json) -> tuple[Json, list[Json], Json, list[Changed]]:
    return {"text": "/book"}, list(expect), MESSAGE, [QUESTION]


def tap(*expect: Json) -> tuple[Json, list[Json], Json, list[Changed]]:
    return {"tap": "Haircut"}, list(expect), TAP, [ANSWER, EDIT]


EVERYTHING = {"chat_id": 1, "text": "What?"}


@pytest.mark.parametrize(
    ("expected", "strict", "left"),
    [
        ({}, False, ["REPEAT", "TEXT", "CHAT", "BUTTONS", "LABEL", "DATA"]),
        ({}, True, ["TEXT", "CHAT", "BUTTONS", "LABEL", "DATA"]),
        ({"payload": {"text": "What?"}}, True, ["CHAT", "BUTTONS", "LABEL", "DATA"]),
        ({"payload": EVERYTHING}, True, ["BUTTONS", "LABEL", "DATA"]),
        ({"payload": EVERYTHING, "buttons": {"$contains": "Haircut"}}, True, ["DATA"]),
        ({"payload": {**EVERYTHING, "reply_markup": KEYBOARD}}, True, []),
    ],
)
def test_what_is_not_expected_is_not_noticed(expected: Json, strict: bool, left: list[str]) -> None:
    assert unnoticed(book({"method": "sendMessage", **expected}), strict=strict) == left


def test_a_button_that_is_tapped_later_cannot_change_unnoticed() -> None:
    quiet = [{"method": "sendMessage", "payload": EVERYTHING}]
    taken = [{"method": "answerCallbackQuery"}, {"method": "editMessageText"}]

    assert unnoticed(book(*quiet), tap(*taken), strict=True) == ["TOAST", "TEXT", "CHAT"]


def test_a_tap_that_nobody_answers_is_noticed_and_another_order_is_not() -> None:
    left = unnoticed(tap({"method": "editMessageText"}))

    assert left == ["REPEAT", "ORDER", "TOAST", "REPEAT", "TEXT", "CHAT"]


def test_each_says_what_would_notice_it() -> None:
    (found, made) = survivors(played(book({"method": "sendMessage"}), strict=False), strict=False)

    assert made == 7
    assert {mutant.code: mutant.fix for mutant in found} == {
        "UNNOTICED_REPEAT": 'write "strict": true into the spec',
        "UNNOTICED_TEXT": 'expect {"method": "sendMessage", "payload": {"text": "What?"}}',
        "UNNOTICED_CHAT": 'expect {"method": "sendMessage", "payload": {"chat_id": 1}}',
        "UNNOTICED_BUTTONS": 'expect {"method": "sendMessage", "buttons": ["Haircut"]}',
        "UNNOTICED_LABEL": 'expect {"method": "sendMessage", "buttons": ["Haircut"]}',
        "UNNOTICED_DATA": "tap this button in a later step, or in another spec",
    }
    assert found[0].why == "sendMessage (call 1 of 1) is made twice"
    assert {mutant.code for mutant in found} <= CODES.keys()


@pytest.mark.parametrize(("shown", "made"), [("<b>Hi</b>", []), ("Hi", ["PARSE_MODE"])])
def test_a_parse_mode_matters_where_it_changes_what_is_seen(shown: str, made: list[str]) -> None:
    class Captured(Changed):
        result = {"text": shown}  # noqa: RUF012

    call = Captured("sendMessage", {"text": "<b>Hi</b>", "parse_mode": "HTML"})
    step = ({"text": "a"}, [{"method": "sendMessage"}], MESSAGE, [call])

    left = unnoticed(step, strict=True)

    assert [code for code in left if code == "PARSE_MODE"] == made
