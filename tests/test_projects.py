"""Generated projects pass their own checks in environments made from their pyproject.toml alone.

One project per storage, with the toolkit's tests; and without them one with the default answers,
one without the example whose name is as bad as names get, and one where uv cannot be had. The
commands are those of the README, as they stand: nothing is fixed up before.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from hooks.pre_gen_project import INSTALLED
from tests.support import Render, mypy_cache
from tests.test_render import STORAGES

pytestmark = pytest.mark.slow

DIALOGUES = {
    "booking": {
        "I want to book": "What service?",
        "Haircut": "When?",
        "Tomorrow 2pm": "Booked!",
    },
    "blank": {"/start": "What is your name?", "Ann": "Nice to meet you, Ann."},
}
"""What the README of each example says, and a part of what the bot answers."""

NAME = """Ann's "best" \\ {{ 7*7 }} '''; import os # \"\"\" 💇 Ёлка\n"""


Uv = Literal["on the path", "brought along", "cannot be had"]
Commands = tuple[tuple[str, ...], ...]


@dataclass
class Variant:
    """A way to generate a project: the answers, where uv comes from, what is run in it."""

    answers: dict[str, Any]
    uv: Uv = "on the path"
    checks: Commands = (("make", "check"),)
    tests: Commands = (("make", "test"),)


PYTEST = (".venv/bin/python", "-m", "pytest")
# Most of the toolkit's tests are the same in every project, and run in place too. Those that are
# not slow run where the most was pruned that they could miss; the rest can be imported there.
NEVER_PRUNED = [
    f"--ignore=tests/toolkit/{name}"
    for name in (
        "delivery",
        "harness/fake_telegram",
        "harness/simulator",
        "harness/specs",
        "sessions",
        "talks",
        "timers",
    )
]
QUICK: Commands = ((*PYTEST, "-m", "not slow", *NEVER_PRUNED), (*PYTEST, "--collect-only", "-q"))
# What of the bot depends on the store: its settings and its commands.
BOT_AND_STORE: Commands = (
    (*PYTEST, *(f"tests/bot/test_{name}.py" for name in ("settings", "command_line", "start"))),
    (*PYTEST, "tests/toolkit/storage", "-k", "nobody_loses_a_count"),
)
# Types are checked in place too, with every driver, and here where the most was pruned.
WITHOUT_TYPES: Commands = (
    (".venv/bin/ruff", "check", "."),
    (".venv/bin/ruff", "format", "--check", "."),
)
VARIANTS = {
    **{
        storage: Variant(
            {"storage": storage, "_toolkit_tests": True},
            checks=WITHOUT_TYPES,
            tests=BOT_AND_STORE,
        )
        for storage in STORAGES
        if storage not in ("sqlite", "memory")
    },
    "memory": Variant({"storage": "memory", "_toolkit_tests": True}, tests=QUICK),
    "default": Variant({}),
    "hostile-name": Variant(
        {
            "project_name": NAME,
            "description": NAME,
            "author_name": NAME,
            "storage": "memory",
            "example": "blank",
        },
        uv="brought along",
    ),
    "with-pip": Variant(
        {"docker": False, "ci": False, "license": "none", "storage": "memory"},
        uv="cannot be had",
    ),
}


@dataclass
class Project:
    """A generated project, and how it was generated."""

    folder: Path
    variant: Variant

    def run(self, *command: str, stdin: str = "") -> str:
        """Run a command in the project; what it prints is the failure if it fails."""
        cache = mypy_cache(self.folder.parent / "mypy")
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**environment(self.variant.uv), "MYPY_CACHE_DIR": cache},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout


NO_UV = Path(__file__).with_name("no_uv.txt")
"""Constraints with which pip finds no uv."""


