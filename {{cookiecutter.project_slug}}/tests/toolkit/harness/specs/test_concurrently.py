"""Steps in which several users act at the same time, and steps in which a handler raises."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.specs.coverage import commands_of
from toolkit.harness.specs.matching import compare
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import SpecResult, run_spec
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.specs.strength import Changed, survivors
from toolkit.harness.types import Json

from .everything_bot import make_bot


def told(text: Any, **more: Any) -> Json:
    return {"method": "sendMessage", "payload": {"text": text, **more}}


def together(text: str, *expect: Json, **more: Any) -> Json:
    sends = [{"text": text}, {"text": text, "userId": 2}]
    return {"concurrently": sends, "expect": [*expect], **more}


async def run(*steps: Json, strict: bool = False) -> SpecResult:
    [spec] = parse_specs({"name": "a", "strict": strict, "steps": [*steps]}, "f")
    return await run_spec(spec, make_bot)


ONE_EACH = (told("Taken"), told("Yours"))


async def test_of_two_that_claim_the_same_one_gets_it_whoever_that_is() -> None:
    for strict in (False, True):
        assert (await run(together("/claim", *ONE_EACH), strict=strict)).failure is None


async def test_a_check_before_an_act_shows_as_a_race() -> None:
    failure = (await run(together("/take", *ONE_EACH))).failure

    assert failure == (
        'step 1 of 1 sent [{"text": "/take"}, {"text": "/take", "userId": 2}]\n'
        "\n"
        "expected these calls, in any order (- missing, = found, + any other):\n"
        '  = sendMessage {"chat_id": 1, "text": "Yours", "parse_mode": "HTML"}\n'
        '  - sendMessage {"text": "Taken"}\n'
        '  + sendMessage {"chat_id": 2, "text": "Yours", "parse_mode": "HTML"}\n'
        "\n"
        'the nearest to sendMessage {"text": "Taken"} is call 2:\n'
        '  payload.text: expected "Taken"\n'
        '                captured "Yours"'
    )


async def test_strictly_no_other_call_is_made_and_none_to_another_chat() -> None:
    alone = await run(together("/claim", told("Yours")), strict=True)
    assert "expected exactly these calls, in any order" in (alone.failure or "")
    calls = [Changed("sendMessage", {"chat_id": chat}) for chat in (2, 3)]
    assert compare(calls, calls, strict=True, chat=(2, 3), ordered=False).ok
    expected = [Changed("sendMessage", {}) for _ in calls]
    assert compare(expected, calls, strict=True, chat=(2, 3), ordered=False).ok
    assert not compare(expected, calls, strict=True, chat=(1, 2), ordered=False).ok


def test_calls_are_assigned_so_that_as_many_fit_as_can() -> None:
    captured = [Changed("sendMessage", {"text": text}) for text in ("a", "b", "a b")]
    expected = [
        Changed("sendMessage", {"text": {"$contains": "a"}}),
        Changed("sendMessage", {"text": {"$contains": "b"}}),
        Changed("sendMessage", {"text": "a"}),
    ]
    found = compare(expected, captured, strict=True, ordered=False).found
    assert found == [2, 1, 0]


async def test_the_session_is_that_of_the_last_one() -> None:
    sends = [{"text": "a"}, {"text": "/claim", "userId": 2}]
    for first, second, count in ((*sends, 0), (*reversed(sends), 1)):
        step = {"concurrently": [first, second], "expect": [], "session": {"count": count}}
        assert (await run(step)).failure is None


async def test_taps_and_payments_of_several_go_on_together() -> None:
    sell = [{"text": "/sell", "userId": user} for user in (1, 2)]
    pay = [{"pay": "Green tea", "userId": user} for user in (1, 2)]
    paid = [told("Paid", chat_id=user) for user in (2, 1)]
    steps = [{"concurrently": sell, "expect": []}, {"concurrently": pay, "expect": paid}]
    assert (await run(*steps)).failure is None


async def test_what_one_of_them_raises_fails_the_step() -> None:
    sends = [{"text": "a"}, {"text": "/break", "userId": 2}]
    step = {"concurrently": sends, "expect": [told("text a")]}
    assert "ValueError: the kettle is broken" in ((await run(step)).failure or "")
    assert (await run({**step, "fails": "ValueError"})).failure is None


async def test_a_concurrent_step_covers_its_commands_and_has_no_order_to_notice() -> None:
    result = await run(together("/claim", *ONE_EACH), strict=True)
    assert commands_of(result.spec) == {"claim"}
    left, _ = survivors(result.played, strict=True)
    assert left == []


async def test_a_concurrent_step_is_played_under_all_circumstances() -> None:
    [spec] = parse_specs({"name": "a", "steps": [together("/start"), together("b")]}, "f")
    assert [relation.code async for relation, _, _ in broken(spec, make_bot, "memory:")] == []


@pytest.mark.parametrize(
    "fails", ["ValueError", "the kettle", {"$regex": r"^ValueError: .* broken$"}]
)
async def test_a_handler_may_raise_what_the_step_says(fails: Any) -> None:
    step = {"send": {"text": "/break"}, "expect": [{"method": "sendMessage"}], "fails": fails}
    assert (await run(step)).failure is None


async def test_a_step_fails_when_its_handler_does_not_raise_that() -> None:
    another = await run({"send": {"text": "/break"}, "expect": [], "fails": "KeyError"})
    assert "the bot raised ValueError: the kettle is broken" in (another.failure or "")
    nothing = await run({"send": {"text": "a"}, "expect": [], "fails": "KeyError"})
    assert nothing.failure == (
        'step 1 of 1 sent {"text": "a"}\n\n'
        'the bot should have raised "KeyError", but it raised nothing'
    )


async def test_a_failing_step_is_played_under_all_circumstances() -> None:
    steps = [
        {"send": {"text": "/break"}, "expect": [{"method": "sendMessage"}], "fails": "kettle"},
        {"send": {"text": "a"}, "expect": [told("text a")]},
        {"send": {"text": "/sell"}, "expect": [{"method": "sendInvoice"}]},
        {"send": {"pay": "Broken"}, "expect": [], "fails": "the till is broken"},
    ]
    [spec] = parse_specs({"name": "a", "steps": steps}, "f")
    assert (await run_spec(spec, make_bot)).failure is None
    assert [relation.code async for relation, _, _ in broken(spec, make_bot, "memory:")] == []
