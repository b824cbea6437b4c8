"""The hooks' functions, on folders made for the purpose."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import post_gen_project as hook
from tests.support import ROOT, TEMPLATE

HOOKS = sorted((ROOT / "hooks").glob("*.py"))
ANSWERS = {
    "example": "booking",
    **{"storage": "sqlite", "license": "MIT", "docker": True, "ci": True},
    "__toolkit_tests": "",
}


ENTRIES = {
    entry for answers in hook.MANIFEST.values() for needed in answers.values() for entry in needed
}


@pytest.mark.parametrize("entry", sorted(ENTRIES))
def test_every_entry_of_the_manifest_is_in_the_template(entry: str) -> None:
    path, _, line = entry.partition(": ")

    assert (TEMPLATE / path).exists()
    if line:
        starts = [
            found
            for found in (TEMPLATE / path).read_text().split("\n")
            if found.lstrip().startswith(line)
        ]
        assert len(starts) == 1


def test_the_manifest_knows_every_choice() -> None:
    questions = json.loads((ROOT / "cookiecutter.json").read_text())

    assert {*hook.MANIFEST["storage"], "memory"} == {*questions["storage"]}
    assert {*hook.MANIFEST["license"]} == {*questions["license"]}


def test_what_two_answers_need_stays_when_one_of_them_is_given() -> None:
    assert hook.unwanted(ANSWERS | {"license": "Apache-2.0"}) == hook.unwanted(ANSWERS)
    assert "LICENSE" not in hook.unwanted(ANSWERS)
    assert "LICENSE" in hook.unwanted(ANSWERS | {"license": "none"})


def test_memory_needs_nothing_and_all_else_goes() -> None:
    gone = hook.unwanted(ANSWERS | {"storage": "memory"}) - hook.unwanted(ANSWERS)

    assert gone == {*hook.MANIFEST["storage"]["sqlite"]}


def test_the_tests_of_the_toolkit_stay_where_they_are_asked_for() -> None:
    assert "tests/toolkit" in hook.unwanted(ANSWERS)
    assert "tests/toolkit" not in hook.unwanted(ANSWERS | {"__toolkit_tests": "yes"})


def test_prune_removes_files_folders_and_lines(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").touch()
    (tmp_path / "empties").mkdir()
    (tmp_path / "empties" / "file").touch()
    table = tmp_path / "table"
    table.write_text(
        '{\n    "a": A(1),\n    "b": B(\n        1, (2)\n    ),\n    "c": C(\n        3\n    )\n}\n'
    )

    hook.prune(tmp_path, {"folder", "file", "empties/file", 'table: "a": ', 'table: "b": '})

    assert table.read_text() == '{\n    "c": C(\n        3\n    )\n}\n'
    assert list(tmp_path.iterdir()) == [table]


def test_prune_takes_a_link_and_leaves_what_it_points_at(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "file").touch()
    (project / "link").symlink_to(outside)

    hook.prune(project, {"link"})

    assert outside.is_dir()
    assert [path.name for path in project.iterdir()] == ["file"]


def test_prune_goes_through_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("line 1\nline 2\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "link").symlink_to(outside)

    hook.prune(project, {"link/file", "link/file: line 1", "link/inner/file"})

    assert (outside / "file").read_text() == "line 1\nline 2\n"


def test_caches_of_a_working_copy_do_not_come_along(tmp_path: Path) -> None:
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / ".ruff_cache").mkdir()
    (tmp_path / ".git" / "hooks" / "__pycache__").mkdir(parents=True)

    assert {*hook.leftovers(tmp_path)} == {
        tmp_path / "src" / "__pycache__",
        tmp_path / ".ruff_cache",
    }


@pytest.mark.parametrize("template", [".", str(ROOT)])
def test_a_project_remembers_what_it_was_made_from(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PWD", str(ROOT))
    answers = {"_version": "0.1.0", "_toolkit_tests": False, "storage": "redis"}

    hook.remember(tmp_path, {**answers, "_template": template, "_repo_dir": template})

    assert json.loads((tmp_path / ".cruft.json").read_text()) == {
        "template": str(ROOT),
        "commit": git(ROOT, "rev-parse", "HEAD"),
        "checkout": None,
        "context": {"cookiecutter": answers},
        "directory": None,
    }


def test_the_address_of_a_clone_is_remembered(tmp_path: Path) -> None:
    clone, project = tmp_path / "clone", tmp_path / "project"
    project.mkdir()
    git(tmp_path, "init", "--quiet", "clone")
    git(clone, "remote", "add", "origin", "https://example.com/bot-starter.git")
    answers = {"_template": "gh:ann/bots", "_repo_dir": str(clone), "_checkout": "v1"}

    hook.remember(project, answers)

    record = json.loads((project / ".cruft.json").read_text())
    assert record["template"] == "https://example.com/bot-starter.git"
    assert record["checkout"] == "v1"


def test_an_archive_has_no_commit(tmp_path: Path) -> None:
    hook.remember(tmp_path, {"_template": "https://example.com/x.zip", "_repo_dir": str(tmp_path)})

    record = json.loads((tmp_path / ".cruft.json").read_text())
    assert (record["template"], record["commit"]) == ("https://example.com/x.zip", None)


def git(folder: Path, *command: str) -> str:
    """Return what git prints."""
    done = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_git_init_runs_in_a_folder_of_its_own(tmp_path: Path) -> None:
    hook.start_repository(tmp_path)

    assert (tmp_path / ".git" / "HEAD").read_text() == "ref: refs/heads/main\n"


def test_git_init_knows_no_other_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, other = tmp_path / "project", tmp_path / "other.git"
    project.mkdir()
    monkeypatch.setenv("GIT_DIR", str(other))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))

    hook.start_repository(project)

    assert (project / ".git" / "objects").is_dir()
    assert list(tmp_path.iterdir()) == [project]


def test_git_init_does_not_run_inside_a_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = tmp_path / "project"
    project.mkdir()

    hook.start_repository(project)

    assert list(project.iterdir()) == []


def test_a_machine_without_git_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)

    hook.start_repository(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_failing_git_is_reported_and_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    hook.start_repository(tmp_path)

    assert "no room" in capsys.readouterr().err


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.name)
def test_a_hook_imports_the_standard_library_only(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.name)
def test_a_hook_takes_its_answers_in_one_place(path: Path) -> None:
    jinja = re.findall(r"\{[{%#].*", path.read_text())

    assert jinja == ["{{ cookiecutter | tojson }}'  # fmt: skip"]


def test_hooks_run_without_a_network_or_a_home(tmp_path: Path) -> None:
    text = (ROOT / "hooks" / "pre_gen_project.py").read_text()
    script = tmp_path / "hook.py"
    script.write_text(text.replace("{{ cookiecutter | tojson }}", '{"project_slug": "-x"}'))

    done = subprocess.run(
        [sys.executable, "-I", str(script)], env={}, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
