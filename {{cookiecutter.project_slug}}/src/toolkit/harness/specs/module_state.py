"""What the bot's own modules hold, to see what handling an update changes there."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from enum import Enum
from itertools import count
from types import ModuleType
from typing import Any

from toolkit.harness.specs.report import is_own

CONTAINERS = (dict, list, set, deque, bytearray)
VALUES = (str, bytes, int, float, tuple, frozenset, date, time, timedelta, count, type(None))
LARGE = 1_000
"""Items from which on only the number of them is compared."""


def own_modules() -> list[ModuleType]:
    """Return the modules of the bot that are imported."""
    return [module for module in [*sys.modules.values()] if _is_own(module)]


def module_state(modules: Sequence[ModuleType]) -> dict[str, str]:
    """Return what stands in the variables of the bot's modules, by module and name.

    That is containers and plain values: those of modules and of their classes, and in the
    attributes of their instances. What is behind a `functools.cache` is none of it.
    """
    names = {module.__name__ for module in modules}
    found: dict[str, str] = {}
    seen: set[int] = set()
    # A module stands behind those that import it: what they share is its own.
    for module in reversed(modules):
        for name, value in [*vars(module).items()]:
            if not name.startswith("__"):
                found |= _held(f"{name} of the module {module.__name__}", value, names, seen)
    return found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return the variables that were there before and hold something else."""
    return [name for name, held in before.items() if name in after and after[name] != held]


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__dict__", {}).get("__file__")
    return isinstance(file, str) and is_own(file)


def _held(name: str, value: Any, names: set[str], seen: set[int]) -> dict[str, str]:
    if isinstance(value, (*CONTAINERS, *VALUES)) and not isinstance(value, Enum):
        if isinstance(value, CONTAINERS) and id(value) in seen:
            return {}
        seen.add(id(value))
        return {name: _shown(value)}
    owner = value if isinstance(value, type) else type(value)
    if owner.__module__ not in names or issubclass(owner, Enum) or id(value) in seen:
        return {}
    seen.add(id(value))
    found: dict[str, str] = {}
    for attribute, inner in [*getattr(value, "__dict__", {}).items()]:
        simple = isinstance(inner, (*CONTAINERS, *VALUES))
        if simple and not attribute.startswith("__"):
            head, _, tail = name.partition(" of ")
            found |= _held(f"{head}.{attribute} of {tail}", inner, names, seen)
    return found


def _shown(value: Any) -> str:
    if isinstance(value, (*CONTAINERS, tuple, frozenset)) and len(value) > LARGE:
        return f"{len(value)} items"
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a value of the bot may do anything
        return type(value).__name__
