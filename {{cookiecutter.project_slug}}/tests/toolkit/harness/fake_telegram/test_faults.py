"""Chosen calls fail as the rule for them says, and all others work."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, Fault, NetworkFailure


async def outcome(telegram: FakeTelegram, text: str = "hi", chat_id: int = 1) -> str:
    try:
        await telegram.call("sendMessage", {"chat_id": chat_id, "text": text})
    except (ApiError, NetworkFailure) as error:
        return str(error)
    return "sent"


@pytest.fixture
def talking(telegram: FakeTelegram) -> FakeTelegram:
    telegram.send_text(1, "/start")
    telegram.send_text(2, "/start")
    return telegram


async def test_a_fault_happens_once_unless_told_otherwise(talking: FakeTelegram) -> None:
    talking.faults.bad_request("oops")
    assert [await outcome(talking) for _ in range(2)] == ["Bad Request: oops", "sent"]


async def test_a_fault_happens_n_times_or_always(talking: FakeTelegram) -> None:
    talking.faults.restart(times=2)
    outcomes = [await outcome(talking) for _ in range(3)]
    assert outcomes == ["Internal Server Error: restart"] * 2 + ["sent"]
    always = talking.faults.forbidden(times=None)
    assert {await outcome(talking) for _ in range(9)} == {"Forbidden: bot was blocked by the user"}
    talking.faults.remove(always)
    assert await outcome(talking) == "sent"


async def test_a_fault_is_for_its_method_and_payload(talking: FakeTelegram) -> None:
    talking.faults.network_error("sendMessage", payload={"chat_id": 2}, times=None)
    assert [await outcome(talking, chat_id=chat) for chat in (1, 2)] == [
        "sent",
        "connection reset by peer",
    ]
    assert await talking.call("sendChatAction", {"chat_id": 2, "action": "typing"})


async def test_too_many_requests_says_how_long_to_wait(talking: FakeTelegram) -> None:
    talking.faults.too_many_requests(7)
    with pytest.raises(ApiError, match="Too Many Requests: retry after 7") as refused:
        await talking.call("sendMessage", {"chat_id": 1, "text": "hi"})
    assert (refused.value.code, refused.value.parameters) == (429, {"retry_after": 7})


async def test_an_applied_fault_loses_only_the_answer(talking: FakeTelegram) -> None:
    talking.faults.network_error(applied=True)
    assert await outcome(talking, "kept") == "connection reset by peer"
    assert talking.messages(1)[-1]["text"] == "kept"


async def test_a_delay_alone_lets_the_call_succeed(talking: FakeTelegram) -> None:
    talking.faults.delay(0.001)
    assert await outcome(talking) == "sent"


async def test_clear_lifts_every_fault(talking: FakeTelegram) -> None:
    talking.faults.restart(times=None)
    talking.faults.clear()
    assert await outcome(talking) == "sent"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"error": 429, "retry_after": 3}, "Too Many Requests: retry after 3"),
        ({"error": 403}, "Forbidden: bot was blocked by the user"),
        ({"error": 400, "text": "oops"}, "Bad Request: oops"),
        ({"error": 400, "text": "Bad Request: oops"}, "Bad Request: oops"),
        ({"error": 500}, "Internal Server Error: restart"),
        ({"error": "network", "text": "gone"}, "gone"),
    ],
)
async def test_a_fault_is_read_from_json(
    talking: FakeTelegram, data: dict[str, Any], text: str
) -> None:
    talking.faults.add(Fault.from_json({"method": "sendMessage", **data}))
    assert [await outcome(talking) for _ in range(2)] == [text, "sent"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"errror": 400}, "a fault has no field 'errror'"),
        ({"times": 0}, "times is 0; it must be a number from 1, or 'always'"),
        ({"payload": "x"}, "payload is 'x'; it must be an object"),
        ({"error": "slow"}, "error is 'slow'; it must be an HTTP status from 400, or 'network'"),
        ({"error": 200}, "error is 200"),
        ({"error": True}, "error is True"),
        ({"times": True}, "times is True"),
        ({"times": "often"}, "times is 'often'"),
        ({"delay": "long"}, "delay is 'long'; it must be a number of seconds"),
        ({"method": 1}, "method is 1; it must be the name of a method"),
    ],
)
def test_a_wrong_fault_is_refused_with_its_field(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Fault.from_json(data)
