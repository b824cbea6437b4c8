"""Imports run one way and in no circle, counting lazy ones and those for type checkers too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support import TEMPLATE

SOURCE = TEMPLATE / "src"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
}
HARNESS = "toolkit.harness"
# From the top down: no layer imports one above it.
LAYERS = {
    "a project": (("bot",), (HARNESS,), ("toolkit",)),
    "the harness": tuple((f"{HARNESS}.{x}",) for x in ("simulator", "specs", "fake_telegram")),
    "production": (
        ("toolkit.app",),
        ("toolkit.delivery", "toolkit.fsm"),
        ("toolkit.sessions", "toolkit.timers"),
        ("toolkit.storage",),
    ),
}
WITHOUT_AIOGRAM = (
    *("toolkit.storage", "toolkit.sessions.codec", "toolkit.timers.timers"),
    f"{HARNESS}.fake_telegram.policy",
)


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each import of a file, at any level, as a module and a name in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield (module, "") if module in MODULES else (node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


@cache
def stub_of(package: str) -> dict[str, str]:
    """Return where the names live that a package imports when they are first used."""
    stub = MODULES[package].with_suffix(".pyi")
    return (
        {name: home(*pair) for pair in imported(stub) if (name := pair[1])} if stub.exists() else {}
    )


def home(module: str, name: str) -> str:
    """Return the module from which a name really comes: not a package that passes it on lazily."""
    return stub_of(module).get(name, module) if module in MODULES else module


GRAPH = {module: {home(*pair) for pair in imported(path)} for module, path in MODULES.items()}


def within(module: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a module is one of these packages or lies in one of them."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def reached(module: str) -> set[str]:
    """Return all that a module imports, itself or through others."""
    found: set[str] = set()
    ahead = [module]
    while ahead:
        fresh = GRAPH.get(ahead.pop(), set()) - found
        found |= fresh
        ahead += fresh
    return found


def test_no_import_runs_in_a_circle() -> None:
    own = {module: targets & MODULES.keys() for module, targets in GRAPH.items()}
    TopologicalSorter(own).prepare()


@pytest.mark.parametrize("house", LAYERS)
def test_no_layer_imports_one_above_it(house: str) -> None:
    layers = LAYERS[house]

    def floor(module: str) -> int | None:
        return next((n for n, layer in enumerate(layers) if within(module, layer)), None)

    against = [
        f"{module} -> {target}"
        for module, targets in GRAPH.items()
        for target in targets
        if (here := floor(module)) is not None and (there := floor(target)) is not None
        if there < here
    ]
    assert not sorted(against)


def test_only_the_command_line_of_the_bot_imports_the_harness() -> None:
    outside = {module for module in GRAPH if not within(module, (HARNESS,))}
    using = {module for module in outside if any(within(to, (HARNESS,)) for to in GRAPH[module])}

    assert using == {"bot.__main__"}


def test_what_has_to_start_fast_imports_no_aiogram() -> None:
    fast = [module for module in MODULES if within(module, WITHOUT_AIOGRAM)]

    assert len(fast) > len(WITHOUT_AIOGRAM)
    assert not [m for m in fast if any(within(to, ("aiogram",)) for to in reached(m))]


def test_a_bot_needs_only_the_public_face() -> None:
    files = [*(SOURCE / "bot").rglob("*.py"), *(TEMPLATE / "tests/bot").rglob("*.py")]
    deeper = {
        f"{path.relative_to(TEMPLATE)}: {module}"
        for path in files
        for module, _ in imported(path)
        if within(module, ("toolkit",)) and module not in ("toolkit", HARNESS)
    }
    assert not sorted(deeper)
