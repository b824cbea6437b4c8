"""Reading spec files: what is taken, and how the rest is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.harness.specs.spec import SpecError, find_files, load_specs, parse_specs


def spec_with(**step: Any) -> dict[str, Any]:
    return {"name": "a dialogue", "steps": [{"send": {"text": "hi"}, "expect": [], **step}]}


def test_a_file_holds_one_spec_or_an_array_of_them(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(spec_with()), encoding="utf-8-sig")
    assert [spec.name for spec in load_specs(file)] == ["a dialogue"]
    file.write_text(json.dumps([spec_with(), spec_with()]))
    assert len(load_specs(file)) == 2


def test_user_1_in_their_private_chat_is_the_default() -> None:
    send = parse_specs(spec_with(), "f")[0].steps[0].send
    assert (send.user_id, send.chat_id) == (1, None)


@pytest.mark.parametrize(
    "send",
    [
        {"text": "/book", "chatId": 42, "userId": 99},
        {"callback": "menu:book", "messageId": 100},
        {"tap": "Haircut", "userId": 2, "chatId": -100, "messageId": 3},
        {"update": {"update_id": 1, "message": {}}},
        {"update": {"message": {}}, "userId": 3},
        {"photo": "cat.jpg", "caption": "My cat", "replyTo": 2},
        {"document": "prices.csv", "content": "tea,3", "topicId": 5, "chatId": -100},
        {"voice": "hello.ogg", "duration": 3},
        {"location": {"latitude": 52.52, "longitude": 13}},
        {"contact": "+1", "name": "Zoe"},
        {"album": [{"photo": "a.jpg"}, {"document": "b.pdf", "caption": "b"}]},
        {"forward": "News", "fromChatId": -100},
        {"reply": "Ann"},
        {"edit": "Anne", "messageId": 1},
        {"reaction": ["👍", "🔥"]},
        {"vote": ["Tea", {"$regex": "^C"}, 2]},
        {"pay": {"$contains": "Tea"}},
        {"query": ""},
        {"choose": "Green tea"},
        {"join": -100},
        {"leave": -100, "userId": 2},
        {"webAppData": {"size": "L"}, "button": "Open"},
    ],
)
def test_every_kind_of_send_is_read(send: dict[str, Any]) -> None:
    read = parse_specs(spec_with(send=send), "f")[0].steps[0].send
    assert read.value == send[read.kind]
    assert read.source == send


WRONG: list[tuple[Any, str]] = [
    (7, "f: must be a spec or an array of specs, not 7"),
    ([7], "f, spec 1: must be an object, not 7"),
    ({}, "f, spec 1, name: is missing"),
    ({"specs": {}}, "f, specs: must be an array, not {}"),
    ({"specs": [], "name": "a"}, "f, name: unknown field; it may be given, specs"),
    ({"specs": [], "given": {"a": 1}}, "f, given.a: unknown field; it may be settings, session, "),
    ({"specs": [{}]}, "f, spec 1, name: is missing"),
    ({"specs": [spec_with()], "given": {"language": 1}}, "f, given.language: must be text"),
    ({"name": ""}, "f, spec 1, steps: is missing"),
    ({"name": "a", "steps": [{"expect": []}]}, "f, spec 1 (a), step 1, send: is missing; "),
    ({"name": "a", "steps": [{"advance": "1h"}]}, "f, spec 1 (a), step 1, expect: is missing; "),
    (
        {"name": "a", "steps": [{"advance": "1 h", "expect": []}]},
        "f, spec 1 (a), step 1, advance: a duration is like 90s, 15m, 24h, 30d or 1d12h, not '1 h'",
    ),
    (
        {"name": "a", "steps": [{"advance": 5, "expect": []}]},
        "f, spec 1 (a), step 1, advance: must be text, not 5",
    ),
    (
        {**spec_with(), "given": {"now": "2026-11-23T10:30:00"}},
        "f, spec 1 (a dialogue), given.now: a moment is like 2026-11-23T10:30:00+01:00, not 2026-",
    ),
    ({"name": "", "steps": []}, "f, spec 1, name: must not be empty"),
    ({"name": "a", "steps": []}, "f, spec 1 (a), steps: must hold at least one step"),
    ({"name": "a", "steps": {}}, "f, spec 1 (a), steps: must be an array, not {}"),
    (
        {**spec_with(), "strict": 1},
        "f, spec 1 (a dialogue), strict: must be true or false, not 1",
    ),
    (
        {**spec_with(), "allow": ["ANYTHING"]},
        'f, spec 1 (a dialogue), allow: "ANYTHING" is none of CHANGED_BY_RESTART, ',
    ),
    (
        {**spec_with(), "stict": True},
        "f, spec 1, stict: unknown field; it may be name, strict, given, allow, steps",
    ),
    (
        [spec_with(), spec_with(send={"text": 5})],
        "f, spec 2 (a dialogue), step 1, send.text: must be text, not 5",
    ),
]

WRONG_STEPS: list[tuple[dict[str, Any], str]] = [
    ({"advance": "1h"}, "advance: stands in place of send, not beside it"),
    ({"send": {}}, "send: must have exactly one of text, callback, tap, update, photo, "),
    ({"send": {"text": "a", "tap": "b"}}, "send: must have exactly one of"),
    ({"send": {"tap": {"$regex": "("}}}, "send.tap: $regex must be a regular expression"),
    ({"send": {"tap": {"label": "b"}}}, "send.tap: must be text"),
    ({"send": {"text": "a", "messageId": 1}}, "send.messageId: unknown field; it may be text,"),
    ({"send": {"text": ""}}, "send.text: must not be empty"),
    ({"send": {"callback": "a", "mesageId": 1}}, "send.mesageId: unknown field; it may be callb"),
    (
        {"send": {"callback": "a", "messageId": "7"}},
        'send.messageId: must be a whole number, not "',
    ),
    ({"send": {"text": "a", "userId": True}}, "send.userId: must be a whole number, not true"),
    ({"send": {"text": "a", "userId": -100}}, "send.userId: must be 1 or more"),
    ({"send": {"photo": ""}}, "send.photo: must not be empty"),
    ({"send": {"photo": "a", "duration": 1}}, "send.duration: unknown field; it may be photo, "),
    (
        {"send": {"location": {"latitude": 91, "longitude": 0}}},
        "send.location.latitude: must be a number from -90 to 90, not 91",
    ),
    ({"send": {"location": {"latitude": 1}}}, "send.location.longitude: is missing"),
    ({"send": {"album": [{"photo": "a"}]}}, "send.album: must hold 2 to 10 messages, not 1"),
    ({"send": {"album": ["a", "b"]}}, 'send.album[0]: must be an object, not "a"'),
    (
        {"send": {"album": [{"photo": "a"}, {"voice": "b"}]}},
        "send.album[1]: must have exactly one of photo, document; it has none",
    ),
    ({"send": {"vote": [-1]}}, "send.vote: counts options from 0; -1 is none"),
    ({"send": {"reaction": [1]}}, "send.reaction: must be text, not 1"),
    ({"send": {"join": 100}}, "send.join: must be the id of a group, below 0, not 100"),
    ({"send": {"forward": True}}, "send.forward: must be text, not true"),
    ({"send": {"query": 1}}, "send.query: must be text, not 1"),
    ({"concurrently": [], "send": {"text": "a"}}, "concurrently: stands in place of send, not"),
    ({"fails": ""}, "fails: must not be empty"),
    ({"fails": {"$regex": "("}}, "fails: $regex must be a regular expression"),
    ({"send": {"update": {"update_id": 1}}}, "send.update: must hold one update"),
    ({"expect": {}}, "expect: must be an array, not {}"),
    ({"expect": ["sendMessage"]}, 'expect[0]: must be an object, not "sendMessage"'),
    ({"expect": [{"payload": {}}]}, "expect[0].method: is missing"),
    ({"expect": [{"method": "a", "paylod": {}}]}, "expect[0].paylod: unknown field"),
    ({"session": {"$contains": 1}}, "session: $contains stands for a value; name the field that"),
    ({"expect": [{"method": "a", "payload": {"$regex": "a"}}]}, "expect[0].payload: $regex stands"),
    ({"session": {"a": {"$text": "b", "$regex": "c"}}}, "session.a: $text cannot stand beside $re"),
    ({"expect": [{"method": "a", "buttons": "b"}]}, 'expect[0].buttons: must be an array, not "b"'),
    ({"expect": [{"method": "a", "buttons": [1]}]}, "expect[0].buttons[0]: must be text, not 1"),
    ({"expect": [{"method": "a", "buttons": [{"$x": 1}]}]}, "expect[0].buttons[0]: there is no"),
    ({"expect": [{"method": "a", "payload": []}]}, "expect[0].payload: must be an object"),
    (
        {"expect": [{"method": "a", "payload": {"text": {"$containz": "b"}}}]},
        "expect[0].payload.text: there is no matcher $containz; there are $contains, $regex, $text",
    ),
    (
        {"expect": [{"method": "a", "payload": {"rows": [{"$regex": "("}]}}]},
        "expect[0].payload.rows[0]: $regex must be a regular expression",
    ),
    (
        {"session": {"step": {"$regex": "a", "more": 1}}},
        "session.step: $regex must be the only field of its object",
    ),
    ({"session": []}, "session: must be an object"),
    ({"talk": "order"}, 'talk: must be an object, not "order"'),
    ({"talk": []}, "talk: must be an object, not []"),
    ({"talk": False}, "talk: must be an object, not false"),
    ({"talk": "any"}, 'talk: must be an object, not "any"'),
    ({"talk": {"wating": "a"}}, "talk.wating: unknown field; it may be name, waiting, answers"),
    ({"talk": {"$regex": "a"}}, "talk.$regex: unknown field; it may be name, waiting, answers"),
    ({"talk": {"name": {"$regex": "("}}}, "talk.name: $regex must be a regular expression"),
    ({"talk": {"answers": {"a": {"$x": 1}}}}, "talk.answers.a: there is no matcher $x; there are"),
    ({"fault": 429}, "fault: must be an object"),
    ({"fault": {"eror": 429}}, "fault: a fault has no field 'eror'"),
    ({"fault": [{"error": 403, "times": 0}]}, "fault: times is 0; it must be a number from 1"),
    (
        {"notes": "x"},
        "notes: unknown field; it may be send, advance, concurrently, expect, session, ",
    ),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_no_spec_is_refused_with_its_place(data: Any, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_specs(data, "f")
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(("step", "message"), WRONG_STEPS)
def test_what_is_no_step_is_refused_with_its_field(step: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_specs(spec_with(**step), "f")
    assert str(refused.value).startswith(f"f, spec 1 (a dialogue), step 1, {message}")


@pytest.mark.parametrize(
    ("sends", "message"),
    [
        ({}, "concurrently: must be an array, not {}"),
        ([{"text": "a"}], "concurrently: must hold at least two sends; one goes into send"),
        ([{"text": "a"}, {"text": 1}], "concurrently[1].text: must be text, not 1"),
    ],
)
def test_what_cannot_be_done_concurrently_is_refused(sends: Any, message: str) -> None:
    spec = {"name": "a", "steps": [{"concurrently": sends, "expect": []}]}
    with pytest.raises(SpecError) as refused:
        parse_specs(spec, "f")
    assert str(refused.value) == f"f, spec 1 (a), step 1, {message}"


@pytest.mark.parametrize("name", ["send", "expect"])
def test_a_step_without_send_or_expect_is_refused_with_what_would_be_right(name: str) -> None:
    spec = spec_with()
    del spec["steps"][0][name]
    with pytest.raises(SpecError, match=rf"step 1, {name}: is missing; .*[{{\[]"):
        parse_specs(spec, "f")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Expecting property name"),
        ('{"name": NaN}', "NaN is not JSON"),
        ('{"name": "a", "name": "b"}', "'name' appears twice"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_json_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    with pytest.raises(SpecError, match=rf"broken\.json: cannot be read as JSON: .*{problem}"):
        load_specs(file)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.json"
    file.write_bytes('{"name": "é"}'.encode("latin-1"))
    with pytest.raises(SpecError, match=r"latin\.json: cannot be read as JSON"):
        load_specs(file)


def test_files_are_found_by_pattern_once_each_and_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "a.txt"):
        (tmp_path / name).touch()
    found = find_files([f"{tmp_path}/*.json", f"{tmp_path}/a.json"])
    assert found == [f"{tmp_path}/a.json", f"{tmp_path}/b.json"]


def test_a_pattern_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nothing\.json: no such file"):
        find_files([f"{tmp_path}/nothing.json"])


def test_what_a_file_gives_holds_for_specs_that_do_not_say_otherwise() -> None:
    given = {"language": "de", "settings": {"a": 1}}
    own = {**spec_with(), "given": {"settings": {"b": 2}, "session": {"c": 3}}}

    first, second = parse_specs({"given": given, "specs": [spec_with(), own]}, "f")

    assert (first.given.language, first.given.settings, first.given.session) == ("de", {"a": 1}, {})
    assert (second.given.language, second.given.settings) == ("de", {"b": 2})
    assert second.given.session == {"c": 3}
