"""How many modules an update has to cross, and how many borders between modules a tap."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures() -> dict[str, list[int]]:
    """What the script counts: modules of the toolkit and the bot, then borders, by scenario."""
    command = [sys.executable, "scripts/count_borders.py", "--resumptions"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = (line.partition(": ") for line in done.stdout.splitlines())
    return {scenario: [*map(int, re.findall(r"\d+", counts))] for scenario, _, counts in lines}


def test_an_update_crosses_at_most_14_modules_from_the_poll_to_the_commit(
    figures: dict[str, list[int]],
) -> None:
    modules, *_ = figures["a polled update"]

    assert 0 < modules <= 14


def test_a_tap_in_the_simulator_crosses_half_of_the_borders_that_it_once_did(
    figures: dict[str, list[int]],
) -> None:
    _, _, direct, _, nearest, _ = figures["a tap in the simulator"]

    # On 2026-11-25, by the rule of today, the simulator's own borders were 44 and 47.
    assert 0 < direct <= 44 // 2
    # The example has a talk, which is asked whether the button is its own.
    assert 0 < nearest <= 27
