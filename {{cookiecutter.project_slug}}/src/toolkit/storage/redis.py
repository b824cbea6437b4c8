"""Sessions in Redis 6 or newer: one server, Sentinel or Cluster.

A record is JSON text under `session{:KEY}`, its lease `FENCE HOLDER` under `lease{:KEY}`; the
braces put both on the same node of a cluster. When records want to be woken is in a sorted set of
each bot, `wake{:BOT}` (see `redis_waking`). Every verb is one command, a script where it has to be
atomic, and the commands of one tick of the event loop share one pipeline; on a cluster a write that
lets a record be woken earlier takes two or three. A server that has just been started is sent each
script once, in a round trip of its own. What an acknowledged write survives is up to the server:
nothing without persistence, a crash with `appendfsync always`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, Self

from toolkit.errors import SessionBusy, SessionConflict, StorageUnavailable
from toolkit.storage.base import OWNER, UNCHANGED, Due, Entry, Lease, Unchanged, Value
from toolkit.storage.connection import Connection, driver
from toolkit.storage.record import check_key, dump_value, load_value, milliseconds, wake_at
from toolkit.storage.redis_client import open_client, parse_target, warnings_of
from toolkit.storage.redis_pipelines import Pipelines
from toolkit.storage.redis_waking import (
    ClusterIndex,
    due_on_server,
    index_name,
    key_of,
    record_name,
    score,
)
from toolkit.storage.url import without_password

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_KEYS_PER_PAGE: Final = 500
_FENCE: Final = 16
"""Characters of a fence; on a cluster the moment that its value had follows."""

# KEYS are the record, its lease and, but for a cluster, the set that says when it is to be woken.
# Every change of a record ends its lease.
_WRITE: Final = """
if ARGV[2] == '' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('DEL', KEYS[2])
if not KEYS[3] then return 1 end
if ARGV[4] == '' then redis.call('ZREM', KEYS[3], KEYS[1])
else redis.call('ZADD', KEYS[3], ARGV[4], KEYS[1]) end
return 1
"""
_ENTRY: Final = """
local text = redis.call('GET', KEYS[1])
return text and {text, redis.call('PTTL', KEYS[1])}
"""
_ABSENT: Final = "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end "
_ADD: Final = _ABSENT + _WRITE
_DELETE: Final = """
redis.call('DEL', KEYS[1], KEYS[2])
if KEYS[3] then redis.call('ZREM', KEYS[3], KEYS[1]) end
"""
_HELD: Final = "if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end "
_CHECKIN: Final = _HELD + _WRITE
_CHECKIN_GONE: Final = f"{_HELD} {_DELETE} return 1"
_RELEASE: Final = f"{_HELD} redis.call('DEL', KEYS[2]) return 1"
_RENEW: Final = f"{_HELD} redis.call('PEXPIRE', KEYS[2], ARGV[2]) return 1"
_CHECKOUT: Final = """
local held = redis.call('GET', KEYS[2])
if held and string.sub(held, 18) ~= string.sub(ARGV[3], 18) then
    return {held, redis.call('PTTL', KEYS[2])}
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2])
return redis.call('GET', KEYS[1])
"""
_SEIZE: Final = "redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[2]) return 1"
_SEIZE_ABSENT: Final = _ABSENT + _SEIZE
_SEIZED_FOR: Final = 5_000
"""Milliseconds for a write of a cluster that has told when its record is to be woken."""
# A lease that a failover takes away is a conflict at checkin; nobody waits for its replicas.
_AWAITED: Final = frozenset((_WRITE, _ADD, _DELETE, _CHECKIN, _CHECKIN_GONE))


class RedisSessionStorage:
    """A store on a Redis server, which any number of processes may share.

    URLs, each with redis-py's options as a query, and with `rediss` in place of `redis` for TLS:
    `redis://user:password@host:6379/0`, `redis+sentinel://host:26379,host:26379/mymaster/0` and
    `redis+cluster://host:6379,host:6379`. A server that is silent for `patience` seconds counts as
    unavailable. With `?wait_replicas=1&wait_timeout=1` a write that fewer replicas have after
    `wait_timeout` seconds raises StorageUnavailable; it may be kept all the same.
    """

    has_own_clock = True
    """Its server tells what has expired."""

    def __init__(self, url: str, *, patience: float = 5.0) -> None:
        driver("redis", "redis[hiredis]")
        self._target = target = parse_target(url, patience)

        async def open_target() -> Redis | RedisCluster:
            return open_client(target)

        self._connection: Connection[Redis | RedisCluster] = Connection(
            without_password(url),
            opening=open_target,
            closing=lambda client: client.aclose(),
            patience=patience,
        )
        self._pipelines: Pipelines | None = None
        self._index = ClusterIndex(self, self._run) if target.kind == "cluster" else None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open the URL; the first use connects."""
        return cls(url)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        text = await self._run("GET", record_name(key))
        return None if text is None else load_value(key, text)

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        found = await self._script(_ENTRY, key)
        if found is None:
            return None
        text, ms = found
        # PTTL is -1 where there is no expiry, and 0 in the last millisecond.
        return Entry(load_value(key, text), None if ms == -1 else max(ms, 1) / 1000)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        await self._store(_WRITE, _SEIZE, key, value, expires_in)

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._script(_DELETE, key)

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return bool(await self._run("EXISTS", record_name(key)))

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix; SCAN promises no snapshot."""
        start = record_name(prefix)[:-1]
        pattern = re.sub(r"([*?^\-\[\]\\])", r"\\\1", start) + "*"
        client = await self._connection.run(_itself)
        seen = {record_name(OWNER).encode()}
        try:
            async for name in client.scan_iter(match=pattern, count=_KEYS_PER_PAGE):
                if name not in seen:
                    seen.add(name)
                    yield key_of(name)
                    self._connection.check_open()
        except StorageUnavailable:
            raise
        except Exception as error:
            raise self._connection.unavailable(error) from error

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        return bool(await self._store(_ADD, _SEIZE_ABSENT, key, value, expires_in))

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        fence = secrets.token_hex(_FENCE // 2)
        proof = f"{fence} {holder}"
        found = await self._script(_CHECKOUT, key, "", milliseconds(lease_for), proof)
        if isinstance(found, list):
            held, remaining = found
            raise SessionBusy(key, held.decode()[_FENCE + 1 :], max(remaining, 0) / 1000)
        value = None if found is None else load_value(key, found)
        if self._index is not None and value is not None:
            # The value may be changed before it comes back.
            fence += score(wake_at(value))
        return Lease(key, value, fence, holder)

    async def checkin(
        self, lease: Lease, value: Value | Unchanged | None, *, expires_in: float | None = None
    ) -> None:
        """Write the value (None deletes) and release the lease. Raises SessionConflict."""
        if value is UNCHANGED:
            await self._with_lease(_RELEASE, lease)
        elif value is None:
            if not await self._with_lease(_CHECKIN_GONE, lease):
                raise SessionConflict(lease.key)
        else:
            text, at = dump_value(lease.key, value), wake_at(value)
            ms = milliseconds(expires_in) or ""
            if self._index is not None and at is not None:
                was = str(lease.fence)[_FENCE:]
                if not was or at < float(was):
                    await self._index.lower(lease.key, at)
            if not await self._with_lease(_CHECKIN, lease, text, ms, score(at)):
                raise SessionConflict(lease.key)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        if not await self._with_lease(_RENEW, lease, "", milliseconds(lease_for) or ""):
            raise SessionConflict(lease.key)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        check_key(prefix)
        if self._index is not None:
            return await self._index.due(before, limit, prefix)
        return await due_on_server(self._run, before, limit, prefix)

    async def read_warnings(self) -> list[str]:
        """Return what is set at the server so that records can be lost."""
        return await self._connection.run(warnings_of)

    async def close(self) -> None:
        """Wait for the answers that are under way, and close the connections."""
        pipelines, self._pipelines = self._pipelines, None
        if pipelines is not None and pipelines.loop is asyncio.get_running_loop():
            await pipelines.finish()
        await self._connection.close()

    async def _store(
        self, script: str, seize: str, key: str, value: Value, expires_in: float | None
    ) -> Any:
        """Write the value by the script; on a cluster, where it takes several, with a lease."""
        check_key(key)
        text, at, ms = dump_value(key, value), wake_at(value), milliseconds(expires_in) or ""
        if self._index is None or at is None:
            return await self._script(script, key, text, ms, "", score(at))
        while True:
            proof = f"{secrets.token_hex(_FENCE // 2)} write"
            if not await self._script(seize, key, "", _SEIZED_FOR, proof):
                return 0
            await self._index.lower(key, at)
            if await self._script(_CHECKIN, key, text, ms, proof):
                return 1

    async def _with_lease(
        self, script: str, lease: Lease, text: str = "", ms: int | str = "", at: str = ""
    ) -> bool:
        proof = f"{str(lease.fence)[:_FENCE]} {lease.holder}"
        return bool(await self._script(script, lease.key, text, ms, proof, at))

    def _script(self, script: str, key: str, *arguments: str | int | None) -> asyncio.Future[Any]:
        names = [record_name(key), f"lease{{:{key}}}"]
        if self._index is None:
            names.append(index_name(key))
        return self._run("EVAL", script, len(names), *names, *arguments)

    def _run(self, *command: Any) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if self._pipelines is None or self._pipelines.loop is not loop:
            self._pipelines = Pipelines(
                loop,
                self._connection,
                awaited=_AWAITED,
                replicas=self._target.replicas,
                wait_ms=self._target.wait_ms,
            )
        return self._pipelines.run(command)


async def _itself(client: Any) -> Any:
    return client
