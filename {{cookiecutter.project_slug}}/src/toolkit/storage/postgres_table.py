"""The table of a PostgreSQL store: how it is created, and what a table of an older release lacks.

Releases with the column `wake_at` and without it may use one table at the same time.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from toolkit.errors import StorageUnavailable

logger = logging.getLogger(__name__)

# Replicas that start at once take turns.
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('bot_sessions'));"
_TABLE: Final = f"""
{_ONE_AT_A_TIME}
CREATE TABLE IF NOT EXISTS bot_sessions (
    key text COLLATE "C" PRIMARY KEY,
    value text,
    expires_at timestamptz NOT NULL,
    holder text,
    fence bigint,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX IF NOT EXISTS bot_sessions_expiring ON bot_sessions (expires_at)
    WHERE expires_at < 'infinity';
"""
# Two transactions: the first locks readers out and takes a moment, the second reads the table, and
# locks writers out meanwhile. Who waits for the first lock makes all others wait behind.
_COLUMN: Final = "ALTER TABLE bot_sessions ADD COLUMN IF NOT EXISTS wake_at double precision"
# All that is asked for: the timers of another bot are passed over without a look at their rows.
_INDEX: Final = (
    "CREATE INDEX IF NOT EXISTS bot_sessions_waking ON bot_sessions (wake_at, key)"
    " INCLUDE (expires_at) WHERE wake_at IS NOT NULL"
)
_LOOK: Final = """
SELECT pg_backend_pid() AS pid, relation IS NOT NULL AS is_there,
    to_regclass('bot_sessions_waking') IS NOT NULL AS has_index,
    EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = relation AND attname = 'wake_at' AND NOT attisdropped
    ) AS has_column
FROM to_regclass('bot_sessions') AS relation
"""


async def prepare(connection: Any, target: str, patience: float) -> int:
    """Create what is missing, and return the process that the server says it serves us with."""
    found = await connection.fetchrow(_LOOK, timeout=patience)
    if not found["is_there"]:
        await connection.execute(_TABLE, timeout=patience)
    if not (found["has_column"] and found["has_index"]):
        await _add_wake_at(connection, target, found["has_column"])
    return int(found["pid"])


async def _add_wake_at(connection: Any, target: str, has_column: bool) -> None:
    try:
        if not has_column:
            brief = "SELECT set_config('lock_timeout', '1s', true);"
            await connection.execute(f"{_ONE_AT_A_TIME}{brief}{_COLUMN}")
        await connection.execute(f"{_ONE_AT_A_TIME}{_INDEX}")
    except Exception as error:
        # The driver is not imported here; what a user may not do has this code in every version.
        if getattr(error, "sqlstate", None) != "42501":
            raise
        reason = f"{error}. Let the owner of the table run: {_COLUMN}; {_INDEX}"
        if not has_column:
            raise StorageUnavailable(target, reason) from error
        logger.warning("%s: timers are found slowly: %s", target, reason)
