"""Keeps what the answers ask for, removes the rest, and says what to type next."""

# ruff: noqa: T201

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# The one place where Jinja writes. JSON of Jinja's tojson holds no apostrophe and no newline,
# so no answer can end this literal.
ANSWERS = r'{{ cookiecutter | tojson }}'  # fmt: skip

BACKENDS = "src/toolkit/storage/__init__.py"
SERVERS = ("redis", "postgres", "mongodb", "firestore")
# What every store on a server needs besides its own.
FOR_SERVERS = (
    "src/toolkit/storage/connection.py",
    "tests/toolkit/storage/outages.py",
    "tests/toolkit/storage/test_connection.py",
    "tests/toolkit/storage/urls.py",
    "tests/toolkit/storage/servers/__init__.py",
    "tests/toolkit/storage/servers/proxy.py",
)
FOR_ONE = {
    "redis": (
        *(f"src/toolkit/storage/redis_{part}.py" for part in ("client", "pipelines", "waking")),
        "tests/toolkit/storage/redis_disturbing.py",
        "tests/toolkit/storage/test_redis_waking.py",
    ),
    "postgres": (
        "src/toolkit/storage/postgres_table.py",
        "tests/toolkit/storage/test_postgres_waking.py",
    ),
}
FOR_SQLITE = (
    *(f"src/toolkit/storage/sqlite_{part}.py" for part in ("file", "table", "writer")),
    "tests/toolkit/storage/test_sqlite_waking.py",
)
DOCKER = (
    *("Dockerfile", ".dockerignore", "compose.yaml"),
    *("deploy/Caddyfile", "deploy/compose.webhook.yaml", "deploy/fly.toml"),
    "deploy/kubernetes.yaml",
)
CI = (".github",)
TOOLKIT_TESTS = ("tests/toolkit",)
LICENSE = ("LICENSE",)
BOOKING = (
    *(f"src/bot/{name}.py" for name in ("bookings", "dates", "ids", "languages", "notices")),
    *("src/bot/screen.py", "src/bot/shop.py", "src/bot/shop.toml"),
    *("src/bot/texts.py", "src/bot/locales"),
    *(f"src/bot/settings.py: {line}" for line in ("from bot.ids", "shop_file: ", "admin_ids: ")),
    *(f"src/bot/features/{name}.py" for name in ("booking", "feedback", "language", "my_bookings")),
    *(f"src/bot/features/{name}.py" for name in ("phone", "reminders", "visits_of_day")),
    *(f"tests/bot/test_{name}.py" for name in ("booking", "bookings", "dates", "feedback")),
    *(f"tests/bot/test_{name}.py" for name in ("my_bookings", "phone", "shop", "texts")),
    "tests/bot/test_visits_of_day.py",
    *(f"tests/specs/{name}.json" for name in ("admins", "booking", "feedback", "language")),
    *(f"tests/specs/{name}.json" for name in ("phone", "reminders")),
    "tests/shop.toml",
)
BLANK = ".blank"
"""The files of a bot without the example, which replace the example's."""


def _backend(name: str) -> tuple[str, ...]:
    return (
        f"src/toolkit/storage/{name}.py",
        f"tests/toolkit/storage/test_{name}.py",
        f'{BACKENDS}: "{name}": ',
    )


# What each answer needs: a path, or "path: how a line in it starts". What another answer to the
# same question needs, and the given one does not, is removed. Memory needs nothing, and stays.
MANIFEST: dict[str, dict[object, tuple[str, ...]]] = {
    "storage": {
        "sqlite": (*_backend("sqlite"), *FOR_SQLITE),
        **{
            name: (
                *_backend(name),
                f"tests/toolkit/storage/servers/{name}.py",
                *FOR_SERVERS,
                *FOR_ONE.get(name, ()),
            )
            for name in SERVERS
        },
    },
    "example": {"booking": BOOKING, "blank": ()},
    "license": {"MIT": LICENSE, "Apache-2.0": LICENSE, "none": ()},
    "docker": {True: DOCKER, False: ()},
    "ci": {True: CI, False: ()},
    "__toolkit_tests": {"yes": TOOLKIT_TESTS, "": ()},
}

# What tools leave behind in a working copy of the template; none of it belongs to a new project.
LEFTOVERS = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".venv")


def unwanted(answers: Mapping[str, object]) -> set[str]:
    """Return the entries of the manifest that these answers do not need."""
    everything = {
        entry for question in MANIFEST.values() for need in question.values() for entry in need
    }
    needed = {
        entry for question, needs in MANIFEST.items() for entry in needs.get(answers[question], ())
    }
    return {BLANK} | everything - needed


