"""Every combination of answers renders exactly the files that it should."""

import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from hooks import post_gen_project as hook
from tests.support import ROOT, TEMPLATE, Render

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
STORAGES = QUESTIONS["storage"]
ANSWERS = ("storage", "license", "docker", "ci", "example", "_toolkit_tests")
BOTH = (True, False)
COMBINATIONS = [
    *itertools.product(STORAGES, QUESTIONS["license"], BOTH, BOTH, ("booking",), (False,)),
    *((storage, "MIT", True, True, "booking", True) for storage in STORAGES),
    *((storage, "none", False, False, "blank", False) for storage in STORAGES),
]
# What a project may not say when it was generated for another storage.
WORDS = {
    "memory": None,
    "sqlite": "sqlite",
    "redis": "redis(?!trib)",
    "postgres": "postgres|asyncpg|supabase|pgbouncer",
    "mongodb": "mongo",
    "firestore": "firestore|firebase",
}


def files(folder: Path) -> set[str]:
    """The files below a folder as they would be committed: no repository, no caches."""
    skipped = {".git", *hook.LEFTOVERS}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and skipped.isdisjoint(path.relative_to(folder).parts)
    }


def texts(folder: Path) -> dict[str, str]:
    """The text of every file that is not a picture, by name."""
    names = sorted(name for name in files(folder) if not name.endswith(".png"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


@pytest.fixture(
    scope="module",
    params=COMBINATIONS,
    ids=lambda row: "-".join(map(str, row)),
)
def rendered(request: pytest.FixtureRequest, render: Render) -> tuple[dict[str, object], Path]:
    """One combination of answers and its project."""
    answers = dict(zip(ANSWERS, request.param, strict=True))
    project = render(project_name="Ann's shop", **answers)
    return {**answers, "__toolkit_tests": "yes" if answers["_toolkit_tests"] else ""}, project


def test_the_files_are_exactly_those_that_the_answers_need(
    rendered: tuple[dict[str, object], Path],
) -> None:
    answers, project = rendered
    unwanted = tuple(entry for entry in hook.unwanted(answers) if ": " not in entry)

    expected = {name for name in files(TEMPLATE) if not name.startswith(unwanted)}

    assert files(project) == {*expected, ".cruft.json"}
    assert not [path for path in project.rglob("*") if path.name in hook.LEFTOVERS]


def test_nothing_speaks_of_the_tests_of_the_toolkit_where_there_are_none(
    rendered: tuple[dict[str, object], Path],
) -> None:
    _, project = rendered
    speak = [name for name, text in texts(project).items() if "tests/toolkit" in text]

    assert not speak or (project / "tests/toolkit").is_dir()


def test_no_jinja_and_no_pruned_storage_is_left(
    rendered: tuple[dict[str, object], Path],
) -> None:
    answers, project = rendered
    others = [words for name, words in WORDS.items() if words and name != answers["storage"]]
    pruned = re.compile("|".join(others), re.IGNORECASE)
    left = []

    for name, text in texts(project).items():
        for number, line in enumerate([name, *text.split("\n")]):
            if ("cookiecutter" in line and name != ".cruft.json") or pruned.search(line):
                left.append(f"{name}:{number}: {line.strip()}")

    assert not left, "\n".join(["", *left])


def test_every_data_file_can_be_read(rendered: tuple[dict[str, object], Path]) -> None:
    _, project = rendered

    for name, text in texts(project).items():
        match Path(name).suffix:
            case ".toml":
                tomllib.loads(text)
            case ".yaml" | ".yml":
                [*yaml.safe_load_all(text)]
            case ".json":
                json.loads(text)


def test_rendered_files_end_with_one_newline_and_have_no_odd_spaces(
    rendered: tuple[dict[str, object], Path],
) -> None:
    _, project = rendered

    for name, text in texts(project).items():
        if text and not name.endswith((".py", ".json")):
            assert text.endswith("\n"), name
            assert not text.startswith("\n"), name
            assert not text.endswith("\n\n"), name
            assert name.startswith("docs/") or "\n\n\n" not in text, name
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), name


def test_the_chosen_storage_is_the_default_of_the_project(
    rendered: tuple[dict[str, object], Path],
) -> None:
    answers, project = rendered

    table = (project / hook.BACKENDS).read_text().partition("BACKENDS = {")[2].partition("\n}")[0]

    names = re.findall(r'^    "(\w+)":', table, re.MULTILINE)
    assert names == list(dict.fromkeys(["memory", answers["storage"]]))


def test_the_default_answers_give_these_folders(render: Render) -> None:
    assert {path.name for path in render().iterdir()} == {
        ".dockerignore",
        ".env.example",
        ".git",
        ".github",
        ".gitignore",
        ".cruft.json",
        "AGENTS.md",
        "Dockerfile",
        "LICENSE",
        "Makefile",
        "README.md",
        "compose.yaml",
        "deploy",
        "docs",
        "ops",
        "pyproject.toml",
        "src",
        "tests",
    }


def test_two_renders_of_the_same_answers_are_equal(render: Render, tmp_path: Path) -> None:
    first, second = render(tmp_path / "first"), render(tmp_path / "second")

    assert files(first) == files(second)
    for name in files(first):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
