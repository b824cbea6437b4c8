"""Bad answers are refused before anything is written; odd but good ones are copied as text."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]
from jinja2.exceptions import UndefinedError

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
    typed = "{{ 7*7 }}\n\n2\n{{ 6*6 }}\n\n2\n3\nn\nn\n"

    done = subprocess.run(
        [sys.executable, "-m", *command], input=typed, capture_output=True, text=True, check=True
    )

    about = tomllib.loads((tmp_path / "7-7" / "pyproject.toml").read_text())["project"]
    assert about["description"] == "{{ 6*6 }}"
    assert "SQLite: one file" in done.stdout
    assert not (tmp_path / "7-7" / "LICENSE").exists()


JINJA = "{{ cycler.__init__.__globals__.os.mkdir('pwned') }}"
# Ways to leave the quoting out that cookiecutter takes from a configuration or as extra context.
OVERRIDES: list[dict[str, Any]] = [
    {"_extensions": []},
    {"_extensions": ["bot_starter_tests.ToolkitTests"]},
    {"_extensions": [], "__answers_are_text": []},
    {"_extensions": [], "__answers_are_text": "yes"},
    {"_extensions": [], "__answers_are_text": {}},
    {"__answers_are_text": "yes", "_extensions": []},
]


def run_cookiecutter(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter on the template, in and for a folder."""
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def configured(folder: Path, **context: Any) -> str:
    """Write a user configuration beside the folder, and return the option that names it."""
    own = folder.with_name(f"{folder.name}-config")
    own.mkdir(exist_ok=True)
    settings = {"replay_dir": str(own), "cookiecutters_dir": str(own), "default_context": context}
    (own / "config.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    return f"--config-file={own}/config.yaml"


@pytest.mark.parametrize("override", OVERRIDES, ids=str)
def test_no_user_configuration_makes_an_answer_run(
    override: dict[str, Any], tmp_path: Path
) -> None:
    config = configured(tmp_path, **override, project_name=JINJA)

    done = run_cookiecutter("--no-input", config, f"description={JINJA}", folder=tmp_path)

    if done.returncode == 0:  # cookiecutter did not take the override
        about = tomllib.loads((tmp_path / "booking-bot/pyproject.toml").read_text())["project"]
        assert about["description"] == JINJA
        assert [path.name for path in tmp_path.iterdir()] == ["booking-bot"]
    else:
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("override", OVERRIDES, ids=str)
def test_no_extra_context_makes_an_answer_run(
    override: dict[str, Any], render: Render, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises((UndefinedError, ValueError, TypeError)):
        render(tmp_path, **override, project_name=JINJA, project_slug="bot")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("override", OVERRIDES, ids=str)
def test_no_replay_file_makes_an_answer_run(override: dict[str, Any], tmp_path: Path) -> None:
    config = configured(tmp_path)
    made = run_cookiecutter("--no-input", config, f"description={JINJA}", folder=tmp_path)
    assert made.returncode == 0
    (replay,) = tmp_path.with_name(f"{tmp_path.name}-config").glob("*.json")
    answers = json.loads(replay.read_text())
    answers["cookiecutter"] |= {"project_slug": "again", **override}
    replay.write_text(json.dumps(answers))

    done = run_cookiecutter(config, f"--replay-file={replay}", folder=tmp_path)

    assert done.returncode == 1
    assert "ERROR: _extensions is overridden and lacks bot_starter_answers" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["booking-bot"]


def test_a_user_configuration_that_switches_the_quoting_off_is_told_so(tmp_path: Path) -> None:
    done = run_cookiecutter("--no-input", configured(tmp_path, _extensions=[]), folder=tmp_path)

    assert done.returncode == 1
    assert "_extensions may not be overridden" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("options", [["-f"], ["-f", "-s"]])
def test_a_living_project_is_not_written_over(options: list[str], tmp_path: Path) -> None:
    config = configured(tmp_path)
    assert run_cookiecutter("--no-input", config, folder=tmp_path).returncode == 0
    project, outside = tmp_path / "booking-bot", tmp_path / "outside"
    (project / "src").rename(outside)
    (project / "src").symlink_to(outside)
    (project / ".venv").mkdir()
    (project / ".venv/pyvenv.cfg").touch()
    before = contents(tmp_path)

    done = run_cookiecutter(
        *("--no-input", *options, config, "docker=no", "ci=no", "license=none", "storage=memory"),
        folder=tmp_path,
    )

    assert done.returncode == 1
    assert "booking-bot is not empty, it holds .cruft.json, " in done.stderr
    assert "`make update`" in done.stderr
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[Path, bytes]:
    """Return every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_repository_without_files_takes_a_project(tmp_path: Path) -> None:
    (tmp_path / "booking-bot/.git/hooks/__pycache__").mkdir(parents=True)

    done = run_cookiecutter("--no-input", "-f", configured(tmp_path), folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "booking-bot/src/bot").is_dir()
    assert (tmp_path / "booking-bot/.git/hooks/__pycache__").is_dir()


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


def test_the_hook_knows_the_extensions_of_the_template() -> None:
    questions = json.loads((ROOT / "cookiecutter.json").read_text())

    assert [*hook.EXTENSIONS] == questions["_extensions"]
    assert hook.refuse_extensions(questions["_extensions"]) == []
    assert next(iter(questions)) == "__answers_are_text"


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
