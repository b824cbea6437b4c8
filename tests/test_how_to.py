"""Tutorial and how-tos fit the project they are in, whatever it was generated with.

`test_owner_tasks.py` runs what they make of it.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.played_docs import Block, add_routers, blocks, play
from tests.support import Render

VARIANTS = [("postgres", "booking"), ("redis", "booking"), ("memory", "blank")]
"""Those that differ; the default one is played in `test_owner_tasks.py`."""


@pytest.fixture(scope="module", params=VARIANTS, ids="-".join)
def project(
    request: pytest.FixtureRequest, render: Render, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A project that may be changed."""
    storage, example = request.param
    folder = tmp_path_factory.mktemp("project") / "bot"
    shutil.copytree(render(storage=storage, example=example), folder)
    return folder


def pages(project: Path) -> list[Path]:
    """The pages that are played, in order."""
    return [project / "docs/tutorial.md", *sorted((project / "docs/how-to").glob("*.md"))]


def test_every_block_is_a_file_that_can_be_read_or_a_change_that_fits(project: Path) -> None:
    played: list[Block] = []
    for page in pages(project):
        found = blocks(page)
        play(project, found)
        played += found
    add_routers(project)

    assert {page.name for page in pages(project)} > {"README.md", "admin.md", "webhook.md"}
    assert len(played) > 40
    for path in {block.path for block in played}:
        if path.endswith(".po"):
            continue
        text = (project / path).read_text(encoding="utf-8")
        match Path(path).suffix:
            case ".py":
                compile(text, path, "exec")
            case ".json":
                json.loads(text)
            case ".toml":
                tomllib.loads(text)


def test_the_index_names_every_page(project: Path) -> None:
    index = (project / "docs/how-to/README.md").read_text(encoding="utf-8")
    names = {page.name for page in (project / "docs/how-to").glob("*.md")} - {"README.md"}

    assert {name for name in names if f"| [{name}]({name}) |" in index} == names


def test_the_readme_leads_to_both(project: Path) -> None:
    readme = (project / "README.md").read_text(encoding="utf-8")

    assert "(docs/tutorial.md)" in readme
    assert "(docs/how-to/README.md)" in readme
