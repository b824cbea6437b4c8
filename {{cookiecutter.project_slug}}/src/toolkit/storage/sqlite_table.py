"""The table of an SQLite store: few statements, as each is a wait for the interpreter lock."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

# Each row of a statement stands where {} is, so that a batch is one statement.
# What is not as it was seen becomes NULL, which the table refuses, and the whole statement with it.
_PUT: Final = (
    "WITH wanted (key, value, expires_at, wake_at, seen, lived) AS (VALUES {}),"
    " given (revision, now) AS (VALUES (?, ?))"
    " INSERT INTO sessions (key, value, expires_at, wake_at, revision)"
    " SELECT wanted.key,"
    " CASE WHEN seen IS NULL OR seen = ifnull(found.revision, 0) OR NOT"
    " (lived OR found.key IS NOT NULL AND ifnull(found.expires_at > now, TRUE))"
    " THEN wanted.value END,"
    " wanted.expires_at, wanted.wake_at, given.revision"
    " FROM given, wanted LEFT JOIN sessions AS found ON found.key = wanted.key WHERE TRUE"
    " ON CONFLICT (key) DO UPDATE"
    " SET value = excluded.value, expires_at = excluded.expires_at, wake_at = excluded.wake_at,"
    " revision = excluded.revision"
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


def put(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], revision: int, now: float
) -> None:
    """Write all these records, or none. Raises IntegrityError if one is not as it was seen.

    A row is the key, the text, the expiry, the moment to be woken, the revision that was seen and
    whether it was live.
    """
    values = [value for row in rows for value in row]
    connection.execute(_sql(_PUT, "(?, ?, ?, ?, ?, ?)", len(rows)), [*values, revision, now])


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


def find(
    connection: sqlite3.Connection, keys: Sequence[str]
) -> Iterator[tuple[str, int, float | None]]:
    """Yield the key, revision and expiry of those that exist, of one statement and one row."""
    if keys:
        (rows,) = connection.execute(_sql(_FIND, "({}, ?)", len(keys)), keys).fetchone()
        for number, revision, expires_at in json.loads(rows):
            yield keys[number], revision, expires_at
