"""Every snippet of a project's pages runs in that project: Python as tests, dialogues as specs.

Left out are those under the name of a file (`**src/bot/session.py**`): they change the project, and
whoever writes such a page plays it from top to bottom.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support import Render

FENCE = re.compile(r"^ *```(\w+)[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"\*\*[\w./-]+\*\*\n\n\Z")


def snippets(project: Path) -> Iterator[tuple[str, str, str]]:
    """Yield a name, the kind and the text of each snippet without a file of its own."""
    for page in [project / "README.md", *sorted((project / "docs").rglob("*.md"))]:
        text = page.read_text()
        for number, found in enumerate(FENCE.finditer(text), 1):
            if not NAMED.search(text[: found.start()]):
                name = "_".join(page.relative_to(project).with_suffix("").parts[-2:])
                name = name.replace("-", "_").lower()
                yield f"{name}_{number}", found[1], dedent(found[2])


@pytest.mark.parametrize("example", ["booking", "blank"])
def test_every_snippet_runs(example: str, render: Render, tmp_path: Path) -> None:
    project = render(tmp_path, example=example)
    written = []
    for name, kind, text in snippets(project):
        if kind == "python":
            written.append(project / f"tests/bot/test_{name}.py")
        elif kind == "json" and "steps" in json.loads(text):
            written.append(project / f"tests/specs/{name}.json")
        else:
            continue
        written[-1].write_text(text)
    assert len(written) > 5

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, written)],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
