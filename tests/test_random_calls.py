"""No input to any method of the fake Telegram raises anything but a refusal."""

from __future__ import annotations

import asyncio
import os
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.random_calls import call, furnished

pytestmark = pytest.mark.slow

CALLS = int(os.environ.get("RANDOM_CALLS", "2000"))
"""How many calls are made; 200,000 of them take a quarter of an hour."""
IN_ONE_WORLD = 20


@settings(
    max_examples=CALLS // IN_ONE_WORLD,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=False))
def test_random_calls_are_done_or_refused(random: Random) -> None:
    async def run() -> None:
        await call(random, IN_ONE_WORLD, await furnished())

    asyncio.run(run())
