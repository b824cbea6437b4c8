"""What the meta-tests import: where the template is, and the type of the `render` fixture."""

import shutil
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"

Render = Callable[..., Path]


def mypy_cache(folder: Path) -> str:
    """Return a cache for mypy in a folder, with what `make check` has read before.

    Two runs of mypy must not share one; aiogram's types alone take half a minute to read.
    """
    if not folder.exists() and (known := ROOT / "build/mypy").exists():
        shutil.copytree(known, folder)
    return str(folder)
