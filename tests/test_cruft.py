"""A living project follows the template: a change here, `cruft update` or `make update` there."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.support import ROOT, TEMPLATE
from tests.test_answers import JINJA, OVERRIDES, configured
from tests.test_projects import environment
from tests.test_render import files

pytestmark = pytest.mark.slow

PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
}
NAME = "Ann's {{ 7*7 }} 💇"
BEFORE_THE_WALL = "2986e2c03d84ce9d5308de88720936870b5a4402"
# What an owner has changed, one file of it in a place from where it moves away: a text of the
# file, and what stands there now.
EDITS = {
    "src/bot/screen.py": ("message.reply_to_message\n", "message.reply_to_message  # Ann's\n"),
    ".gitignore": ("dist/\n", "dist/\nann/\n"),
    "tests/bot/conftest.py": ("import pytest\n", "import pytest  # Ann's\n"),
    "src/toolkit/records/progress.py": ("import annotations\n", "import annotations  # Ann's\n"),
}
MOVED = {"src/toolkit/records/progress.py": "src/toolkit/admin/progress.py"}


class Shell:
    """Runs git and cruft as a user with an empty home directory."""

    def __init__(self, home: Path) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {"HOME": str(home), "PATH": path, "LANG": "C.UTF-8", **PERSON}

    def __call__(self, folder: Path, *command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def commit(self, folder: Path) -> None:
        self(folder, "git", "add", "--all")
        self(folder, "git", "commit", "--quiet", "--message", "A change")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home)


@pytest.fixture
def template(tmp_path: Path, shell: Shell) -> Path:
    """A repository of its own that holds the template as it stands."""
    copy = tmp_path / "bot-starter"
    copy_template(copy)
    shell(copy, "git", "init", "--quiet")
    shell.commit(copy)
    return copy


def copy_template(folder: Path) -> None:
    """Copy the template as it stands into a folder."""
    ignored = shutil.ignore_patterns(
        ".git", ".venv", "build", "*_cache", "__pycache__", "node_modules"
    )
    shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)


def take_from_history(folder: Path) -> None:
    """Write the template into a folder as it was before toolkit.harness was walled off."""
    archive = subprocess.run(
        ["git", "archive", BEFORE_THE_WALL], cwd=ROOT, capture_output=True, check=True
    ).stdout
    folder.mkdir()
    subprocess.run(["tar", "--extract"], cwd=folder, input=archive, check=True)


def make_up(folder: Path) -> None:
    """Write a template that had its files elsewhere, and the toolkit's tests always."""
    copy_template(folder)
    inner = folder / TEMPLATE.name
    for old, new in MOVED.items():
        (inner / old).parent.mkdir(parents=True)
        (inner / new).rename(inner / old)
    for name in ("pyproject.toml", "Makefile", ".github/workflows/check.yml"):
        text = (inner / name).read_text().replace("cookiecutter.__toolkit_tests", "true")
        (inner / name).write_text(text)
    hook = folder / "hooks/post_gen_project.py"
    hook.write_text(re.sub('    "__toolkit_tests": .*\n', "", hook.read_text()))
    questions = json.loads((folder / "cookiecutter.json").read_text())
    del questions["_toolkit_tests"], questions["__toolkit_tests"]
    (folder / "cookiecutter.json").write_text(json.dumps(questions))


def has_history() -> bool:
    """Tell whether this clone goes back that far."""
    command = ["git", "cat-file", "-e", BEFORE_THE_WALL]
    return not subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


@pytest.fixture
def project(tmp_path: Path, template: Path, shell: Shell) -> Path:
    """A project made by `cruft create`, committed by its owner, who changed a module."""
    folder = create(shell, tmp_path / "projects", template)
    bookings = folder / "src/bot/bookings.py"
    bookings.write_text(bookings.read_text() + "\nOWNER = True\n")
    shell.commit(folder)
    return folder


