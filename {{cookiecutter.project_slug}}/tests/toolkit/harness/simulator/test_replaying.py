"""Specs and transcripts are opened again and played into the bot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .tea_house import Desk


async def test_a_saved_spec_is_listed_and_plays_as_it_was(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.tap("Green")
    seen = desk.texts()
    await desk.ask("save", name="Green tea")
    assert await desk.ask("specs") == [{"file": "green_tea.json", "name": "Green tea", "steps": 2}]
    await desk.say("something else")
    result = await desk.ask("replay", file="green_tea.json", name="Green tea")
    assert result == {"name": "Green tea", "steps": 2, "failed": 0}
    assert desk.texts() == seen
    turns = desk.simulation.recorder.turns
    assert [turn.verdict for turn in turns] == [None, "as expected", "as expected"]


async def test_a_replayed_talk_goes_on_and_is_saved_again(desk: Desk) -> None:
    sends = [{"text": "/tea", "userId": 2}, {"tap": {"$contains": "Gr"}, "userId": 2}]
    steps = [{"send": send, "expect": []} for send in sends]
    await desk.ask("replay", text=json.dumps([{"name": "one", "steps": steps}]))
    await desk.say("/tea", 2)
    await desk.tap("Black", 2)
    made = await desk.ask("draft", name="two")
    assert made["failure"] is None
    again = [step["send"] for step in json.loads(made["text"])["steps"]]
    assert again == [*sends, sends[0], {"tap": "Black", "userId": 2}]


async def test_a_step_that_goes_another_way_says_how(desk: Desk) -> None:
    spec = {
        "name": "x",
        "steps": [
            {
                "send": {"text": "/tea"},
                "expect": [{"method": "sendMessage", "payload": {"text": "Which coffee?"}}],
            }
        ],
    }
    result = await desk.ask("replay", text=json.dumps(spec))
    assert result["failed"] == 1
    assert "Which coffee?" in (desk.last.verdict or "")


async def test_a_strict_call_to_another_chat_goes_another_way_as_it_does_in_the_gate(
    desk: Desk,
) -> None:
    def told(**payload: Any) -> str:
        hello = {"send": {"text": "hello", "userId": 2}, "expect": [{"method": "sendMessage"}]}
        step = {"send": {"text": "/tell"}, "expect": [{"method": "sendMessage", **payload}]}
        return json.dumps({"name": "x", "strict": True, "steps": [hello, step]})

    assert (await desk.ask("replay", text=told()))["failed"] == 1
    assert "payload.chat_id: expected 1" in (desk.last.verdict or "")
    assert (await desk.ask("replay", text=told(payload={"chat_id": 2})))["failed"] == 0


async def test_a_date_counts_for_the_replay_alone(desk: Desk) -> None:
    spec = {
        "name": "x",
        "given": {"now": "2000-01-01T10:30:00+01:00"},
        "steps": [{"send": {"text": "/tea"}, "expect": [{"method": "sendMessage"}]}],
    }
    assert (await desk.ask("replay", text=json.dumps(spec)))["failed"] == 0
    seen = desk.simulation.telegram.messages(1)
    assert {datetime.fromtimestamp(each["date"], UTC).year for each in seen} == {2000}
    assert datetime.now(UTC).year > 2000


async def test_time_passes_at_once_where_a_spec_advances_it(desk: Desk) -> None:
    def told(text: str) -> str:
        due = {"method": "sendMessage", "payload": {"text": text}}
        asked = {"send": {"text": "/order"}, "expect": [{"method": "sendMessage"}]}
        steps = [asked, {"advance": "59m", "expect": []}, {"advance": "1m", "expect": [due]}]
        return json.dumps({"name": "x", "strict": True, "steps": steps})

    assert (await desk.ask("replay", text=told("You were away for too long.")))["failed"] == 0
    assert (await desk.ask("replay", text=told("too late")))["failed"] == 1


async def test_lines_of_a_terminal_are_a_transcript(desk: Desk) -> None:
    result = await desk.ask("replay", text="/tea\n/tap Green\n\n/as Ben\nhello\n")
    assert (result["steps"], result["failed"]) == (3, 0)
    assert desk.texts(1)[-1].endswith("at 14:00.")
    assert desk.texts(2) == ["hello", "You said: hello"]


async def test_a_step_that_cannot_be_done_stops_and_says_why(desk: Desk) -> None:
    refusal = await desk.refusal("replay", text="/tea\n/tap Coffee")
    assert "step 2: No button labelled 'Coffee'; there are 'Green', 'Black'" in refusal


async def test_what_is_no_spec_is_refused_with_its_place(desk: Desk, tmp_path: Path) -> None:
    refusal: Any = await desk.refusal("replay", text='{"name": "x", "steps": []}')
    assert "steps: must hold at least one step" in refusal
    assert "has no spec" in await desk.refusal("replay", text="[]")
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    assert await desk.ask("specs") == []
    assert "No such file" in await desk.refusal("replay", file="../../etc/passwd")


async def test_a_replay_sets_the_scene(desk: Desk) -> None:
    given = {
        "session": {"cups": 2},
        "sessions": {"2_2": {"cups": 5}},
        "users": [{"id": 2, "first_name": "Zoe"}],
        "language": "de",
        "chats": [{"id": -77, "type": "group", "title": "Tea room"}],
    }
    steps = [{"send": {"text": "/tea", "userId": user}, "expect": []} for user in (1, 2)]
    await desk.ask("replay", text=json.dumps({"name": "x", "given": given, "steps": steps}))
    telegram = desk.simulation.telegram

    async def cups(key: str) -> Any:
        return (await desk.simulation.recorder.fields(key) or {})["cups"]

    assert (await cups("1_1"), await cups("2_2")) == (2, 5)
    assert telegram.user(2)["first_name"] == "Zoe"
    assert telegram.user(1)["language_code"] == "de"
    assert telegram.chats[-77].data["title"] == "Tea room"
    made = await desk.ask("draft", name="again")
    assert json.loads(made["text"])["given"] == given
    assert made["failure"] is None
    await desk.ask("restart")
    assert await cups("2_2") == 5
    await desk.ask("start_over")
    assert await cups("1_1") == 0
    assert -77 not in desk.simulation.telegram.chats


async def test_a_scene_that_does_not_fit_is_refused(desk: Desk) -> None:
    for given in ({"session": {"cup": 2}}, {"settings": {"a": 1}}):
        steps = [{"send": {"text": "/tea"}, "expect": []}]
        spec = {"name": "x", "given": given, "steps": steps}
        refusal = await desk.refusal("replay", text=json.dumps(spec))
        assert "the bot does not start" in refusal
        await desk.ask("start_over")
        await desk.say("hello")
        assert desk.texts() == ["hello", "You said: hello"]


async def test_users_act_at_the_same_time(desk: Desk) -> None:
    sends = [{"text": "hello", "userId": user} for user in (1, 2)]
    told = [{"method": "sendMessage", "payload": {"chat_id": user}} for user in (2, 1)]
    steps = [
        {"concurrently": sends, "expect": told},
        {"send": {"text": "/crash"}, "expect": [{"method": "sendMessage"}], "fails": "kettle"},
        {"send": {"text": "hello"}, "expect": [], "fails": "kettle"},
    ]
    result = await desk.ask(
        "replay", text=json.dumps({"name": "x", "strict": True, "steps": steps})
    )
    assert result == {"name": "x", "steps": 3, "failed": 1}
    assert desk.last.verdict == 'the bot should have raised "kettle"'


async def test_what_comes_of_one_action_is_saved_as_one_step(desk: Desk) -> None:
    album = {"album": [{"photo": "a.jpg", "caption": "a"}, {"photo": "b.jpg"}]}
    steps = [{"send": album, "expect": []}, {"send": {"text": "hi"}, "expect": []}]
    await desk.ask("replay", text=json.dumps({"name": "x", "steps": steps}))
    made = json.loads((await desk.ask("draft", name="y"))["text"])["steps"]
    assert [step["send"] for step in made] == [album, {"text": "hi"}]
