"""Waiting takes less time in proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from toolkit.delivery import attempts, fetching, inbox, polling


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, and write nothing into the inbox."""
    for module in (attempts, fetching, inbox):
        quick = replace(module.BACKOFF, first=0.001, longest=0.01)
        monkeypatch.setattr(module, "BACKOFF", quick)
    monkeypatch.setattr(polling, "THROTTLE", 0.01)
    monkeypatch.setattr(polling, "STORE_AFTER", 3600.0)
