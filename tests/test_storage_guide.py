"""docs/storage.md: its store passes the suite of all stores, and the page is complete."""

import argparse
import json
import re
import subprocess
import sys
import types
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.delivery_kit import SOURCE
from tests.support import ROOT, mypy_cache
from toolkit.admin.command import add_session_verbs
from toolkit.harness import conformance
from toolkit.storage import Backend

PAGE = (ROOT / "docs" / "storage.md").read_text()
STORE, LINE, TEST = (
    dedent(block) for block in re.findall(r"^ *```python\n(.*?)^ *```", PAGE, re.M | re.S)
)


def _names(code: str, **given: Any) -> dict[str, Any]:
    module = types.ModuleType("folder")
    module.__dict__.update(given)
    exec(code, module.__dict__)  # noqa: S102 - the page is ours
    return module.__dict__


FolderSessionStorage = _names(STORE)["FolderSessionStorage"]
TestFolder = _names(
    f"from __future__ import annotations\n{TEST}",
    pytest=pytest,
    FolderSessionStorage=FolderSessionStorage,
    StorageConformance=conformance.StorageConformance,
    PortableStorageConformance=conformance.PortableStorageConformance,
)["TestFolder"]


def test_its_line_in_the_table_opens_it(tmp_path: Path) -> None:
    ((name, backend),) = eval(f"{{{LINE}}}", {"Backend": Backend}).items()  # noqa: S307 - ours
    assert backend.target == f"toolkit.storage.{name}:FolderSessionStorage"
    assert backend.default_url.startswith(f"{backend.schemes}:")
    assert FolderSessionStorage.from_url(f"folder:///{tmp_path}").folder == tmp_path
    assert FolderSessionStorage.from_url(backend.default_url).folder == Path("data")


@pytest.mark.slow
def test_the_store_is_typed_and_formatted(tmp_path: Path) -> None:
    (tmp_path / "folder.py").write_text(STORE)
    config = str(ROOT / "pyproject.toml")
    for command in (
        ["ruff", "check", "--config", config, "folder.py"],
        ["ruff", "format", "--check", "--config", config, "folder.py"],
        ["mypy", "--config-file", config, "folder.py"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            env={"MYPYPATH": str(SOURCE), "MYPY_CACHE_DIR": mypy_cache(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_verb_of_the_command_line_is_shown() -> None:
    parser = argparse.ArgumentParser()
    add_session_verbs(parser)
    (verbs,) = (action.choices for action in parser._actions if action.dest == "verb")
    assert verbs
    assert set(re.findall(r"python -m bot sessions (\w+)", PAGE)) == set(verbs)


def test_every_storage_at_the_prompt_is_in_both_tables() -> None:
    storages = json.loads((ROOT / "cookiecutter.json").read_text())["storage"]
    which, _, _ = PAGE.partition("## What all of them promise")
    first, _, second = which.partition("What each costs")
    assert set(re.findall(r"^\| `(\w+)` \|", first, re.M)) == set(storages)
    assert set(re.findall(r"^\| `(\w+)` \|", second, re.M)) == set(storages) - {"memory"}
