"""The types of `create_bot`: mypy accepts what is right and refuses what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.delivery_kit import SOURCE
from tests.support import ROOT, mypy_cache

EXAMPLES = ROOT / "tests" / "typing"


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_mypy_finds_the_errors_that_are_marked_and_no_others(file: Path, tmp_path: Path) -> None:
    marked = {
        (number, code)
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        for code in line.partition("# error: ")[2].split(", ")
        if code
    }

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(file)],
        cwd=ROOT,
        env={"MYPYPATH": str(SOURCE), "MYPY_CACHE_DIR": mypy_cache(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )

    found = re.findall(r"^[^:]+:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.MULTILINE)
    assert {(int(number), code) for number, code in found} == marked, done.stdout + done.stderr
    assert bool(marked) is (file.stem == "wrong")
