"""Which commands count as exercised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.harness.specs.coverage import commands_of, load_commands, measure
from toolkit.harness.specs.spec import BotSpec, SpecError, parse_specs

ANSWER = [{"method": "sendMessage"}]


def spec(text: str, expect: Any = ANSWER) -> BotSpec:
    step = {"send": {"text": text}, "expect": expect}
    return parse_specs({"name": "a", "steps": [step]}, "f")[0]


@pytest.mark.parametrize(
    "text", ["/book", " /book", "/book@my_bot", "/book tomorrow", "/book\nnow"]
)
def test_a_command_is_exercised_by_a_step_that_sends_it(text: str) -> None:
    assert commands_of(spec(text)) == {"book"}


@pytest.mark.parametrize("text", ["book", "see /book", "/book-now", "/", "//book"])
def test_other_texts_exercise_nothing(text: str) -> None:
    assert commands_of(spec(text)) == set()


def test_a_step_that_expects_nothing_does_not_count() -> None:
    assert commands_of(spec("/book", [])) == set()


def test_a_raw_update_does_not_count() -> None:
    step = {"send": {"update": {"message": {"text": "/book"}}}, "expect": ANSWER}
    assert commands_of(parse_specs({"name": "a", "steps": [step]}, "f")[0]) == set()


def test_commands_are_case_sensitive() -> None:
    assert measure([spec("/Book")], ["book"]).missing == ["book"]


def test_the_report_names_each_declared_command_once_without_slash() -> None:
    coverage = measure([spec("/book"), spec("/help")], ["/book", "cancel", "book@my_bot", " "])
    assert coverage.as_json() == {
        "declared": ["book", "cancel"],
        "covered": ["book"],
        "missing": ["cancel"],
        "fraction": 0.5,
    }


def test_nothing_declared_is_fully_covered() -> None:
    assert measure([], []).fraction == 1


@pytest.mark.parametrize(
    "data", [["start", "/help"], [{"command": "start", "description": "Hi"}, {"command": "/help"}]]
)
def test_a_file_declares_commands_by_name_or_as_objects(tmp_path: Path, data: Any) -> None:
    file = tmp_path / "commands.json"
    file.write_text(json.dumps(data))
    assert load_commands(file) == ["start", "/help"]


@pytest.mark.parametrize("text", ["{", '{"command": "start"}', "[1]", '[{"name": "start"}]', "7"])
def test_a_file_that_declares_no_commands_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "commands.json"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"commands\.json: "):
        load_commands(file)
