"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import pytest

from bot.bookings import TIME_ZONE


@pytest.fixture
def clock() -> SimpleNamespace:
    """``clock.time`` is half past ten on Monday, 23 November 2026."""
    return SimpleNamespace(time=datetime(2026, 11, 23, 10, 30, tzinfo=TIME_ZONE))
