"""Records as lines of JSON: the format of an exported file.

    {"key": "1_2", "value": {"session": {"step": "idle"}}}
    {"key": "slot:9", "value": {"owner": 1}, "expires_at": "2026-11-24T15:00:00.000+00:00"}
    {"records": 2}

`expires_at` is absolute, so that the time between export and import does not change it. The last
line counts the others, so that a truncated file is recognised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, BinaryIO

from toolkit.storage.base import MAX_VALUE_BYTES, Entry, Value

LONGEST_LINE = 8 * MAX_VALUE_BYTES
"""Bytes of a line that are read; a record takes far fewer, however it is written."""

_A_CENTURY = timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class Record:
    """One record on its way from a store to another."""

    key: str
    value: Value
    expires_at: datetime | None = None

    @classmethod
    def of(cls, key: str, entry: Entry) -> Record:
        """Make a record of what the store has now. It lives for a century at most."""
        if entry.expires_in is None:
            return cls(key, entry.value)
        left = min(timedelta(seconds=min(entry.expires_in, 1e10)), _A_CENTURY)
        return cls(key, entry.value, datetime.now(UTC) + left)

    def expires_in(self) -> float | None:
        """Return the seconds it has left, 0 or fewer where it has expired; `None`: it stays."""
        if self.expires_at is None:
            return None
        return (self.expires_at - datetime.now(UTC)).total_seconds()

    def has_expired(self) -> bool:
        """Tell whether no time is left."""
        left = self.expires_in()
        return left is not None and left <= 0

    def fields(self) -> dict[str, Any]:
        """Return the JSON object of its line."""
        fields: dict[str, Any] = {"key": self.key, "value": self.value}
        if self.expires_at is not None:
            fields["expires_at"] = self.expires_at.isoformat(timespec="milliseconds")
        return fields


def dump_line(record: Record | int) -> str:
    """Return the line of a record, or the last line, which counts them; ASCII, with newline."""
    fields = {"records": record} if isinstance(record, int) else record.fields()
    return json.dumps(fields, separators=(",", ":")) + "\n"


def load_line(line: bytes) -> Record | int:
    """Return what `dump_line` was given. Raises ValueError that says what is wrong."""
    if len(line) >= LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE:,} bytes")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
    match fields:
        case {"records": int(number), **rest} if not rest:
            return number
        case {"key": str(key), "value": dict(value), **rest} if rest.keys() <= {"expires_at"}:
            return Record(key, value, _moment(rest.get("expires_at")))
    raise ValueError('a line is an object like {"key": "1_2", "value": {}}')


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(
            f"expires_at is a moment like 2026-11-24T15:00:00+00:00, not {str(text)[:40]!r}"
        )
    return moment


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file with their numbers; of an endless line only the beginning."""
    for number in count(1):
        line = rest = file.readline(LONGEST_LINE)
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
        if not line:
            return
        yield number, line
