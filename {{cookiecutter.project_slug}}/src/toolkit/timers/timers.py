"""The timers of one session, as its handlers see and set them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from toolkit.storage.base import WAKE_AT, Value
from toolkit.storage.record import dump_value
from toolkit.timers.rules import next_due, rule_of

FIELD = "timers"
"""Where they are in a record."""

ALONE = "alone"
"""How often a timer was handled with nothing else in work, since a process had died of some."""

LONGEST_NAME = 200

Entry = dict[str, Any]
Known = Callable[[], Collection[str]]


class Timers(Mapping[str, datetime]):
    """The timers of a session by name, each with the moment at which it is due next, in UTC.

    What is set, moved or cancelled is committed with the session, or not at all. The handler that
    `on_timer` registers as "remind" is called for "remind" and for every "remind:…".
    """

    # Set by whoever makes one, which every update does: a constructor would cost more.
    entries: Mapping[str, Entry]
    known: Known | None
    changed: bool

    def __getitem__(self, name: str) -> datetime:
        return datetime.fromtimestamp(self.entries[name]["at"], UTC)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def set(
        self,
        name: str,
        *,
        at: datetime | None = None,
        after: timedelta | float | None = None,
        every: str | timedelta | None = None,
        zone: str | tzinfo | None = None,
        data: Any = None,
        misfire_grace: timedelta | None = None,
    ) -> datetime:
        """Set a timer, in place of one of this name, and return when it is due.

        - `name`: the name of its handler, alone or with a part of your own: "remind:7".
        - `at`: the moment when it is due, with its time zone. One that is past is due at once.
        - `after`: the time until it is due, in seconds or as a timedelta.
        - `every`: what it repeats by: a timedelta, or a cron expression such as "0 9 * * *". It is
          first due by this rule, where neither `at` nor `after` is given.
        - `zone`: the time zone of the cron expression, such as "Europe/Berlin".
        - `data`: what the handler is given as `timer.data`: anything that is JSON-serialisable.
        - `misfire_grace`: how late it may be. A timer that is later, since the bot was down for
          instance, is left out; without it, it is due however late.

        Raises `ValueError` for what cannot work, `NotSerializable` for such data.
        """
        self._check(name)
        entry: Entry = {}
        if every is not None:
            entry |= rule_of(every, zone)
        elif zone is not None:
            raise ValueError("zone is the time zone of a cron expression; `at` has its own")
        now = time.time()
        if at is None and after is None and every is not None:
            at_seconds = next_due(entry, now, now)
        else:
            at_seconds = _moment(at, after, now)
        entry["at"] = at_seconds
        if data is not None:
            dump_value(name, {"data": data})
            entry["data"] = data
        if misfire_grace is not None:
            if misfire_grace < timedelta():
                raise ValueError(f"misfire_grace is no negative time; got {misfire_grace}")
            entry["misfire_grace"] = misfire_grace.total_seconds()
        self._put(name, entry)
        return self[name]

    def move(
        self, name: str, *, at: datetime | None = None, after: timedelta | float | None = None
    ) -> datetime:
        """Let a timer be due at another moment, with all else as it is; return when.

        Raises `KeyError` where there is none of this name, `ValueError` as `set` does.
        """
        self._put(name, {**self.entries[name], "at": _moment(at, after, time.time())})
        return self[name]

    def cancel(self, name: str) -> bool:
        """Remove a timer; tell whether there was one of this name."""
        if name not in self.entries:
            return False
        self._put(name, None)
        return True

    def entry(self, name: str) -> Entry | None:
        """Return a timer as it is stored, `None` where there is none of this name."""
        return self.entries.get(name)

    def begin_alone(self, name: str) -> int:
        """Count that a timer is handled with nothing else in work; return how often that was.

        One that is handled is counted no more. What counts more than once has ended processes.
        """
        entry = self.entries[name]
        times: int = entry.get(ALONE, 0) + 1
        self._put(name, {**entry, ALONE: times})
        return times

    def finish(self, name: str, entry: Entry) -> None:
        """Remove a timer that was due, or move it to its next moment; one set anew stays."""
        if self.entries.get(name) is not entry:
            return
        if "every" in entry:
            others = {field: value for field, value in entry.items() if field != ALONE}
            self._put(name, {**others, "at": next_due(entry, entry["at"], time.time())})
        else:
            self._put(name, None)

    def _put(self, name: str, entry: Entry | None) -> None:
        """Change a timer in a copy of what is stored."""
        others = {other: each for other, each in self.entries.items() if other != name}
        self.entries = others if entry is None else {**others, name: entry}
        self.changed = True

    def write_to(self, record: Value) -> None:
        """Put the timers into a record, and when it wants to be woken for them."""
        if self.entries:
            record[FIELD] = self.entries
            record[WAKE_AT] = min(entry["at"] for entry in self.entries.values())
        else:
            record.pop(FIELD, None)
            record.pop(WAKE_AT, None)

    def _check(self, name: str) -> None:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            raise ValueError(f"the name of a timer is text of 1 to {LONGEST_NAME} characters")
        self.require(name)

    def require(self, name: str) -> None:
        """Raise ValueError where no handler takes timers of this name."""
        if self.known is not None and (handler := handler_of(name)) not in self.known():
            names = ", ".join(sorted(self.known())) or "none"
            raise ValueError(
                f"no handler takes timers named {handler!r}: register one with "
                f"@on_timer(router, {handler!r}); there are: {names}"
            )


def handler_of(name: str) -> str:
    """Return the part of a timer's name that says which handler it is for."""
    return name.partition(":")[0]


def due_names(record: Value | None, now: float) -> list[str]:
    """Return the names of the timers in a record that are due, the earliest first."""
    entries = (record or {}).get(FIELD) or {}
    due = [(entry["at"], name) for name, entry in entries.items() if entry["at"] <= now]
    return [name for _, name in sorted(due)]


def fault_of(timers: object) -> str | None:
    """Return what is wrong with the timers of a record, `None` where nothing is."""
    if not isinstance(timers, dict):
        return f"{FIELD}: not an object"
    for name, entry in timers.items():
        at = entry.get("at") if isinstance(entry, dict) else None
        if isinstance(at, bool) or not isinstance(at, int | float):
            return f"{FIELD}.{name}: it does not say at which moment"
    return None


def _moment(at: datetime | None, after: timedelta | float | None, now: float) -> float:
    if (at is None) == (after is None):
        raise ValueError("say when: at=…, after=… or every=…, and not at and after both")
    if at is not None:
        if at.utcoffset() is None:
            raise ValueError(
                f"say in which time zone {at:%Y-%m-%d %H:%M} is: at=….replace(tzinfo=…)"
            )
        return at.timestamp()
    seconds = after.total_seconds() if isinstance(after, timedelta) else float(after or 0)
    if not 0 <= seconds <= 100 * 366 * 86_400:
        raise ValueError(f"after is the time until then, up to a century; got {after!r}")
    return now + seconds
