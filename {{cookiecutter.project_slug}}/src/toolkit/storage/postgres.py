"""Sessions in PostgreSQL 11 or newer, also through PgBouncer and Supabase's pooler.

Every verb is one statement, and one round trip; behind a pooler, where nothing can be prepared, the
driver needs two. A record is one row, and so is its lease: the row of an absent record that is
checked out has expired from the start. What an acknowledged write survives is up to the server's
`synchronous_commit`; by default it has reached the disk.

Over 300 lines, a third of them SQL, which is read together with what runs it.
"""

# ruff: noqa: S608 - the statements are put together from constants only

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any, Final, Self

from toolkit.errors import SessionBusy, SessionConflict
from toolkit.storage.base import OF_BOTS, OWNER, UNCHANGED, Due, Entry, Lease, Unchanged, Value
from toolkit.storage.connection import Connection, driver
from toolkit.storage.postgres_table import prepare
from toolkit.storage.record import check_key, dump_value, load_value, seconds, wake_at
from toolkit.storage.url import check_hosts, check_options, split_url, without_password

_KEYS_PER_PAGE: Final = 500
_OPTIONS: Final = (
    *("host", "port", "dbname", "database", "user", "password", "passfile", "service"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "target_session_attrs"),
    *("krbsrvname", "gsslib"),
    *("application_name", "options", "search_path", "synchronous_commit"),
    *("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"),
)
"""What the driver understands, and settings of a session; more of those go into `options`."""
_CHOICES: Final = {
    "sslmode": "disable allow prefer require verify-ca verify-full",
    "target_session_attrs": "any primary standby read-write read-only prefer-standby",
}

# What nobody waits for any more must not hold rows at the server, let alone be applied late. Where
# half of a statement has reached it, only the end of the connection ends that.
_GUARD: Final = """
SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES
    ('statement_timeout', $1), ('transaction_timeout', $1), ('tcp_keepalives_idle', '20'),
    ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '4')
) AS wanted (name, value) USING (name) WHERE source = 'default'
"""
_READ: Final = "SELECT value FROM bot_sessions WHERE key = $1 AND expires_at > now()"
_ENTRY: Final = """
SELECT value, CASE WHEN expires_at < 'infinity' THEN extract(epoch FROM expires_at - now()) END
    AS expires_in
FROM bot_sessions WHERE key = $1 AND expires_at > now()
"""
_KEYS: Final = (
    "SELECT key FROM bot_sessions WHERE key {} $1 AND expires_at > now()"
    f" AND key <> '{OWNER}' ORDER BY key LIMIT $2"
)
# So written that the planner expects most keys to pass, and knows no other index: it must not take
# the key's, nor sort all that is due.
_DUE: Final = """
SELECT wake_at, key FROM bot_sessions
WHERE wake_at <= $1 AND expires_at > now() AND (strpos(key, $3) = 1)::int <> $4
ORDER BY wake_at, key LIMIT $2
"""
# Two per written record, so that expired ones soon are the minority.
_SWEEP: Final = """
WITH swept AS (
    DELETE FROM bot_sessions WHERE key IN (
        SELECT key FROM bot_sessions
        WHERE expires_at < 'infinity' AND expires_at <= now() AND leased_until <= now()
            AND key <> $1
        ORDER BY expires_at LIMIT 2 FOR UPDATE SKIP LOCKED
    )
)
"""
_EXPIRY: Final = "coalesce(now() + make_interval(secs => $3), 'infinity')"
# Every change of a record ends its lease: its holder is refused at checkin.
_FREE: Final = "holder = NULL, fence = NULL, leased_until = '-infinity'"
_WRITE: Final = f"""
INSERT INTO bot_sessions AS old (key, value, expires_at, wake_at) VALUES ($1, $2, {_EXPIRY}, $4)
ON CONFLICT (key) DO UPDATE SET
    value = excluded.value, expires_at = excluded.expires_at, wake_at = excluded.wake_at, {_FREE}
"""
_ADD: Final = f"{_WRITE} WHERE old.expires_at <= now()"
_DELETE: Final = "DELETE FROM bot_sessions WHERE key = $1"
# A lease is not synced to disk: one that is lost in a crash is a conflict at checkin.
_RELAXED: Final = "WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))"
_CHECKOUT: Final = f"""
{_RELAXED}, taken AS (
    INSERT INTO bot_sessions AS old (key, expires_at, holder, fence, leased_until)
    VALUES ($1, now(), $2, $3, now() + make_interval(secs => $4))
    ON CONFLICT (key) DO UPDATE SET
        holder = excluded.holder, fence = excluded.fence, leased_until = excluded.leased_until
    WHERE old.leased_until <= now() OR old.holder = excluded.holder
    RETURNING CASE WHEN expires_at > now() THEN value END AS value
)
SELECT true AS is_taken, value, NULL AS holder, 0.0 AS remaining FROM taken, relaxed
UNION ALL
SELECT false, NULL, holder, extract(epoch FROM leased_until - now())
FROM bot_sessions
WHERE key = $1 AND leased_until > now() AND NOT EXISTS (SELECT FROM taken)
"""
_HELD: Final = "WHERE key = $1 AND fence = $2"
_CHECKIN: Final = (
    f"UPDATE bot_sessions SET value = $4, expires_at = {_EXPIRY}, wake_at = $5, {_FREE} {_HELD}"
)
_CHECKIN_GONE: Final = f"DELETE FROM bot_sessions {_HELD}"
_RELEASE: Final = f"{_RELAXED} UPDATE bot_sessions SET {_FREE} FROM relaxed {_HELD}"
_RELEASE_ABSENT: Final = f"{_RELAXED} DELETE FROM bot_sessions USING relaxed {_HELD}"
_RENEW: Final = f"""
UPDATE bot_sessions SET leased_until = now() + make_interval(secs => $3) {_HELD}
"""


