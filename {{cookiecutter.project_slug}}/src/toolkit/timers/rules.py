"""When a timer that repeats is due next: by a cron expression in a time zone, or by an interval."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

Rule = dict[str, Any]
"""`{"every": seconds}`, or `{"every": "0 9 * * *", "zone": "Europe/Berlin"}`."""


def rule_of(every: str | timedelta, zone: str | tzinfo | None) -> Rule:
    """Return the rule as JSON. Raises ValueError that says what is wrong with it."""
    if isinstance(every, timedelta):
        if every < timedelta(seconds=1):
            raise ValueError(f"a timer repeats every second at most, not every {every}")
        if zone is not None:
            raise ValueError("an interval needs no time zone; a cron expression does")
        return {"every": every.total_seconds()}
    if zone is None:
        raise ValueError(f"say in which time zone {every!r} is meant, as zone='Europe/Berlin'")
    rule = {"every": every, "zone": _name_of(zone)}
    next_due(rule, 0.0, 0.0)
    return rule


def next_due(rule: Rule, last: float, now: float) -> float:
    """Return the first moment after `now` by the rule of a timer that was `last` due then.

    All are Unix times. Clocks that change are treated as by Debian's cron: a time that is skipped
    is due right after the gap, and one that comes twice is due once. Raises ValueError.
    """
    every = rule["every"]
    if isinstance(every, str):
        # Imported where one is used: most timers do not repeat.
        from cronsim import CronSim, CronSimError

        try:
            moments = CronSim(every, datetime.fromtimestamp(now, ZoneInfo(rule["zone"])))
            return next(moments).timestamp()
        except CronSimError as error:
            raise ValueError(f"{every!r} is no cron expression like '0 9 * * *': {error}") from None
        except StopIteration:
            raise ValueError(f"{every!r} is never due") from None
    return last + float(every) * max(1, (now - last) // float(every) + 1)


def _name_of(zone: str | tzinfo) -> str:
    name = zone if isinstance(zone, str) else getattr(zone, "key", None) or str(zone)
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone like 'Europe/Berlin': {error}") from None
    return name
