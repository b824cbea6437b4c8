"""The timers of all sessions that are set, the next one first."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation

MOST = 50


async def timers(simulation: Simulation) -> list[Json]:
    """Return each timer with its session's key, and when it is due: at what time, in how long."""
    from toolkit.timers.timers import FIELD

    recorder = simulation.recorder
    due = getattr(recorder.app and recorder.app.session_storage, "due", None)
    found = [] if due is None else await due(math.inf, MOST)
    shown = [
        {"key": each.key, "name": name, "at": entry["at"], "seconds": entry["at"] - time.time()}
        for each in found
        for name, entry in ((await recorder.stored(each.key)) or {}).get(FIELD, {}).items()
    ]
    return sorted(shown, key=lambda timer: float(timer["at"]))
