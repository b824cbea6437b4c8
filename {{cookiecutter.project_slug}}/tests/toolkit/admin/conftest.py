"""Two stores that outlive each command, and what runs a command on them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from toolkit import storage
from toolkit.admin.command import add_session_verbs, run_session_verb

from .doubles import ALL, Lasting, Verbs

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[str, Lasting]:
    """The store that each URL opens."""
    stores: dict[str, Lasting] = {"here:": Lasting(), "there:": Lasting()}
    opened = storage.open_storage

    def open_storage(url: str) -> Any:
        return Verbs(stores[url], *ALL) if url in stores else opened(url)

    monkeypatch.setattr(storage, "open_storage", open_storage)
    return stores


@pytest.fixture
def here(stores: dict[str, Lasting]) -> Lasting:
    """The store that `run` uses."""
    return stores["here:"]


@pytest.fixture
def run(stores: dict[str, Lasting], capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a verb, and returns the exit code and what was printed."""

    def run(*arguments: str, storage: str = "here:") -> tuple[int, str, str]:
        code = run_session_verb(parsed(*arguments), storage)
        return code, *capsys.readouterr()

    return run


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sessions")
    add_session_verbs(parser)
    return parser.parse_args(arguments)
