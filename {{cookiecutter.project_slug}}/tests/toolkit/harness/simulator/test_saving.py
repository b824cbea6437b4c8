"""A conversation becomes a spec that passes when it is run."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from toolkit.harness.simulator.saving import draft
from toolkit.harness.simulator.sharing import Sent

from .tea_house import Desk


async def steps(desk: Desk, **choice: Any) -> list[Any]:
    """The steps of the spec of all that was done; it passes."""
    found = draft(desk.simulation, "a talk", **choice)
    assert await found.verify(desk.simulation.make_bot) is None
    assert json.loads(found.text) == found.spec
    return list(found.spec["steps"])


async def test_taps_are_told_by_label_and_texts_by_what_stays_true(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.tap("Green")
    assert await steps(desk) == [
        {
            "send": {"text": "/tea"},
            "expect": [{"method": "sendMessage", "payload": {"text": "Which tea?"}}],
        },
        {
            "send": {"tap": "Green"},
            "expect": [
                {"method": "answerCallbackQuery", "payload": {"text": "Poured"}},
                {
                    "method": "editMessageText",
                    "payload": {"text": {"$contains": "your tea comes on"}},
                },
            ],
        },
    ]


async def test_the_session_is_expected_where_it_changed_and_will_be_the_same(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.tap("Green")
    sessions = [step["session"] for step in await steps(desk, session=True)]
    assert sessions == [{"step": "choosing"}, {"step": "idle", "tea": "green"}]


async def test_time_that_was_let_pass_is_a_step(desk: Desk) -> None:
    await desk.say("/order")
    await desk.ask("wait", duration="30m")
    await desk.ask("wait_for_timer")
    late = {"chat_id": 1, "text": "You were away for too long."}
    assert (await steps(desk))[1:] == [
        {"advance": "30m", "expect": []},
        {"advance": "30m", "expect": [{"method": "sendMessage", "payload": late}]},
    ]


async def test_a_timer_comes_in_a_spec_however_long_its_writer_took(desk: Desk) -> None:
    await desk.say("/order")
    await asyncio.sleep(1.1)
    await desk.ask("wait_for_timer")
    (_, waited) = await steps(desk)
    assert waited["advance"] == "1h"
    assert len(waited["expect"]) == 1
    first = desk.simulation.recorder.turns[1]
    begins = draft(desk.simulation, "a talk").spec["given"]["now"]
    assert 0 <= datetime.fromisoformat(begins).timestamp() - first.at < 1


async def test_people_and_groups_keep_their_numbers(desk: Desk) -> None:
    group = min(desk.simulation.telegram.chats)
    await desk.say("hello", 3)
    await desk.say("hello", 2, group)
    await desk.say("hello")
    sends = [step["send"] for step in await steps(desk)]
    assert sends == [
        {"text": "hello", "userId": 3},
        {"text": "hello", "userId": 2, "chatId": group},
        {"text": "hello"},
    ]


async def test_a_call_to_another_chat_names_that_chat(desk: Desk) -> None:
    await desk.say("hello", 2)
    await desk.say("/tell", 1)
    expected = (await steps(desk))[1]["expect"]
    assert expected == [
        {"method": "sendMessage", "payload": {"chat_id": 2, "text": "Tea is ready"}}
    ]


async def test_a_part_of_a_talk_is_saved(desk: Desk) -> None:
    await desk.say("hello")
    first = (await desk.say("/tea")).number
    last = (await desk.say("one")).number
    await desk.say("two")
    sends = [step["send"] for step in await steps(desk, first=first, last=last)]
    assert sends == [{"text": "/tea"}, {"text": "one"}]


async def test_a_reply_to_another_than_the_newest_is_kept_as_an_update_that_is_dated_anew(
    desk: Desk,
) -> None:
    await desk.say("hello")
    answer = desk.simulation.telegram.messages(1)[-1]["message_id"]
    await desk.say("what?", reply=answer)
    await desk.say("what?", reply=answer)
    newest, older = (step["send"] for step in (await steps(desk))[1:])
    assert newest == {"reply": "what?"}
    assert older["update"]["message"]["date"] == 0
    assert older["update"]["message"]["reply_to_message"]["message_id"] == answer


async def test_what_is_not_text_is_saved_in_words(desk: Desk) -> None:
    await desk.say("helo")
    await desk.ask("rewrite", user=1, chat=1, message=1, text="hello")
    await desk.ask("share", user=1, chat=1, what="contact")
    await desk.ask("share", user=1, chat=1, what="location")
    await desk.attach(1, Sent("cat.png", b"\x89PNG", {}))
    await desk.attach(2, Sent("a.txt", b"a", {}))
    await desk.attach(1, Sent("song.ogg", b"a", {"kind": "voice", "duration": 3}))
    await desk.attach(1, Sent("cat.png", b"\x89PNG", {}), Sent("dog.png", b"\x89PNG", {}))
    assert [step["send"] for step in (await steps(desk))[1:]] == [
        {"edit": "hello"},
        {"contact": "+10000000000"},
        {"location": {"latitude": 52.52, "longitude": 13.405}},
        {"photo": "cat.png"},
        {"document": "a.txt", "userId": 2},
        {"voice": "song.ogg", "duration": 3},
        {"album": [{"photo": "cat.png"}, {"photo": "dog.png"}]},
    ]


async def test_an_older_message_that_is_changed_is_saved_as_an_update(desk: Desk) -> None:
    await desk.say("one")
    await desk.say("two")
    await desk.ask("rewrite", user=1, chat=1, message=1, text="three")
    assert "edited_message" in (await steps(desk))[2]["send"]["update"]


async def test_faults_are_in_the_steps_that_met_them(desk: Desk) -> None:
    async def switch_off(seconds: float) -> None:
        await desk.ask_at_once("fault", name="flood", on=False)

    desk.simulation.recorder.running_app.bot.sleep = switch_off
    await desk.ask("fault", name="flood", on=True)
    await desk.say("hello")
    (step,) = await steps(desk)
    assert step["fault"] == {"method": "sendMessage", "error": 429, "retry_after": 3}
    assert len(step["expect"]) == 2


async def test_what_was_delivered_again_or_changed_by_hand_is_no_step(desk: Desk) -> None:
    await desk.say("hello")
    await desk.ask("redeliver")
    await desk.ask("edit", key="1_1", name="cups", value=2)
    assert len(await steps(desk)) == 1


async def test_what_will_not_stay_true_is_said(desk: Desk) -> None:
    await desk.say("on 24 November")
    await desk.say("/crash")
    found = draft(desk.simulation, "a talk")
    assert found.warnings == [
        "Step 1 says “on 24 November”, a day that will have passed.",
        "Step 2 raised RuntimeError: the kettle broke; it fails until that is fixed.",
    ]
    assert "the kettle broke" in (await found.verify(desk.simulation.make_bot) or "")


async def test_a_file_is_only_replaced_when_told(desk: Desk, tmp_path: Path) -> None:
    await desk.say("hello")
    path = tmp_path / "specs" / "green_tea.json"
    assert await desk.ask("save", name="Green tea") == str(path)
    assert "exists already" in await desk.refusal("save", name="green TEA")
    await desk.ask("save", name="Green tea!", replace=True)
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == "Green tea!"


async def test_a_name_cannot_lead_out_of_the_folder(desk: Desk, tmp_path: Path) -> None:
    await desk.say("hello")
    saved = await desk.ask("save", name="../../etc/passwd")
    assert saved == str(tmp_path / "specs" / "etc_passwd.json")


async def test_nothing_done_and_no_name_are_refused(desk: Desk) -> None:
    assert "there is nothing yet" in await desk.refusal("draft", name="a")
    await desk.say("hello")
    assert "needs a name" in await desk.refusal("draft", name=" ")


async def test_characters_that_turn_text_around_are_escaped_in_the_file(desk: Desk) -> None:
    await desk.say("a\u202eb")
    text = draft(desk.simulation, "x\u2067y").text
    assert "\u2067" not in text
    assert "\\u2067" in text


@pytest.mark.parametrize("session", [False, True])
async def test_a_page_sees_the_file_the_verdict_and_the_path(
    desk: Desk, tmp_path: Path, session: bool
) -> None:
    await desk.say("/tea")
    made = await desk.ask("draft", name="Tea", session=session)
    assert ('"session"' in made["text"]) is session
    assert made["failure"] is None
    assert made["path"] == str(tmp_path / "specs" / "tea.json")
    assert made["exists"] is False


async def test_a_draft_is_checked_as_the_hard_gate_would(desk: Desk) -> None:
    await desk.say("/tea")

    checked = await desk.ask("check", name="Tea")

    assert checked["noticed"] < checked["changes"]
    assert len(checked["failures"]) >= checked["changes"] - checked["noticed"]
    repeat = next(each for each in checked["failures"] if each["code"] == "UNNOTICED_REPEAT")
    assert (repeat["spec"], repeat["step"]) == ("Tea", 1)
    assert repeat["fix"] == 'write "strict": true into the spec'
    assert "needs a name" in await desk.refusal("check", name=" ")


async def test_what_was_done_by_hand_is_left_out_and_named(desk: Desk) -> None:
    await desk.say("/order")
    await desk.tap("Black")
    await desk.ask("ask_again", key="1_1", question="kind")
    assert draft(desk.simulation, "an order").warnings == []
    await desk.tap("Green")
    await desk.ask("edit", key="1_1", name="cups", value=7)
    await desk.say("2")

    found = draft(desk.simulation, "an order")

    assert [step["send"] for step in found.spec["steps"]] == [
        {"text": "/order"},
        {"tap": "Black"},
        {"tap": "Green"},
        {"text": "2"},
    ]
    assert found.warnings == [
        "Step 3 comes after “Back to the question kind”, which no step can do and the spec leaves "
        "out; from there on it may go another way.",
        "Step 4 comes after “cups was set by hand”, which no step can do and the spec leaves out; "
        "from there on it may go another way.",
    ]
    assert "step 3 of 4" in (await found.verify(desk.simulation.make_bot) or "")


async def test_what_was_done_by_hand_alone_is_no_spec(desk: Desk) -> None:
    await desk.ask("edit", key="1_1", name="cups", value=7)
    assert "nothing yet" in await desk.refusal("draft", name="by hand")
