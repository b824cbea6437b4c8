"""A simulation that runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .tea_house import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A running simulation of the tea house; specs go into a folder of the test."""
    desk = Desk(tmp_path / "specs")
    assert await desk.simulation.start(), desk.simulation.broken
    yield desk
    await desk.simulation.close()
