"""Let time pass at once in the simulator: for timers, and for all else of a bot that sleeps."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

from toolkit.harness.clock import clock_of, seconds_of
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.specs.settling import pass_time

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation
    from toolkit.harness.simulator.turns import Turn

LONGEST = 10.0
"""Real seconds that it may take."""


async def wait(simulation: Simulation, duration: str) -> None:
    """Let so much time pass, such as "2h"; what comes of it is seen as it comes.

    Raises `ValueError` for what is no duration, and where the clock cannot be moved.
    """
    await let_pass(simulation, seconds_of(duration), f"{duration} later")


async def wait_for_timer(simulation: Simulation) -> None:
    """Let time pass until the next timer is due. Raises `SimulatorError` where none is set."""
    app = simulation.recorder.running_app
    due = getattr(app.session_storage, "due", None)
    found = await due(math.inf, 1) if due is not None else []
    if not found:
        raise SimulatorError("no timer is set")
    seconds = max(1, math.ceil(found[0].at - time.time()))
    await let_pass(simulation, seconds, "Until the next timer", until=found[0].at)


async def let_pass(
    simulation: Simulation, seconds: float, title: str, *, until: float | None = None
) -> list[Turn]:
    """Let time pass; return its turn, and those of the timers that were due."""
    clock, recorder = clock_of(asyncio.get_running_loop()), simulation.recorder
    clock.check_moves()
    turn = recorder.begin(title, passing=seconds, until=until)
    try:
        with clock.held():
            await pass_time(clock, seconds, simulation.background, LONGEST)
    except TimeoutError as error:
        raise SimulatorError(str(error)) from error
    finally:
        timers = [each for each in recorder.turns if each.number > turn.number]
        for each in timers:
            each.part_of = turn.number
        recorder.finish(turn)
    return [turn, *timers]