def prune(project: Path, entries: set[str]) -> None:
    """Remove each entry: a file, a folder, or the line of a file that starts so."""
    for entry in sorted(entries):
        name, _, line = entry.partition(": ")
        path = project / name
        if not path.parent.resolve().is_relative_to(project.resolve()):
            continue  # a link leads out of the project
        if line:
            _remove_line(path, line)
            continue
        _remove(path)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_line(file: Path, start: str) -> None:
    # A formatter may have broken a long line at its brackets: then it ends at the closing one.
    line = re.compile(rf"^( *){re.escape(start)}(?:.*\(\n(?:.*\n)*?\1\)|.*),?\n", re.MULTILINE)
    file.write_text(line.sub("", file.read_text(encoding="utf-8")), encoding="utf-8")


def leftovers(project: Path) -> Iterator[Path]:
    """Yield the caches that came along from a working copy of the template."""
    for name in LEFTOVERS:
        yield from [path for path in project.rglob(name) if project / ".git" not in path.parents]


def called_in(project: Path) -> Path:
    """Return where cookiecutter was called; hooks run in the project."""
    return Path(os.environ.get("PWD", project.parent))


def remember(project: Path, answers: Mapping[str, Any]) -> None:
    """Write what the project was made from into `.cruft.json`, by which `make update` goes."""
    source, folder = answers["_template"], answers.get("_repo_dir")
    local = called_in(project) / source
    clone = called_in(project) / folder if folder else None
    record = {
        # cruft clones what stands here, and knows none of cookiecutter's abbreviations.
        "template": str(local.resolve())
        if local.exists()
        else _ask_git(clone, "remote", "get-url", "origin") or source,
        "commit": _ask_git(clone, "rev-parse", "--verify", "HEAD"),
        "checkout": answers.get("_checkout"),
        "context": {
            "cookiecutter": {
                name: value
                for name, value in answers.items()
                if not name.startswith("_") or name in ("_version", "_toolkit_tests")
            }
        },
        "directory": None,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (project / ".cruft.json").write_text(f"{text}\n", encoding="utf-8")


def keep_originals(project: Path, living: Path) -> None:
    """Add the files as they were rendered to the living project's objects, referenced by nothing.

    git merges a change in three ways, and leaves conflict markers, where it knows the file that
    the change begins with. cruft has `*.rej` files else.
    """
    paths = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts]
    command = ["git", "hash-object", "-w", "--no-filters", "--stdin-paths"]
    if (living / ".git").exists():
        _git(command, cwd=living, check=False, text="\n".join(map(str, paths)))


def _ask_git(folder: Path | None, *question: str) -> str | None:
    git = shutil.which("git")
    if git is None or folder is None or not (folder / ".git").exists():
        return None
    return _git([git, *question], cwd=folder, check=False).stdout.strip() or None


def _git(
    command: list[str], *, cwd: Path, check: bool, text: str = ""
) -> subprocess.CompletedProcess[str]:
    # GIT_DIR and its like, which git sets for its own hooks, name another repository.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(  # noqa: S603
        command, cwd=cwd, env=env, input=text, capture_output=True, text=True, check=check
    )


def start_repository(project: Path) -> None:
    """Run `git init` where git is installed and the folder is in no repository yet."""
    git = shutil.which("git")
    if git is None or any((parent / ".git").exists() for parent in (project, *project.parents)):
        return
    command = [git, "-c", "init.defaultBranch=main", "init", "--quiet"]
    try:
        _git(command, cwd=project, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        print(f"git init did not work; the project does without it: {reason}", file=sys.stderr)


def main() -> None:
    """Finish the project in the current folder."""
    answers = json.loads(ANSWERS)
    project = Path.cwd()
    if answers["example"] == "blank":
        shutil.copytree(project / BLANK, project, dirs_exist_ok=True)
    prune(project, unwanted(answers))
    for path in leftovers(project):
        _remove(path)
    start_repository(project)
    here = called_in(project)
    if "_commit" not in answers:
        remember(project, answers)
    # cruft, which tells the commit and remembers by itself, compares with a living project.
    elif (here / ".cruft.json").exists():
        keep_originals(project, here)
        return
    folder = project.name if project.parent == here.resolve() else shlex.quote(str(project))
    print(f"\nNext:\n  cd {folder}\n  make chat\n  make test")


if __name__ == "__main__":
    main()
