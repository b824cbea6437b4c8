"""What the meta-tests import: where the template is, and the type of the `render` fixture."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"

Render = Callable[..., Path]


def run_gate(project: Path, *options: str) -> dict[str, Any]:
    """Run the gate in a project, with the template's toolkit if it has none; return the verdict."""
    path = os.pathsep.join([str(project / "src"), str(TEMPLATE / "src")])
    done = subprocess.run(
        [sys.executable, "-m", "toolkit.harness", *options],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    verdict: dict[str, Any] = json.loads(done.stdout.removeprefix("GATE::"))
    return verdict


def mypy_cache(folder: Path) -> str:
    """Return a cache for mypy in a folder, with what `make check` has read before.

    Two runs of mypy must not share one; aiogram's types alone take half a minute to read.
    """
    if not folder.exists() and (known := ROOT / "build/mypy").exists():
        shutil.copytree(known, folder)
    return str(folder)
