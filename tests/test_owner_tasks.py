"""What an owner does in the first week: the tutorial and the how-tos, played in fresh projects.

A project each for both examples, as they stand in the pages: another shop, a question, a list
for admins and a third language; then every how-to on top. Nothing is installed, as everything that
the pages name is among the template's own requirements.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.played_docs import (
    Block,
    add_routers,
    blocks,
    play,
    run,
    translate,
    translate_the_rest,
    with_environment,
)
from tests.support import Render

pytestmark = pytest.mark.slow

PYTEST = ".venv/bin/python -m pytest -q"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("owner")


def make_texts(project: Path) -> None:
    """Carry the texts into the catalogues, and begin the French one as the tutorial does."""
    run(project, "make texts")
    if not (project / "src/bot/locales/fr.po").exists():
        init = ".venv/bin/pybabel init -i .venv/texts.pot -o src/bot/locales/fr.po -l fr"
        assert init in (project / "docs/tutorial.md").read_text(encoding="utf-8")
        run(project, init)


def check(project: Path, played: list[Block]) -> None:
    """Run `make check`, and the tests that the pages bring."""
    run(project, "make check")
    tests = " ".join(
        b.path for b in played if b.path.startswith(("tests/bot/test_", "tests/specs/"))
    )
    assert " passed" in run(project, f"{PYTEST} {tests}")


def look_into_the_store(project: Path) -> None:
    """Run the commands of docs/how-to/stores.md; the third makes the store."""
    page = (project / "docs/how-to/stores.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ \.venv/bin/python (-m bot .+)$", page, re.MULTILINE)
    assert len(commands) == 6
    for command in (*commands[2:], *commands[:2]):
        run(project, f"env PYTHONPATH=src .venv/bin/python {command}")


def test_the_tutorial_and_the_how_tos_leave_a_green_project(render: Render, folder: Path) -> None:
    project = with_environment(render(folder))
    tutorial = blocks(project / "docs/tutorial.md")
    how_to = [b for page in sorted((project / "docs/how-to").glob("*.md")) for b in blocks(page)]

    [allergies] = [block for block in tutorial if block.path == "tests/specs/allergies.json"]
    play(project, [allergies])
    assert "there is no text 'what_allergies'" in run(
        project, f"{PYTEST} {allergies.path}", fails=True
    )

    play(project, [block for block in tutorial if block is not allergies])
    make_texts(project)
    translate(project, tutorial)
    translate_the_rest(project, "fr")
    assert " passed" in run(project, "make test")

    play(project, how_to)
    add_routers(project)
    make_texts(project)
    translate(project, how_to)
    translate_the_rest(project, "fr")
    run(project, "make fix")
    check(project, how_to)
    look_into_the_store(project)


def test_the_blank_example_grows_by_the_same_pages(render: Render, folder: Path) -> None:
    project = with_environment(render(folder, example="blank", project_slug="blank"))
    pages = [project / "docs/tutorial.md", *sorted((project / "docs/how-to").glob("*.md"))]
    played = [block for page in pages for block in blocks(page)]

    play(project, played)
    add_routers(project)
    run(project, "make fix")
    check(project, played)
