"""Sessions in Redis 6 or newer: one server, Sentinel or Cluster.

A record is JSON text under `session{:KEY}`, its lease `FENCE HOLDER` under `lease{:KEY}`; the
braces put both on the same node of a cluster. Every verb is one command, a script where it has to
be atomic, and the commands of one tick of the event loop share one pipeline. A server that has
just been started is sent each script once, in a round trip of its own. What an acknowledged
write survives is up to the server: nothing without persistence, a crash with `appendfsync always`.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from collections.abc import AsyncIterator
from functools import cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final, Self, cast
from urllib.parse import urlsplit

from toolkit.errors import SessionBusy, SessionConflict, StorageUnavailable
from toolkit.storage.base import UNCHANGED, Entry, Lease, Unchanged, Value
from toolkit.storage.connection import Connection, driver, without_password
from toolkit.storage.record import check_key, dump_value, load_value, milliseconds

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_TIMEOUTS: Final = ("socket_timeout", "socket_connect_timeout")
_WORTH_HALVING: Final = 16
_PIPELINES: Final = 4
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


class RedisSessionStorage:
    """A store on a Redis server, which any number of processes may share.

    URLs, each with redis-py's options as a query, and with `rediss` in place of `redis` for TLS:
    `redis://user:password@host:6379/0`, `redis+sentinel://host:26379,host:26379/mymaster/0` and
    `redis+cluster://host:6379,host:6379`. A server that is silent for `patience` seconds counts as
    unavailable.
    """

    def __init__(self, url: str, *, patience: float = 5.0) -> None:
        driver("redis", "redis[hiredis]")
        self._connection: Connection[Redis | RedisCluster] = Connection(
            without_password(url),
            opening=lambda: _open(url, patience),
            closing=lambda client: client.aclose(),
            patience=patience,
        )
        self._pipelines: _Pipelines | None = None

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
        seen = set()
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
            self._pipelines = _Pipelines(loop, self._connection)
        return self._pipelines.run(command)


_Command = tuple[tuple[Any, ...], asyncio.Future[Any]]


class _Pipelines:
    """Sends the commands of one tick together, over a few connections at a time."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connection: Connection[Redis | RedisCluster]
    ) -> None:
        self.loop = loop
        self._connection = connection
        self._waiting: list[_Command] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._due = False
        self._limit = 1
        """Pipelines at a time: one until the client is known, never more than its connections."""

    def run(self, command: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Let the command be part of the next pipeline; the future gets its answer.

        A failure is StorageUnavailable.
        """
        answer: asyncio.Future[Any] = self.loop.create_future()
        self._waiting.append((command, answer))
        self._send_soon()
        return answer

    async def finish(self) -> None:
        """Wait for the answers that are under way."""
        while self._waiting or self._sending:
            self._send()
            await asyncio.wait(self._sending)

    def _send_soon(self) -> None:
        if not self._due and self._waiting and len(self._sending) < self._limit:
            self._due = True
            self.loop.call_soon(self._send)

    def _send(self) -> None:
        self._due = False
        if self._waiting and len(self._sending) < self._limit:
            # Alone, one half waits for the server while the other half is prepared.
            count = len(self._waiting)
            if not self._sending and count >= _WORTH_HALVING and self._limit > 1:
                count = (count + 1) // 2
            commands, self._waiting = self._waiting[:count], self._waiting[count:]
            task = self.loop.create_task(self._carry_out(commands))
            self._sending.add(task)
            task.add_done_callback(self._sent)
            self._send_soon()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._send_soon()

    async def _carry_out(self, commands: list[_Command]) -> None:
        try:
            results = await self._connection.run(
                lambda client: self._exchange(client, [command for command, _ in commands])
            )
        except StorageUnavailable as error:
            results = [error] * len(commands)
        for (_, answer), result in zip(commands, results, strict=True):
            if answer.done():
                continue
            if isinstance(result, Exception):
                failure = self._connection.unavailable(result)
                failure.__cause__ = result
                answer.set_exception(failure)
            else:
                answer.set_result(result)

    async def _exchange(
        self, client: Redis | RedisCluster, commands: list[tuple[Any, ...]]
    ) -> list[Any]:
        """Send the commands at once and return their answers; an error can be an answer."""
        pool: Any = getattr(client, "connection_pool", None)
        self._limit = min(_PIPELINES, getattr(pool, "max_connections", _PIPELINES))
        if pool is None:
            return await _exchange_with_cluster(client, commands)
        from redis.exceptions import NoScriptError

        connection = await pool.get_connection()
        try:
            results = await _pipeline(connection, [_by_digest(command) for command in commands])
            # A server that has just been started knows no script by its digest.
            unknown = [n for n, r in enumerate(results) if isinstance(r, NoScriptError)]
            again = await _pipeline(connection, [commands[number] for number in unknown])
            for number, result in zip(unknown, again, strict=True):
                results[number] = result
        except BaseException:
            # Answers may still come, and must not be taken for those of the next commands.
            await connection.disconnect(nowait=True)
            raise
        else:
            return results
        finally:
            await pool.release(connection)


async def _exchange_with_cluster(client: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    from redis.exceptions import AskError, MovedError, TryAgainError

    pipeline: Any = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    results: list[Any] = await pipeline.execute(raise_on_error=False)
    for number, command in enumerate(commands):
        if isinstance(results[number], AskError | MovedError | TryAgainError):
            # The node refused it, so that it is safe to ask again where it points to.
            results[number] = await client.execute_command(*command)
    return results


def _by_digest(command: tuple[Any, ...]) -> tuple[Any, ...]:
    """Name the script instead of sending it, which saves the server the work of hashing it."""
    if command[0] != "EVAL":
        return command
    return ("EVALSHA", _digest(command[1]), *command[2:])


@cache
def _digest(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


async def _pipeline(connection: Any, commands: list[tuple[Any, ...]]) -> list[Any]:
    """Do what redis-py's own pipeline does, for a third of its time."""
    from hiredis import pack_command
    from redis.exceptions import ResponseError

    answers: list[Any] = []
    if commands:
        await connection.send_packed_command(b"".join(map(pack_command, commands)))
    for _ in commands:
        try:
            answers.append(await connection.read_response(timeout=math.inf))
        except ResponseError as error:
            answers.append(error)
    return answers


def _names(key: str) -> tuple[str, str]:
    check_key(key)
    return f"session{{:{key}}}", f"lease{{:{key}}}"


async def _itself(client: Any) -> Any:
    return client


async def _open(url: str, patience: float) -> Redis | RedisCluster:
    """Make the client that the URL asks for. It connects when it is used."""
    from redis.asyncio import Redis, RedisCluster, Sentinel
    from redis.asyncio.cluster import ClusterNode
    from redis.asyncio.connection import parse_url
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    parts = urlsplit(url)
    protocol, _, kind = parts.scheme.partition("+")
    credentials, at, hosts = parts.netloc.rpartition("@")
    nodes = [_host(host, 26379 if kind == "sentinel" else 6379) for host in hosts.split(",")]
    # What was sent and not answered may have been done: to send it twice could add a key twice.
    # With the newer protocol redis-py does not notice that an idle connection was closed.
    options: dict[str, Any] = {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        **dict.fromkeys(_TIMEOUTS, patience),
    }
    master, _, db = parts.path.lstrip("/").partition("/")
    if not kind:
        return Redis.from_url(url, **options)
    path = db if kind == "sentinel" else ""
    plain = parts._replace(scheme=protocol, netloc=f"{credentials}{at}localhost", path=path)
    options |= parse_url(plain.geturl())
    options.pop("host", None)
    if options.pop("connection_class", None):
        options["ssl"] = True
    if kind == "sentinel":
        for_sentinels = {name: options[name] for name in ("retry", *_TIMEOUTS)}
        sentinel: Any = Sentinel(nodes, sentinel_kwargs=for_sentinels, **options)  # type: ignore[no-untyped-call]
        return cast("Redis", sentinel.master_for(master))
    return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in nodes], **options)


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "localhost", parts.port or port
