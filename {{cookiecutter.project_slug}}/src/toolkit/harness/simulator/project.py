"""The project that the simulator runs in: its name, and where its files are."""

from __future__ import annotations

import tomllib
from pathlib import Path


def name() -> str:
    """Return the project's name from pyproject.toml, else that of the folder."""
    try:
        found = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        return str(found["project"]["name"])
    except (OSError, ValueError, LookupError):
        return Path.cwd().name


def folder() -> str:
    """Return the folder that places such as `src/bot/app.py:12` are in."""
    return str(Path.cwd())