def environment(uv: Uv = "on the path") -> dict[str, str]:
    """The environment without the template's own; its uv stays on the path where it is wanted."""
    own = Path(sys.executable).parent
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VIRTUAL_ENV", "PYTHON", "PYTEST", "MYPY", "RUFF", "MAKE", "COV"))
    }
    path = [
        folder
        for folder in os.environ["PATH"].split(os.pathsep)
        if not (Path(folder) / "uv").exists()
    ]
    # Several projects are tested at once: each of them does with one worker.
    settings = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "1", **index_of_pip()}
    if uv == "on the path":
        path.append(str(own))
    elif uv == "cannot be had":
        settings["PIP_CONSTRAINT"] = str(NO_UV)
        # What is never imported need not be compiled; uv does not either.
        settings["PIP_NO_COMPILE"] = "1"
    return {**inherited, **settings, "PATH": os.pathsep.join(path)}


def index_of_pip() -> dict[str, str]:
    """Pass on to uv which package index pip was told to use; uv does not read pip's settings."""
    found = os.environ.get("PIP_INDEX_URL")
    if found and "UV_DEFAULT_INDEX" not in os.environ:
        return {"UV_DEFAULT_INDEX": found}
    return {}


@pytest.fixture(
    scope="module",
    params=VARIANTS,
)
def project(
    request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A freshly generated project, with its environment built."""
    variant = VARIANTS[request.param]
    folder = render(tmp_path_factory.mktemp(request.param), **variant.answers)
    project = Project(folder, variant)
    project.run("make", ".venv/.ready")
    return project


def test_the_tests_of_the_toolkit_are_there_where_they_are_asked_for(project: Project) -> None:
    asked = "_toolkit_tests" in project.variant.answers

    assert (project.folder / "tests/toolkit").is_dir() is asked
    assert bool([*project.folder.glob(".venv/lib/*/site-packages/xdist")]) is asked


def test_uv_makes_the_environment_where_it_can_be_had(project: Project) -> None:
    uv = project.variant.uv

    assert (project.folder / ".venv/bin/uv").exists() is (uv == "brought along")
    assert (project.folder / "uv.lock").exists() is (uv != "cannot be had")


def test_lint_formatting_and_types_are_clean(project: Project) -> None:
    for command in project.variant.checks:
        project.run(*command)


def test_its_own_tests_pass(project: Project) -> None:
    for command in project.variant.tests:
        summary = project.run(*command).rstrip().split("\n")[-1]

        assert re.search(r"\d+ (passed|tests collected)", summary), summary


def test_nothing_is_installed_that_could_be_the_name_of_a_project(project: Project) -> None:
    found = {
        path.name.split("-")[0].lower().replace("_", "-")
        for path in project.folder.glob(".venv/lib/python*/site-packages/*.dist-info")
    }

    assert found - {project.folder.name} <= INSTALLED


def test_the_conversation_goes_word_for_word(project: Project) -> None:
    dialogue = DIALOGUES[project.variant.answers.get("example", "booking")]
    printed = project.run("make", "--silent", "chat", stdin="".join(f"{x}\n" for x in dialogue))

    places = [printed.find(answer) for answer in dialogue.values()]
    assert places == sorted(places), printed
    assert -1 not in places, printed
    assert "\\n".join([*dialogue, ""]) in (project.folder / "README.md").read_text()


def test_new_texts_are_carried_into_the_catalogues(project: Project) -> None:
    catalogue = project.folder / "src/bot/locales/de.po"
    told = "make texts" in project.run("make", "help")
    assert told is catalogue.exists() is (project.variant.answers.get("example") != "blank")
    if not told:
        return
    before = [line for line in catalogue.read_text().splitlines() if "Generated-By" not in line]
    texts = project.folder / "src/bot/texts.py"
    texts.write_text(texts.read_text().replace('"What service?"', '"Which service?"'))

    project.run("make", "texts")

    after = [line for line in catalogue.read_text().splitlines() if "Generated-By" not in line]
    assert {*after} - {*before} == {'msgid "Which service?"'}
    assert {*before} - {*after} == {'msgid "What service?"', 'msgstr "Welche Leistung?"'}


def test_a_second_make_does_not_install_again(project: Project) -> None:
    assert project.run("make", "--dry-run", ".venv/.ready").strip().endswith("is up to date.")
