"""Another time zone for this process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

DAY = 24 * 60
HALF_A_DAY = 12 * 60 + 45
"""Minutes, so that neither hours nor minutes look the same; and it is another day there."""


@contextmanager
def in_another_time_zone() -> Iterator[None]:
    """Be half a day away for a block, where the system can do that, on another day of the month."""
    if not hasattr(time, "tzset"):
        yield
        return
    here = datetime.now().astimezone()
    offset = here.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    away = HALF_A_DAY if here.hour >= 12 else -HALF_A_DAY
    # Python's time zones are less than a day away from UTC.
    if abs(minutes + away) >= DAY:
        away = (HALF_A_DAY + DAY // 2) * (-1 if away > 0 else 1)
    minutes += away
    before = os.environ.get("TZ")
    # POSIX counts to the west.
    hours, rest = divmod(abs(minutes), 60)
    os.environ["TZ"] = f"XYZ{'-' if minutes > 0 else '+'}{hours}:{rest:02}"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
