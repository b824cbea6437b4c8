"""The JSON Schema that editors check spec files by takes the files that the parser takes."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts import make_schema
from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit.harness.specs.spec import SpecError, parse_specs

VALIDATOR = jsonschema.Draft202012Validator(make_schema.schema())
STEPS: list[dict[str, Any]] = [
    {
        "send": {"text": "/book", "userId": 2, "chatId": -1},
        "expect": [
            {
                "method": "sendMessage",
                "payload": {"text": {"$contains": ["a"]}, "other": [{"b": None}]},
                "buttons": ["Yes", {"$regex": "^N"}],
            }
        ],
        "session": {"step": {"$text": ["a", "b"], "language": "de"}},
        "talk": {"name": "order", "waiting": {"$regex": "a"}, "answers": {"size": 3}},
    },
    {
        "send": {"tap": {"$regex": "a"}, "messageId": 7},
        "expect": [],
        "fault": [{"method": "sendMessage", "error": 429, "retry_after": 3, "times": "always"}],
    },
    {"send": {"tap": "Yes"}, "expect": [{"method": "a", "buttons": {"$contains": "b"}}]},
    {"send": {"callback": "a", "messageId": 1}, "expect": [], "fault": {"error": "network"}},
    {"send": {"update": {"update_id": 1, "message": {}}}, "expect": [{"method": "a"}]},
    {"advance": "1d12h", "expect": [{"method": "a"}], "session": {}, "talk": None},
]
SPEC = {
    "$schema": "a",
    "name": "a",
    "strict": True,
    "given": {
        "settings": {"a": 1},
        "session": {},
        "language": "de",
        "now": "2026-11-23T10:30:00+01:00",
    },
    "allow": ["CHANGED_BY_RESTART"],
    "steps": STEPS[:2],
}
FILES: list[Any] = [SPEC, [SPEC, SPEC], {"$schema": "a", "given": {}, "specs": [SPEC]}]
SENDS: list[dict[str, Any]] = [
    {"text": "a", "replyTo": 1, "topicId": 5},
    {"photo": "a.jpg", "caption": "a"},
    {"document": "a.csv", "content": "a", "chatId": -1},
    {"voice": "a.ogg", "duration": 5},
    {"location": {"latitude": 1.5, "longitude": -180}},
    {"contact": "+1", "name": "a"},
    {"album": [{"photo": "a.jpg"}, {"document": "a", "caption": "a", "content": "a"}]},
    {"forward": 1, "fromChatId": -1, "fromUserId": 1},
    {"reply": "a", "messageId": 1},
    {"edit": "a"},
    {"reaction": ["a", "b"]},
    {"vote": ["a", 1, {"$regex": "a"}]},
    {"pay": {"$contains": "a"}},
    {"query": "", "offset": "1"},
    {"choose": "a", "chatId": -1},
    {"join": -1},
    {"leave": -1, "userId": 2},
    {"webAppData": {"a": 1}, "button": "a"},
]
SCENE = {
    "sessions": {"1_1": {"a": 1}, "-1_2_t5": {}},
    "records": {"a:1_1": {"a": [1]}},
    "users": [{"id": 1, "first_name": "a", "username": "a", "is_premium": True}],
    "chats": [
        {"id": 7, "type": "private"},
        {"id": -5, "type": "channel", "title": "a", "bot_rights": ["can_post_messages"]},
        {"id": -2, "topics": [{"id": 5, "name": "a"}], "members": [1], "administrators": [2]},
    ],
}
TOGETHER = {"concurrently": [{"text": "a"}, {"tap": "a", "userId": 2}], "expect": []}
FAILING = {"send": {"text": "a"}, "expect": [], "fails": {"$regex": "a"}}

# The parser compiles expressions, which a schema cannot; and 1.0 is a whole number for a schema.
VALUES: list[Any] = [
    *(None, True, 0, 1, -1, 399, 400, 1.5, "", "a", "always", "network", [], {}, [1], ["a"], [""]),
    *({"a": 1}, {"a": 1, "b": 2}, {"update_id": 1}, {"$contains": 1}, {"$contains": {"$odd": 1}}),
    *({"$regex": "a"}, {"$regex": 1}, {"$text": []}, {"$text": ["a"], "b": 1}, {"$text": [1]}),
    *("90s", "0s", "1h1d", "2026-11-23T10:30Z", "2026-11-23T10:30", "2026-11-23"),
    *({"$text": "a", "$regex": "a"}, {"$regex": "a", "b": 1}, {"b": [{"$odd": 1}]}, {"$odd": 1}),
]
KEYS = ["text", "tap", "update", "update_id", "userId", "$contains", "$odd", "", "a", "name"]
KEYS += ["specs", "given", "method", "payload", "buttons", "error", "times", "fault", "session"]
KEYS += ["talk", "waiting", "answers"]
KEYS += ["replyTo", "messageId", "photo", "caption", "1_1", "topics"]
KEYS += ["send", "advance", "concurrently"]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value in a value is."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(each, (*path, key))


def holder_of(file: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        file = file[key]
    return file


def replace(path: tuple[Any, ...], value: Any, file: Any) -> None:
    holder_of(file, path)[path[-1]] = value


def remove(path: tuple[Any, ...], file: Any) -> None:
    del holder_of(file, path)[path[-1]]


def add(path: tuple[Any, ...], key: str, file: Any) -> None:
    value = holder_of(file, path)[path[-1]]
    if isinstance(value, dict):
        value[key] = "a"
    elif isinstance(value, list):
        value.append("a")


def changes(file: Any, within: tuple[Any, ...] = ()) -> Iterator[Callable[[Any], None]]:
    """Yield every way to change a file in one place, there or anywhere."""
    for path in paths(holder_of(file, (*within, "")), within):
        for value in VALUES:
            yield partial(replace, path, value)
        yield partial(remove, path)
        for key in KEYS:
            yield partial(add, path, key)


def parses(file: Any) -> bool:
    try:
        parse_specs(file, "f")
    except SpecError:
        return False
    return True


FILE = FILES[2]
# All that are in one part are tried on that part alone.
CHANGES = random.Random(7).sample([*changes(FILE)], 1500)  # noqa: S311 - no secret


def test_the_schema_takes_what_the_parser_takes_after_any_change() -> None:
    taken = 0
    for change in CHANGES:
        file = copy.deepcopy(FILE)
        change(file)
        parsed = parses(file)
        taken += parsed
        assert VALIDATOR.is_valid(file) is parsed, file
    assert 0.1 < taken / len(CHANGES) < 0.9


def small(step: Any = None, **given: Any) -> Any:
    """A file with nothing else in it."""
    step = step or {"send": {"text": "a"}, "expect": []}
    return {"name": "a", "steps": [step], **({"given": given} if given else {})}


SMALL = [
    *((small({"send": send, "expect": []}), ("steps", 0, "send")) for send in SENDS),
    *((small(step), ("steps", 0)) for step in (*STEPS[2:], TOGETHER, FAILING)),
    (small(**SCENE), ("given",)),
]


@pytest.mark.parametrize(("file", "within"), SMALL, ids=lambda value: str(value)[-50:])
def test_the_schema_takes_what_the_parser_takes_of_each_part(
    file: Any, within: tuple[Any, ...]
) -> None:
    assert parses(file)
    assert VALIDATOR.is_valid(file)
    for change in changes(file, within):
        changed = copy.deepcopy(file)
        change(changed)
        assert VALIDATOR.is_valid(changed) is parses(changed), changed


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(CHANGES), min_size=2, max_size=4))
def test_the_schema_takes_what_the_parser_takes_after_several(several: list[Any]) -> None:
    file = copy.deepcopy(FILE)
    for change in several:
        with contextlib.suppress(LookupError, TypeError):  # what it changes is gone
            change(file)
    assert VALIDATOR.is_valid(file) is parses(file)


@pytest.mark.parametrize("file", FILES)
def test_both_take_what_is_right(file: Any) -> None:
    assert VALIDATOR.is_valid(file)
    assert parses(file)


def test_the_schema_is_up_to_date_and_is_one() -> None:
    text = make_schema.FILE_NAME.read_text(encoding="utf-8")

    assert text == make_schema.text(), "run scripts/make_schema.py"
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_the_specs_of_both_examples_name_it_and_fit() -> None:
    files = [*(TEMPLATE / "tests/specs").glob("*.json")]
    files += (TEMPLATE / ".blank/tests/specs").glob("*.json")

    assert len(files) >= 4
    for file in files:
        data = json.loads(file.read_text(encoding="utf-8"))
        assert data["$schema"] == "../../src/toolkit/harness/botspec.schema.json", file
        assert VALIDATOR.is_valid(data), file