class PostgresSessionStorage:
    """A store in the table `bot_sessions` of a database, which any number of processes may share.

    The URL is libpq's, `postgresql://user:password@host:5432/database?sslmode=verify-full`, with
    its `sslmode`, `sslrootcert`, `sslcert`, `sslkey` and several hosts. A password that is not in
    it may be in PGPASSWORD. The table is created where it is missing, in the first schema of the
    `search_path`.
    """

    has_own_clock = True
    """Its server tells what has expired."""

    def __init__(self, url: str, *, connections: int = 10, patience: float = 5.0) -> None:
        _check_url(url)
        self._asyncpg = driver("asyncpg", "asyncpg")
        self._url = url
        self._connections = connections
        self._connection: Connection[Any] = Connection(
            without_password(url),
            opening=self._open,
            closing=self._close,
            patience=patience,
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open the database; the first use connects."""
        return cls(url)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        rows = await self._fetch(_READ, _name(key))
        return load_value(key, rows[0]["value"]) if rows else None

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        for text, left in await self._fetch(_ENTRY, _name(key)):
            return Entry(load_value(key, text), None if left is None else float(left))
        return None

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        await self._write(_WRITE, key, value, expires_in)

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._execute(_DELETE, _name(key))

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return bool(await self._fetch(_READ.replace("value", "1", 1), _name(key)))

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix, in the order of their UTF-8."""
        start = _name(prefix)
        rows = await self._fetch(_KEYS.format(">="), start, _KEYS_PER_PAGE)
        while rows:
            for row in rows:
                if not row["key"].startswith(start):
                    return
                yield _key(row["key"])
            rows = await self._fetch(_KEYS.format(">"), rows[-1]["key"], _KEYS_PER_PAGE)

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        return await self._write(_ADD, key, value, expires_in)

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        fence = random.getrandbits(62)
        name = _name(key)
        # An empty answer means that the record was taken or changed in this very moment.
        while not (rows := await self._fetch(_CHECKOUT, name, holder, fence, lease_for)):
            pass
        row = rows[0]
        if not row["is_taken"]:
            raise SessionBusy(key, row["holder"], float(row["remaining"]))
        value = None if row["value"] is None else load_value(key, row["value"])
        return Lease(key, value, fence, holder)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        held = (_name(lease.key), lease.fence)
        if value is UNCHANGED:
            await self._execute(_RELEASE_ABSENT if lease.value is None else _RELEASE, *held)
        elif value is None:
            await self._change(lease, _CHECKIN_GONE, *held)
        else:
            text = dump_value(lease.key, value)
            await self._change(lease, _CHECKIN, *held, seconds(expires_in), text, wake_at(value))

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        await self._change(lease, _RENEW, _name(lease.key), lease.fence, lease_for)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        start = _name(prefix or OF_BOTS)
        rows = await self._fetch(_DUE, before, limit, start, 0 if prefix else 1)
        return [Due(at, _key(name)) for at, name in rows]

    async def close(self) -> None:
        """Let the statements that run end, and close the connections."""
        await self._connection.close()

    async def _write(self, sql: str, key: str, value: Value, expires_in: float | None) -> bool:
        name, text = _name(key), dump_value(key, value)
        sql = sql if expires_in is None else _SWEEP + sql
        return await self._execute(sql, name, text, seconds(expires_in), wake_at(value))

    async def _change(self, lease: Lease, sql: str, *parameters: Any) -> None:
        if not await self._execute(sql, *parameters):
            raise SessionConflict(lease.key)

    async def _fetch(self, sql: str, *parameters: Any) -> list[Any]:
        rows: list[Any] = await self._run("fetch", sql, *parameters)
        return rows

    async def _execute(self, sql: str, *parameters: Any) -> bool:
        """Run the statement, and tell whether it changed a row."""
        status: str = await self._run("execute", sql, *parameters)
        return not status.endswith(" 0")

    async def _run(self, method: str, *arguments: Any) -> Any:
        async def on_a_connection(pool: Any) -> Any:
            connection = await pool.acquire()
            try:
                return await getattr(connection, method)(*arguments)
            except asyncio.CancelledError:
                # The driver would ask the server to cancel, and wait for an answer without end.
                connection.terminate()
                raise
            finally:
                await pool.release(connection)

        return await self._connection.run(on_a_connection)

    async def _open(self) -> Any:
        """Create the table, and what an older one lacks, and open the pool."""
        patience = self._connection.patience
        first = await self._asyncpg.connect(self._url, timeout=patience, statement_cache_size=0)
        try:
            serving = await prepare(first, self._connection.target, patience)
            # A pooler makes up the process that it says we talk to. Behind it a statement may meet
            # any of its connections, and finds nothing there that was prepared before.
            is_pooled = serving != first.get_server_pid()
        finally:
            await first.close(timeout=patience)
        return await self._asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._connections,
            timeout=patience,
            statement_cache_size=0 if is_pooled else 100,
            max_cached_statement_lifetime=0,
            init=None if is_pooled else self._guard,
            reset=_leave_as_it_is,
        )

    async def _guard(self, connection: Any) -> None:
        """Let the server give up when we do, where nobody has set it otherwise."""
        await connection.execute(_GUARD, str(int(self._connection.patience * 1000)))

    async def _close(self, pool: Any) -> None:
        try:
            async with asyncio.timeout(self._connection.patience):
                await pool.close()
        except TimeoutError:
            pool.terminate()


async def _leave_as_it_is(connection: Any) -> None:
    """Save the round trip of a reset: the statements above leave nothing behind."""


def _check_url(url: str) -> None:
    parts = split_url(url)
    options = check_options(parts, _OPTIONS)
    for name, choices in _CHOICES.items():
        if name in options and options[name] not in choices.split():
            raise ValueError(f"{name} in the URL is one of {', '.join(choices.split())}")
    # Without a host it is the one of an option or of the environment, or a socket of this machine.
    if parts.netloc:
        check_hosts(parts)


def _name(key: str) -> str:
    """Return the key as its column holds it: PostgreSQL's text has no U+0000."""
    return check_key(key).replace("\\", "\\\\").replace("\0", "\\0")


def _key(name: str) -> str:
    return "\\".join(part.replace("\\0", "\0") for part in name.split("\\\\"))
