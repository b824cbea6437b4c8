"""A living project follows the template: `cruft create`, a change here, `cruft update` there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import ROOT, TEMPLATE
from tests.test_render import files

pytestmark = pytest.mark.slow

PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
}
NAME = "Ann's {{ 7*7 }} 💇"


class Shell:
    """Runs git and cruft as somebody with an empty home directory."""

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
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*_cache", "__pycache__")
    copy = tmp_path / "bot-starter"
    shutil.copytree(ROOT, copy, ignore=ignored)
    shell(copy, "git", "init", "--quiet")
    shell.commit(copy)
    return copy


@pytest.fixture
def project(tmp_path: Path, template: Path, shell: Shell) -> Path:
    """A project made by `cruft create`, committed by its owner, who changed the shop's hours."""
    folder = create(shell, tmp_path / "projects", template)
    bookings = folder / "src/bot/bookings.py"
    bookings.write_text(bookings.read_text() + "\nOWNER = True\n")
    shell.commit(folder)
    return folder


def create(shell: Shell, parent: Path, template: Path, **answers: str) -> Path:
    """Make a project below ``parent``."""
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


def test_answers_of_a_created_project_are_recorded_as_they_were_given(project: Path) -> None:
    assert "{{ 7*7 }}" in (project / ".cruft.json").read_text()
