"""The table of an SQLite store: what is asked of it, and the few statements that do it."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass
from functools import cache
from typing import Any, Final


@dataclass(slots=True)
class Seen:
    """What is known of a record. An absent one has revision 0."""

    revision: int
    expires_at: float | None

    def is_live(self, now: float) -> bool:
        """Tell whether there is a record that has not expired."""
        return self.revision != 0 and (self.expires_at is None or self.expires_at > now)

    def still_holds(self, found: Seen, now: float) -> bool:
        """Tell whether the record was not changed. One that merely expired was not changed."""
        return self.revision == found.revision or not (self.is_live(now) or found.is_live(now))


ABSENT: Final = Seen(0, None)


@dataclass(slots=True)
class Request:
    """Asks the writer to open the file."""

    done: asyncio.Future[bool]


@dataclass(slots=True)
class Write(Request):
    """Asks for a change: without text it deletes, with `seen` it needs the record unchanged."""

    key: str
    text: str | None
    expires_at: float | None
    seen: Seen | None

    def leaves(self, revision: int) -> Seen:
        """Return the record as it is after the change."""
        return ABSENT if self.text is None else Seen(revision, self.expires_at)


# Each row of a statement stands where {} is, so that a batch is one statement.
# What is not as it was seen becomes NULL, which the table refuses, and the whole statement with it.
_PUT: Final = (
    "WITH wanted (key, value, expires_at, seen, lived) AS (VALUES {}),"
    " given (revision, now) AS (VALUES (?, ?))"
    " INSERT INTO sessions (key, value, expires_at, revision)"
    " SELECT wanted.key,"
    " CASE WHEN seen IS NULL OR seen = ifnull(found.revision, 0) OR NOT"
    " (lived OR found.key IS NOT NULL AND ifnull(found.expires_at > now, TRUE))"
    " THEN wanted.value END,"
    " wanted.expires_at, given.revision"
    " FROM given, wanted LEFT JOIN sessions AS found ON found.key = wanted.key WHERE TRUE"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, expires_at = excluded.expires_at, revision = excluded.revision"
)
_DELETE: Final = "DELETE FROM sessions WHERE key IN ({})"
_FIND: Final = (
    "WITH wanted (number, key) AS (VALUES {})"
    " SELECT json_group_array(json_array(number, revision, expires_at))"
    " FROM wanted JOIN sessions USING (key)"
)
_SWEEP: Final = (
    "DELETE FROM sessions WHERE rowid IN"
    " (SELECT rowid FROM sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
)


def put(connection: sqlite3.Connection, puts: list[Write], revision: int, now: float) -> None:
    """Write all these records, or none. Raises IntegrityError if one is not as it was seen."""
    values: list[Any] = []
    for write in puts:
        seen = write.seen
        values += write.key, write.text, write.expires_at
        values += (None, None) if seen is None else (seen.revision, seen.is_live(now))
    values += revision, now
    connection.execute(_sql(_PUT, "(?, ?, ?, ?, ?)", len(puts)), values)


def delete(connection: sqlite3.Connection, keys: list[str]) -> None:
    """Remove records."""
    connection.execute(_sql(_DELETE, "?", len(keys)), keys)


def sweep(connection: sqlite3.Connection, now: float, limit: int) -> None:
    """Remove some of the records that have expired."""
    connection.execute(_SWEEP, (now, limit))


def new_revision() -> int:
    """Return what no record has had before, in this process or another. It is never 0."""
    return random.getrandbits(62) + 1


@cache
def _sql(statement: str, row: str, rows: int) -> str:
    return statement.format(", ".join(row.format(number) for number in range(rows)))


def find(connection: sqlite3.Connection, keys: list[str]) -> dict[str, Seen]:
    """Look the records up in one statement that returns one row, which is one wait for the lock."""
    found = dict.fromkeys(keys, ABSENT)
    if found:
        names = list(found)
        (rows,) = connection.execute(_sql(_FIND, "({}, ?)", len(names)), names).fetchone()
        for number, revision, expires_at in json.loads(rows):
            found[names[number]] = Seen(revision, expires_at)
    return found
