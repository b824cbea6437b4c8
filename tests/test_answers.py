"""Bad answers are refused before anything is written; odd but good ones are copied as text."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]

from hooks import pre_gen_project as hook
from tests.support import ROOT, Render

GOOD_SLUGS = ["booking-bot", "bot", "a", "2048_bot", "MyBot", "x" * 50]
BAD_SLUGS = {
    "": "is empty",
    "..": "letters a to z",
    "../evil": "letters a to z",
    "a/b": "letters a to z",
    "/tmp/evil": "letters a to z",
    "a\\b": "letters a to z",
    "-rf": "letters a to z",
    "_private": "letters a to z",
    "my bot": "letters a to z",
    "bot\n": "letters a to z",
    "бот": "letters a to z",
    "{{ 7*7 }}": "letters a to z",
    "x" * 51: "51 characters",
    "class": "keyword",
    "None": "keyword",
    "json": "standard library",
    "asyncio": "standard library",
    "aiogram": "project installs",
    "Pydantic_Settings": "project installs",
    "con": "Windows",
}
HOSTILE = [
    'The "best" bot',
    "O'Brien's",
    "back\\slash \\n \\u0041 \\",
    "two\nlines\r\nand three",
    "{{ 7*7 }}",
    "{{ cookiecutter.__init__.__globals__ }}",
    "{% raw %} {% endraw %} {# {{",
    '"""',
    "'''",
    "'; import os; os.mkdir('pwned') #",
    '"; import os; os.mkdir("pwned") #',
    "r'{{ cookiecutter | tojson }}'",
    "$(touch pwned) `touch pwned` ${HOME} %s %(x)s",
    "💇 Салон «Ёлка»",
    "<script>alert(1)</script> & [link](x) # - * |",
    "name: value\n- item",
]


@pytest.mark.parametrize("slug", GOOD_SLUGS)
def test_a_good_slug_is_taken(slug: str) -> None:
    assert hook.refuse_slug(slug) == []


@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_a_bad_slug_is_refused_with_a_reason_and_a_good_one(slug: str) -> None:
    (reason,) = hook.refuse_slug(slug)

    assert BAD_SLUGS[slug] in reason
    offered = reason.rsplit("; ", 1)[1].split("'")[1]
    assert hook.refuse_slug(offered) == []


@pytest.mark.parametrize("slug", BAD_SLUGS)
def test_a_refused_slug_leaves_nothing_behind(slug: str, render: Render, tmp_path: Path) -> None:
    output = tmp_path / "a" / "b"
    output.mkdir(parents=True)

    with pytest.raises(FailedHookException, match="would do"):
        render(output, project_slug=slug)

    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", output]


@pytest.mark.parametrize("question", ["project_name", "description", "author_name"])
@pytest.mark.parametrize(
    ("answer", "reason"), [(" \n", "is empty"), ("a\x07b", "U+0007"), ("\ud800", "U+D800")]
)
def test_an_empty_or_unprintable_text_is_refused(
    question: str,
    answer: str,
    reason: str,
    render: Render,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answers = {
        "project_name": "Bot",
        "project_slug": "my-bot",
        "author_name": "Ann",
        question: answer,
    }

    with pytest.raises(FailedHookException):
        render(tmp_path, **answers)

    assert f"ERROR: {question}" in (errors := capfd.readouterr().err)
    assert reason in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", HOSTILE)
def test_an_odd_answer_is_text_and_never_runs(
    answer: str, render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one_line = " ".join(answer.split())

    project = render(tmp_path, project_name=answer, description=answer, author_name=answer)

    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert about["description"] == about["authors"][0]["name"] == one_line
    assert f"# {one_line}\n" in (project / "README.md").read_text(encoding="utf-8")
    assert f"Copyright (c) {one_line}\n" in (project / "LICENSE").read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [project]
    assert not list(project.rglob("pwned"))


def test_what_is_typed_at_the_prompt_is_text_too(cookiecutter_config: Path, tmp_path: Path) -> None:
    command = [
        "cookiecutter",
        str(ROOT),
        "--config-file",
        str(cookiecutter_config),
        "-o",
        str(tmp_path),
    ]
    typed = "{{ 7*7 }}\n\n{{ 6*6 }}\n\n2\n3\nn\nn\n"

    done = subprocess.run(
        [sys.executable, "-m", *command], input=typed, capture_output=True, text=True, check=True
    )

    about = tomllib.loads((tmp_path / "7-7" / "pyproject.toml").read_text())["project"]
    assert about["description"] == "{{ 6*6 }}"
    assert "SQLite: one file" in done.stdout
    assert not (tmp_path / "7-7" / "LICENSE").exists()


@pytest.mark.parametrize("word", ["yes", "True", "1", "no", "false", "0"])
def test_the_tests_of_the_toolkit_are_asked_for_on_the_command_line(
    word: str, cookiecutter_config: Path, tmp_path: Path
) -> None:
    command = ["cookiecutter", str(ROOT), "--no-input", "--config-file", str(cookiecutter_config)]

    subprocess.run(
        [sys.executable, "-m", *command, "-o", str(tmp_path), f"_toolkit_tests={word}"], check=True
    )

    kept = (tmp_path / "booking-bot/tests/toolkit").is_dir()
    assert kept is (word in ("yes", "True", "1"))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"context": {"cookiecutter": {"_toolkit_tests": "yes"}}}', True),
        ('{"context": {"cookiecutter": {"_toolkit_tests": true}}}', True),
        ('{"context": {"cookiecutter": {"__toolkit_tests": "yes"}}}', True),
        ('{"context": {"cookiecutter": {"_toolkit_tests": false, "__toolkit_tests": ""}}}', False),
        ('{"context": {"cookiecutter": {}}}', False),
        ('{"context": {"cookiecutter": ["_toolkit_tests"]}}', False),
        ('["context"]', False),
        ("{", False),
    ],
)
def test_an_update_goes_by_what_was_asked_for_at_first(
    text: str, kept: bool, render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".cruft.json").write_text(text)

    assert (render(tmp_path) / "tests/toolkit").is_dir() is kept


def test_a_name_without_letters_still_gets_a_folder(render: Render, tmp_path: Path) -> None:
    assert render(tmp_path, project_name="💇").name == "telegram-bot"


def test_the_next_three_commands_are_printed(
    render: Render,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PWD", str(tmp_path))

    render(tmp_path)

    assert capfd.readouterr().out.split("\n")[-5:] == [
        "Next:",
        "  cd booking-bot",
        "  make chat",
        "  make test",
        "",
    ]
