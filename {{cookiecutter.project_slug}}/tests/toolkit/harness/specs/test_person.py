"""People in tests: what they do, see, and how a test fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.specs.person import Person


async def test_a_person_talks_taps_and_sees(person: Person) -> None:
    await person.say("/book")
    assert person.sees("service")
    assert person.buttons == ["Haircut", "Shave", "Silence", "Never mind"]
    await person.tap("Haircut")
    person.sees("When, for a haircut?")
    person.sees("Noted")
    assert person.buttons == []
    assert [message["text"] for message in person.messages] == ["/book", "When, for a haircut?"]


async def test_sees_looks_at_what_appeared_since_the_last_action(person: Person) -> None:
    await person.say("/book")
    await person.say("hello")
    with pytest.raises(AssertionError, match=r"Ann does not see 'service'.*\n.*'1: hello'"):
        person.sees("service")


async def test_sees_says_when_there_is_nothing(person: Person) -> None:
    with pytest.raises(AssertionError, match="what appeared is\n  nothing"):
        person.sees("hello")


async def test_a_rich_message_is_read_block_by_block(
    person: Person, telegram: FakeTelegram
) -> None:
    await person.say("/book")
    rich = {"html": "<h1>Tea</h1><ul><li>green <b>leaves</b></ul>"}
    await telegram.call("sendRichMessage", {"chat_id": person.id, "rich_message": rich})
    person.sees("Tea\ngreen leaves")


async def test_a_button_that_is_not_there_is_named_with_those_that_are(person: Person) -> None:
    with pytest.raises(AssertionError, match="No button labelled 'Perm'; there are none"):
        await person.tap("Perm")
    await person.say("/book")
    with pytest.raises(
        AssertionError, match="there are 'Haircut', 'Shave', 'Silence', 'Never mind'"
    ):
        await person.tap("Perm")


async def test_a_tap_that_is_never_answered_fails_the_test(person: Person) -> None:
    await person.say("/book")
    with pytest.raises(AssertionError, match="the tap on 'silence' was never answered"):
        await person.tap("Silence")


async def test_handler_exceptions_surface(person: Person) -> None:
    with pytest.raises(ValueError, match="the handler is broken"):
        await person.say("raise")


async def test_a_fault_takes_one_line(person: Person, telegram: FakeTelegram) -> None:
    telegram.faults.too_many_requests(5, "sendMessage", times=2)
    await person.say("hello")
    assert [call.error is None for call in telegram.calls[-3:]] == [False, False, True]


async def test_two_people_talk_to_the_same_bot(person: Person, another_person: Person) -> None:
    await asyncio.gather(person.say("hello"), another_person.say("hello"))
    person.sees("1: hello")
    another_person.sees("2: hello")


async def test_people_meet_in_a_group(
    person: Person, another_person: Person, group: dict[str, Any]
) -> None:
    ann, ben = person.at(group), another_person.at(group)
    await ann.say("/book")
    ben.sees("What service?")
    await ben.tap("Shave")
    ann.sees("When, for a shave?")
    assert person.news == []


async def test_a_person_sends_what_is_not_text(person: Person, telegram: FakeTelegram) -> None:
    await person.send(contact={"phone_number": "+1", "first_name": "Ann"})
    assert person.messages[-1]["contact"]["phone_number"] == "+1"
