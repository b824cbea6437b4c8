"""Waiting takes less time in proofs."""

from __future__ import annotations

import pytest
from aiogram.utils.backoff import BackoffConfig

from toolkit.delivery import attempts, polling

QUICK = BackoffConfig(min_delay=0.001, max_delay=0.01, factor=2.0, jitter=0.0)


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once, and park nothing."""
    for module in (attempts, polling):
        monkeypatch.setattr(module, "BACKOFF", QUICK)
    monkeypatch.setattr(polling, "GLANCE", 0.01)
    monkeypatch.setattr(polling, "PARK_AFTER", 3600.0)
