"""docs/guarantees.md names a test for each promise."""

import ast
import re
from pathlib import Path

from tests.support import ROOT, TEMPLATE

PAGE = (ROOT / "docs" / "guarantees.md").read_text()
NAMED = re.findall(r"`((?:src|tests)/[\w/]+\.py)::(\w+)`", PAGE)


def _defined(path: Path) -> set[str]:
    """The functions, classes and variables that a file defines at its top."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def test_every_test_that_the_guarantees_name_exists() -> None:
    for path, name in NAMED:
        files = [folder / path for folder in (ROOT, TEMPLATE) if (folder / path).exists()]
        assert files, f"there is no {path}"
        assert any(name in _defined(file) for file in files), f"there is no {name} in {path}"


def test_every_proof_of_delivery_is_named() -> None:
    named = {name for _, name in NAMED}
    for file in (ROOT / "tests").glob("test_delivery_*.py"):
        tests = {name for name in _defined(file) if name.lower().startswith("test")}
        assert tests <= named, f"{file.name}: {tests - named}"


def test_every_promise_has_a_proof() -> None:
    promises, _, limits = PAGE.partition("## Limits")
    rows = re.findall(r"^\| (?!---|What|Store)(.*) \|$", promises, re.MULTILINE)
    assert rows
    assert limits
    assert [row for row in rows if "::" not in row] == []