def create(shell: Shell, parent: Path, template: Path, **answers: object) -> Path:
    """Make a project below `parent`."""
    parent.mkdir()
    given = json.dumps({"project_name": NAME, **answers})
    shell(parent, "cruft", "create", str(template), "--no-input", "--extra-context", given)
    return parent / "ann-s-7-7"


def owned(folder: Path) -> Mapping[str, bytes]:
    """What lies in a project, without cruft's own record and what the owner added."""
    return {
        name: (folder / name).read_bytes().removesuffix(b"\nOWNER = True\n")
        for name in files(folder)
        if name != ".cruft.json"
    }


def test_an_update_brings_what_changed_and_nothing_else(
    tmp_path: Path, template: Path, project: Path, shell: Shell
) -> None:
    inner = template / TEMPLATE.name
    (inner / "src/bot/features/news.py").write_text('"""A new feature."""\n')
    (inner / "src/bot/dates.py").unlink()
    readme = inner / "README.md"
    readme.write_text(readme.read_text().replace("## A new feature", "## Another feature"))
    shell.commit(template)

    shell(project, "cruft", "update", "--skip-apply-ask")

    assert owned(project) == owned(create(shell, tmp_path / "fresh", template))
    assert "OWNER = True" in (project / "src/bot/bookings.py").read_text()
    assert f"# {NAME}\n" in (project / "README.md").read_text()
    shell.commit(project)
    shell(project, "cruft", "check")


def test_an_update_can_change_the_storage_of_a_living_project(
    tmp_path: Path, template: Path, project: Path, shell: Shell
) -> None:
    variables = '{"storage": "memory"}'
    shell(project, "cruft", "update", "--skip-apply-ask", "--variables-to-update", variables)

    fresh = create(shell, tmp_path / "fresh", template, storage="memory")
    assert owned(project) == owned(fresh)
    assert "OWNER = True" in (project / "src/bot/bookings.py").read_text()


@pytest.mark.parametrize(
    ("before", "keep"),
    [
        pytest.param(make_up, True, id="made-up-with-tests"),
        *([pytest.param(take_from_history, False, id="from-history")] if has_history() else []),
    ],
)
def test_an_update_over_the_wall_takes_along_what_its_owner_changed(
    before: Callable[[Path], None], keep: bool, tmp_path: Path, shell: Shell
) -> None:
    template = tmp_path / "bot-starter"
    before(template)
    shell(template, "git", "init", "--quiet")
    shell.commit(template)
    project = create(shell, tmp_path / "projects", template)
    shell.commit(project)  # git merges in three ways what it has seen as it was generated
    for name, (was, becomes) in EDITS.items():
        text = (project / name).read_text()
        assert text.count(was) == 1, name
        (project / name).write_text(text.replace(was, becomes))
    if keep:
        record = json.loads((project / ".cruft.json").read_text())
        record["context"]["cookiecutter"]["_toolkit_tests"] = "yes"
        (project / ".cruft.json").write_text(json.dumps(record))
    shell.commit(project)
    empty(template)
    copy_template(template)
    shell.commit(template)

    shell(project, "cruft", "update", "--skip-apply-ask")

    expected = dict(owned(create(shell, tmp_path / "fresh", template, _toolkit_tests=keep)))
    for name, (was, becomes) in EDITS.items():
        there = MOVED.get(name, name)
        expected[there] = expected[there].replace(was.encode(), becomes.encode())
    assert owned(project) == expected
    assert any(name.startswith("tests/toolkit/") for name in expected) is keep

    # The next update remembers.
    shell.commit(project)
    test = template / TEMPLATE.name / "tests/toolkit/test_keyboards.py"
    test.write_text(test.read_text() + "# A change.\n")
    shell.commit(template)
    shell(project, "cruft", "update", "--skip-apply-ask")
    if keep:
        assert (project / "tests/toolkit/test_keyboards.py").read_text() == test.read_text()
    else:
        assert not (project / "tests/toolkit").exists()


