"""What time it is for all that waits: locks, limits, leases in memory.

They ask here, by `clock.monotonic()`, so that tests can let hours pass at once. Dates are asked
from `datetime.now(UTC)` and `time.time()`, as everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable

monotonic: Callable[[], float] = time.monotonic
"""Seconds that only grow; the harness puts those of its event loop here."""
