"""Sessions in Redis 6 or newer: one server, Sentinel or Cluster.

A record is JSON text under `session{:KEY}`, its lease `FENCE HOLDER` under `lease{:KEY}`; the
braces put both on the same node of a cluster. Every verb is one command, a script where it has to
be atomic, and the commands of one tick of the event loop share one pipeline. A server that has
just been started is sent each script once, in a round trip of its own. What an acknowledged
write survives is up to the server: nothing without persistence, a crash with `appendfsync always`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final, Self

from toolkit.errors import SessionBusy, SessionConflict, StorageUnavailable
from toolkit.storage.base import OWNER, UNCHANGED, Entry, Lease, Unchanged, Value
from toolkit.storage.connection import Connection, driver
from toolkit.storage.record import check_key, dump_value, load_value, milliseconds
from toolkit.storage.redis_client import open_client, parse_target, warnings_of
from toolkit.storage.redis_pipelines import Pipelines
from toolkit.storage.url import without_password

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_KEYS_PER_PAGE: Final = 500

# KEYS are the record and its lease. Every change of a record ends its lease.
_WRITE: Final = """
if ARGV[2] == '' then redis.call('SET', KEYS[1], ARGV[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('DEL', KEYS[2])
return 1
"""
_ENTRY: Final = """
local text = redis.call('GET', KEYS[1])
return text and {text, redis.call('PTTL', KEYS[1])}
"""
_ADD: Final = f"if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end {_WRITE}"
_DELETE: Final = "redis.call('DEL', KEYS[1], KEYS[2])"
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

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Open the URL; the first use connects."""
        return cls(url)

    async def read(self, key: str) -> Value | None:
        """Return the value, or None when it is absent or expired."""
        text = await self._run("GET", _names(key)[0])
        return None if text is None else load_value(key, text)

    async def read_entry(self, key: str) -> Entry | None:
        """Return the value and the seconds it has left."""
        found = await self._script(_ENTRY, _names(key))
        if found is None:
            return None
        text, ms = found
        # PTTL is -1 where there is no expiry, and 0 in the last millisecond.
        return Entry(load_value(key, text), None if ms == -1 else max(ms, 1) / 1000)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        names, text = _names(key), dump_value(key, value)
        await self._script(_WRITE, names, text, milliseconds(expires_in) or "")

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._script(_DELETE, _names(key))

    async def has(self, key: str) -> bool:
        """Tell whether the record exists and has not expired."""
        return bool(await self._run("EXISTS", _names(key)[0]))

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the live keys that start with the prefix; SCAN promises no snapshot."""
        start = _names(prefix)[0][:-1]
        pattern = re.sub(r"([*?^\-\[\]\\])", r"\\\1", start) + "*"
        client = await self._connection.run(_itself)
        seen = {_names(OWNER)[0].encode()}
        try:
            async for name in client.scan_iter(match=pattern, count=_KEYS_PER_PAGE):
                if name not in seen:
                    seen.add(name)
                    yield name.decode()[len(_names("")[0]) - 1 : -1]
                    self._connection.check_open()
        except StorageUnavailable:
            raise
        except Exception as error:
            raise self._connection.unavailable(error) from error

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        names, text = _names(key), dump_value(key, value)
        return bool(await self._script(_ADD, names, text, milliseconds(expires_in) or ""))

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Lease:
        """Read the record and lease it. Raises SessionBusy while another holder has it."""
        fence = secrets.token_hex(8)
        proof = f"{fence} {holder}"
        found = await self._script(_CHECKOUT, _names(key), "", milliseconds(lease_for), proof)
        if isinstance(found, list):
            held, remaining = found
            raise SessionBusy(key, held.decode()[17:], max(remaining, 0) / 1000)
        return Lease(key, None if found is None else load_value(key, found), fence, holder)

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
            text = dump_value(lease.key, value)
            if not await self._with_lease(_CHECKIN, lease, text, milliseconds(expires_in) or ""):
                raise SessionConflict(lease.key)

    async def renew(self, lease: Lease, *, lease_for: float) -> None:
        """Let the lease end `lease_for` seconds from now. Raises SessionConflict."""
        if not await self._with_lease(_RENEW, lease, "", milliseconds(lease_for) or ""):
            raise SessionConflict(lease.key)

    async def read_warnings(self) -> list[str]:
        """Return what is set at the server so that records can be lost."""
        return await self._connection.run(warnings_of)

    async def close(self) -> None:
        """Wait for the answers that are under way, and close the connections."""
        pipelines, self._pipelines = self._pipelines, None
        if pipelines is not None and pipelines.loop is asyncio.get_running_loop():
            await pipelines.finish()
        await self._connection.close()

    async def _with_lease(
        self, script: str, lease: Lease, text: str = "", ms: int | str = ""
    ) -> bool:
        proof = f"{lease.fence} {lease.holder}"
        return bool(await self._script(script, _names(lease.key), text, ms, proof))

    def _script(
        self, script: str, names: tuple[str, str], *arguments: str | int | None
    ) -> asyncio.Future[Any]:
        return self._run("EVAL", script, 2, *names, *arguments)

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


def _names(key: str) -> tuple[str, str]:
    check_key(key)
    return f"session{{:{key}}}", f"lease{{:{key}}}"


async def _itself(client: Any) -> Any:
    return client