def empty(repository: Path) -> None:
    """Remove everything from a repository but its history."""
    for path in repository.iterdir():
        if path.is_dir() and path.name != ".git":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def test_an_update_on_a_terminal_shows_what_changes_and_leaves_conflict_markers(
    tmp_path: Path, template: Path, shell: Shell
) -> None:
    """As the README says, with the releases of today."""
    seen = terminal(shell, tmp_path, f"cookiecutter {template}", "): ", *[""] * 9)
    assert seen.endswith("Next:\n  cd booking-bot\n  make chat\n  make test\n")
    project = tmp_path / "booking-bot"
    # As if everything had been installed before; an update does not need it.
    (project / ".venv").mkdir()
    (project / ".venv/.ready").touch()
    # The first commit is not what was rendered, so git has not seen that.
    ours = project / "src/bot/dates.py"
    ours.write_text("OURS = 0\n")
    shell.commit(project)
    theirs = template / TEMPLATE.name / "src/bot/dates.py"
    for number in (1, 2):
        theirs.write_text(f"THEIRS = {number}\n")
        shell.commit(template)

        seen = terminal(shell, project, "make update", "[y]: ", "v", "y")

        assert f"+THEIRS = {number}\n" in seen
        assert "Next:" not in seen
        assert "<<<<<<< ours\nOURS = " in ours.read_text()
        assert f"=======\nTHEIRS = {number}\n>>>>>>> theirs\n" in ours.read_text()
        assert not [*project.rglob("*.rej")]
        ours.write_text(f"OURS = {number}\n")
        shell.commit(project)

    terminal(shell, project, """make update ANSWERS='{"docker": false}'""", "[y]: ", "y")

    assert not (project / "Dockerfile").exists()
    shell.commit(project)
    assert "already up to date" in terminal(shell, project, "make update", "[y]: ")


def terminal(shell: Shell, folder: Path, command: str, question: str, *answers: str) -> str:
    """Run a command on a terminal, and give an answer per question; return what it shows."""
    cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv"))
    settings = {"TERM": "dumb", "PAGER": "cat", "UV_CACHE_DIR": cache}
    shown = io.StringIO()
    process = pexpect.spawn(
        "sh",
        ["-c", command],
        cwd=str(folder),
        env={**environment(), **shell.environment, **settings},
        encoding="utf-8",
        timeout=120,
    )
    process.logfile_read = shown
    for answer in answers:
        process.expect_exact(question)
        process.sendline(answer)
    process.expect(pexpect.EOF)
    process.close()
    seen = shown.getvalue().replace("\r\n", "\n")
    assert process.exitstatus == 0, seen
    return seen


@pytest.mark.parametrize("override", OVERRIDES, ids=str)
@pytest.mark.parametrize("way", ["configuration", "context"])
def test_cruft_makes_no_answer_run(
    way: str, override: dict[str, Any], tmp_path: Path, template: Path, shell: Shell
) -> None:
    folder = tmp_path / "projects"
    folder.mkdir()
    config = configured(folder, **(override if way == "configuration" else {}))
    given = {"project_name": JINJA, "project_slug": "bot", **(override if way == "context" else {})}
    command = ["cruft", "create", str(template), "--no-input", config]
    command += ["--extra-context", json.dumps(given)]

    done = subprocess.run(
        command, cwd=folder, env=shell.environment, capture_output=True, check=False
    )

    # Without the override, which comes after one that is not taken, the project is made.
    made = way == "configuration" and next(iter(override)) == "__answers_are_text"
    assert (done.returncode == 0) is made
    assert [path.name for path in folder.iterdir()] == ["bot"] * made


def test_cruft_writes_over_no_living_project(template: Path, project: Path, shell: Shell) -> None:
    before = owned(project)
    given = json.dumps({"project_name": NAME, "docker": False})
    command = ["cruft", "create", str(template), "--no-input", "--overwrite-if-exists"]

    done = subprocess.run(
        [*command, "--extra-context", given], cwd=project.parent, env=shell.environment, check=False
    )

    assert done.returncode != 0
    assert owned(project) == before


def test_answers_of_a_created_project_are_recorded_as_they_were_given(project: Path) -> None:
    assert "{{ 7*7 }}" in (project / ".cruft.json").read_text()
