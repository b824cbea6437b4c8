"""Plays pages of a project's documentation in that project.

Above a block of code stands the file that it belongs to, as `**src/bot/session.py**`. A `diff` is a
change to that file, a `po` block holds translations, anything else is a whole file.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from tests.support import mypy_cache

FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^\*\*([\w./-]+)\*\*\n\n\Z", re.MULTILINE)
PLAYED = ("diff", "env", "json", "po", "python", "toml")
"""Kinds of blocks that are played: none of them may stand without its file."""


@dataclass(frozen=True)
class Block:
    """One block of code, and the file that the page names for it."""

    path: str
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order. Raises `AssertionError` for one without a file."""
    text = page.read_text(encoding="utf-8")
    found = []
    for fence in FENCE.finditer(text):
        if fence[1] in PLAYED:
            named = HEADING.search(text[: fence.start()])
            assert named, f"{page.name}: no file is named above\n{fence[2]}"
            found.append(Block(named[1], fence[1], fence[2]))
    return found


def play(project: Path, played: Iterable[Block]) -> None:
    """Write the files, and make the changes; translations come with `translate`."""
    for block in played:
        file = project / block.path
        if block.kind == "diff":
            change(file, block.text)
        elif block.kind != "po":
            assert not file.exists(), f"{block.path} is there already: show what changes in it"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")


def change(file: Path, diff: str) -> None:
    """Make a change. Its parts are separated by `@@`; each must fit in one place."""
    for part in re.split(r"^@@.*\n", diff, flags=re.MULTILINE):
        lines = part.splitlines(keepends=True)
        before, after = (
            "".join(line[1:] or "\n" for line in lines if line[0] in signs)
            for signs in (" -\n", " +\n")
        )
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file.name} has {text.count(before)} times\n{before}"
        file.write_text(text.replace(before, after), encoding="utf-8")


def translate(project: Path, played: Iterable[Block]) -> None:
    """Put the translations of `po` blocks into their catalogues, which have the texts already."""
    for block in played:
        if block.kind == "po":
            with (project / block.path).open("rb") as file:
                catalogue = read_po(file, locale=Path(block.path).stem)
            for message in read_po(block.text.splitlines(keepends=True)):
                if message.id:
                    assert message.id in catalogue, f"no text is {message.id!r}"
                    catalogue[message.id].string = message.string
            with (project / block.path).open("wb") as file:
                write_po(file, catalogue, width=0)


def translate_the_rest(project: Path, language: str) -> None:
    """Fill what is still empty in a catalogue with the English text, in other words."""
    path = project / f"src/bot/locales/{language}.po"
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    for message in catalogue:
        if message.id and not any(message.string or ()):
            one, *more = message.id if isinstance(message.id, tuple) else (message.id,)
            said = one if one == "EEE d MMM" else f"({one})"
            forms = catalogue.num_plurals - 1
            message.string = (said, *(f"({more[0]})" for _ in range(forms))) if more else said
    with path.open("wb") as file:
        write_po(file, catalogue, width=0)


def with_environment(project: Path) -> Path:
    """Give the project this environment as its own, so that `make` installs nothing."""
    own = project / ".venv"
    own.mkdir()
    prefix = Path(sys.prefix)
    for name in ("bin", "lib", "pyvenv.cfg"):
        (own / name).symlink_to(prefix / name)
    (own / ".ready").touch()
    return project


def run(project: Path, command: str, *, fails: bool = False) -> str:
    """Run a command in the project, and return what it prints; assert that it works, or `fails`.

    mypy's cache is beside the project, so that nothing need check the libraries again.
    """
    foreign = ("VIRTUAL_ENV", "PYTHON", "PYTEST", "MYPY", "RUFF", "MAKE", "COV")
    inherited = {name: each for name, each in os.environ.items() if not name.startswith(foreign)}
    cache = mypy_cache(project.parent / "mypy")
    caches = {"MYPY_CACHE_DIR": cache, "RUFF_NO_CACHE": "true"}
    done = subprocess.run(
        shlex.split(command),
        cwd=project,
        env={**inherited, **caches},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert (done.returncode != 0) is fails, f"{command}\n{done.stdout[-5000:]}"
    return done.stdout


def add_routers(project: Path) -> None:
    """Put the router of every feature that `app.py` does not have yet before that of `start`."""
    app = project / "src/bot/app.py"
    text = app.read_text(encoding="utf-8")
    found = {file.stem for file in (project / "src/bot/features").glob("*.py")}
    added = [name for name in sorted(found - {"__init__"}) if f"{name}.router" not in text]
    routers = "".join(f"{name}.router, " for name in added)
    text = text.replace("start.router", f"{routers}start.router")
    names = ", ".join(added)
    ours = "from bot.features import "
    text = text.replace(ours, f"{ours}{names}\n{ours}")
    app.write_text(text, encoding="utf-8")
