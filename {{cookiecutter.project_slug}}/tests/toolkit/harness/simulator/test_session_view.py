"""The session as a person reads and edits it."""

from __future__ import annotations

import enum
import time
from datetime import datetime
from typing import Annotated, Any, Literal

import pytest

from toolkit.harness.simulator.session_view import _choices, _name_of

from .tea_house import Desk


async def fields(desk: Desk, user: int = 1) -> dict[str, Any]:
    session = await desk.ask("session", user=user, chat=user)
    return {field["name"]: field for field in session["fields"]}


async def test_a_session_that_was_never_changed_has_its_initial_fields(desk: Desk) -> None:
    session = await desk.ask("session", user=1, chat=1)
    assert (session["key"], session["stored"]) == ("1_1", False)
    assert [field["value"] for field in session["fields"]] == ["idle", None, 0, None, []]


async def test_fields_have_their_types_their_choices_and_what_changed_last(desk: Desk) -> None:
    await desk.say("/tea")
    found = await fields(desk)
    assert found["step"] == {
        "name": "step",
        "value": "choosing",
        "initial": "idle",
        "type": "Step",
        "choices": ["idle", "choosing"],
        "was": "idle",
    }
    assert found["tea"]["type"] == "str | None"
    assert "was" not in found["cups"]
    await desk.say("hello")
    assert "was" not in (await fields(desk))["step"]


async def test_a_group_has_a_session_for_each_member(desk: Desk) -> None:
    group = min(desk.simulation.telegram.chats)
    await desk.say("/tea", 2, group)
    assert (await desk.ask("session", user=2, chat=group))["stored"]
    assert not (await desk.ask("session", user=1, chat=group))["stored"]


async def test_a_field_is_edited_and_the_bot_goes_by_it(desk: Desk) -> None:
    await desk.ask("edit", key="1_1", name="cups", value=7)
    assert desk.last.title == "cups was set by hand"
    await desk.say("/tea")
    await desk.tap("Green")
    assert (await fields(desk))["cups"]["value"] == 8


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("cups", "many", "valid integer"), ("step", "asleep", "'idle' or 'choosing'")],
)
async def test_a_value_of_another_type_is_refused_by_name(
    desk: Desk, name: str, value: Any, reason: str
) -> None:
    refusal = await desk.refusal("edit", key="1_1", name=name, value=value)
    assert name in refusal
    assert reason in refusal
    assert not (await desk.ask("session", user=1, chat=1))["stored"]
    assert [turn.title for turn in desk.simulation.recorder.turns] == ["The bot started"]


async def test_a_reset_session_begins_anew_and_can_be_taken_back(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.ask("reset", key="1_1")
    number = desk.last.number
    assert not (await desk.ask("session", user=1, chat=1))["stored"]
    await desk.ask("go_back", turn=number)
    assert (await fields(desk))["step"]["value"] == "choosing"


async def test_a_record_that_cannot_be_read_is_shown_raw_with_the_reason(desk: Desk) -> None:
    record = {"session": {"step": "asleep"}}
    await desk.simulation.storage.write("1_1", record)
    session = await desk.ask("session", user=1, chat=1)
    assert session["record"] == record
    assert "step" in session["problem"]


async def open_talk(desk: Desk) -> Any:
    return (await desk.ask("session", user=1, chat=1))["talk"]


async def test_the_open_talk_shows_its_answers_and_what_it_waits_for(desk: Desk) -> None:
    assert await open_talk(desk) is None
    await desk.say("/order")
    found = await open_talk(desk)
    assert 3500 < found["until"] - time.time() < 3700
    assert {**found, "until": None} == {
        "name": "order",
        "waiting": "kind",
        "takes": "text",
        "until": None,
        "answers": [],
    }
    await desk.tap("Black")
    await desk.say("2")
    assert await open_talk(desk) == {
        "name": "order",
        "waiting": "paid",
        "takes": "event",
        "until": None,
        "answers": [
            {"name": "kind", "value": "Black", "ended": None},
            {"name": "cups", "value": 2, "ended": None},
        ],
    }


async def test_an_event_has_its_data_and_a_message_says_who_sent_what(desk: Desk) -> None:
    await desk.say("/order")
    await desk.tap("Black")
    await desk.say("2")
    await desk.simulation.recorder.running_app.talks.signal("1_1", "paid", {"amount": 5})
    await desk.until(lambda: desk.texts()[-1] == "Your number?")
    await desk.ask("share", user=1, chat=1, what="contact")
    answers = (await open_talk(desk))["answers"]
    assert {each["name"]: each["value"] for each in answers} == {
        "kind": "Black",
        "cups": 2,
        "paid": {"amount": 5},
        "phone": "Ann sent a contact",
    }


async def test_a_question_is_asked_again_and_what_followed_is_undone(desk: Desk) -> None:
    await desk.say("/order")
    await desk.tap("Black")
    await desk.say("2")
    assert (await fields(desk))["notes"]["value"] == ["Black"]

    await desk.ask("ask_again", key="1_1", question="kind")

    turn = desk.last
    assert (turn.title, turn.error) == ("Back to the question kind", None)
    assert [call.payload["text"] for call in turn.calls] == ["Which kind?"]
    assert (turn.before or {})["cups"] == 2
    assert (turn.after or {})["cups"] == 0
    found = await open_talk(desk)
    assert (found["waiting"], found["answers"]) == ("kind", [])
    assert found["until"] is not None
    await desk.tap("Green")
    await desk.say("3")
    after = await fields(desk)
    assert (after["notes"]["value"], after["cups"]["value"]) == (["Green"], 3)


async def test_going_back_to_a_question_can_be_taken_back(desk: Desk) -> None:
    await desk.say("/order")
    await desk.tap("Black")
    await desk.ask("ask_again", key="1_1", question="kind")
    await desk.ask("go_back", turn=desk.last.number)
    found = await open_talk(desk)
    assert (found["waiting"], [each["name"] for each in found["answers"]]) == ("cups", ["kind"])


async def test_a_question_that_cannot_be_asked_again_is_refused(desk: Desk) -> None:
    assert await desk.refusal("ask_again", key="1_1", question="kind") == "no talk is open"
    await desk.say("/order")
    await desk.tap("Black")
    assert await desk.refusal("ask_again", key="1_1", question="cups") == (
        "'cups' is no question that was answered; there are: kind"
    )
    record = await desk.simulation.recorder.stored("1_1") or {}
    gone = {**record, "talk": {**record["talk"], "name": "gone"}}
    await desk.simulation.storage.write("1_1", gone)
    refusal = await desk.refusal("ask_again", key="1_1", question="kind")
    assert refusal == "the bot has no talk 'gone' any more"
    assert desk.last.title == "Ann tapped [Black]"


class Size(enum.Enum):
    small = "s"
    large = "l"


@pytest.mark.parametrize(
    ("hint", "name", "choices"),
    [
        (int, "int", None),
        (str | None, "str | None", None),
        (Size, "Size", ["s", "l"]),
        (Size | None, "Size | None", ["s", "l", None]),
        (Literal["a", 2], "Literal['a', 2]", ["a", 2]),
        (list[datetime], "list[datetime]", None),
        (dict[str, list[int]], "dict[str, list[int]]", None),
        (Annotated[int, "more"], "int", None),
    ],
)
def test_a_type_is_named_as_it_is_written(hint: Any, name: str, choices: Any) -> None:
    assert _name_of(hint) == name
    assert _choices(hint) == choices
