"""The script behind the branches that show what comes out of the template."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.support import Render
from tests.test_cruft import Shell, shell, template  # noqa: F401 - fixtures
from tests.test_render import files

SCRIPT = "scripts/render_branches.py"


def test_a_branch_per_storage_holds_its_project_and_grows_only_when_it_changes(
    template: Path,  # noqa: F811
    shell: Shell,  # noqa: F811
    render: Render,
) -> None:
    shell(template, "git", "remote", "add", "origin", "https://example.com/bots.git")

    shell(template, sys.executable, SCRIPT, "sqlite", "memory")

    for storage in ("sqlite", "memory"):
        named = shell(template, "git", "ls-tree", "-r", "--name-only", f"rendered/{storage}")
        assert {*named.split()} == files(render(storage=storage))
    record = json.loads(shell(template, "git", "show", "rendered/memory:.cruft.json"))
    assert record["template"] == "https://example.com/bots.git"
    assert record["commit"] == shell(template, "git", "rev-parse", "HEAD").strip()
    assert shell(template, "git", "status", "--porcelain") == ""

    (template / "README.md").write_text("No project changes.\n")
    shell.commit(template)
    (template / "{{cookiecutter.project_slug}}/src/toolkit/storage/sqlite.py").write_text("X = 1\n")
    shell.commit(template)

    changed = shell(template, sys.executable, SCRIPT, "memory", "sqlite")

    assert "refs/heads/rendered/sqlite" in changed
    assert "refs/heads/rendered/memory" not in changed
    assert shell(template, "git", "rev-list", "--count", "rendered/sqlite").strip() == "2"
    theirs = "rendered/sqlite:src/toolkit/storage/sqlite.py"
    assert shell(template, "git", "show", theirs) == "X = 1\n"
