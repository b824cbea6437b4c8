"""Renders the project of each storage into the branch `rendered/<storage>`, for people to look at.

`.venv/bin/python scripts/render_branches.py`, or with some storages by name. A branch gets a commit
where its project has changed; the working tree and the index stay as they are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent


def git(*arguments: str, **environment: str) -> str:
    """Return what git prints; raise CalledProcessError where it fails."""
    command = ["git", *arguments]
    env = {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)  # noqa: S603
    return done.stdout.strip()


def found(*arguments: str) -> str | None:
    """Return what git prints, or None where it fails."""
    try:
        return git(*arguments)
    except subprocess.CalledProcessError:
        return None


def identity() -> dict[str, str]:
    """Return who committed the template, and when: the same commit is rendered to the same one."""
    values = git("show", "--no-patch", "--format=%cn%n%ce%n%cd", "HEAD").split("\n")
    return {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in zip(("NAME", "EMAIL", "DATE"), values, strict=True)
    }


def tree_of(storage: str) -> str:
    """Render the project of a storage, and return the tree of its files."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(
                str(ROOT),
                no_input=True,
                default_config=True,
                extra_context={"storage": storage},
                output_dir=folder,
            )
        )
        record = project / ".cruft.json"
        made = json.loads(record.read_text(encoding="utf-8"))
        # The folder of a clone is of no use to somebody else.
        made["template"] = found("remote", "get-url", "origin") or made["template"]
        record.write_text(f"{json.dumps(made, indent=2)}\n", encoding="utf-8")
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(f"--work-tree={project}", "add", "--all", str(project), **index)
        return git("write-tree", **index)


def main(storages: list[str]) -> None:
    """Update the branches of these storages, or of all."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    for storage in storages or questions["storage"]:
        branch = f"refs/heads/rendered/{storage}"
        tree, before = tree_of(storage), found("rev-parse", "--verify", "--quiet", branch)
        # What it was rendered from is no change of the project.
        if before and not git("diff", "--name-only", before, tree, "--", ".", ":!.cruft.json"):
            continue
        parents = ["-p", before] if before else []
        message = f"Render {git('rev-parse', '--short', 'HEAD')}"
        commit = git("commit-tree", tree, *parents, "-m", message, **identity())
        git("update-ref", branch, commit)
        print(branch)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
