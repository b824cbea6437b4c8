"""The commands of one tick of the event loop, sent to Redis together."""

from __future__ import annotations

import asyncio
import math
from functools import cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final

from toolkit.errors import StorageUnavailable
from toolkit.storage.connection import Connection

if TYPE_CHECKING:
    from redis.asyncio import Redis, RedisCluster

_WORTH_HALVING: Final = 16
_PIPELINES: Final = 4


_Command = tuple[tuple[Any, ...], asyncio.Future[Any]]


class Pipelines:
    """Sends the commands of one tick together, over a few connections at a time.

    After commands of the scripts in `awaited` the server is asked to WAIT until `replicas` have
    them, for at most `wait_ms`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connection: Connection[Redis | RedisCluster],
        *,
        awaited: frozenset[str] = frozenset(),
        replicas: int = 0,
        wait_ms: int = 0,
    ) -> None:
        self.loop = loop
        self._connection = connection
        self._awaited = awaited if replicas else frozenset()
        self._wait = ("WAIT", replicas, wait_ms)
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
            results = await self._pipeline(connection, commands, by_digest=True)
            # A server that has just been started knows no script by its digest.
            unknown = [n for n, r in enumerate(results) if isinstance(r, NoScriptError)]
            again = await self._pipeline(connection, [commands[number] for number in unknown])
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

    async def _pipeline(
        self, connection: Any, commands: list[tuple[Any, ...]], *, by_digest: bool = False
    ) -> list[Any]:
        """Send commands and return their answers, those of writes once enough replicas have them.

        A write that too few have is an error, though it may be kept.
        """
        written = [number for number, c in enumerate(commands) if c[1] in self._awaited]
        sent = [_by_digest(command) for command in commands] if by_digest else commands
        answers = await _pipeline(connection, [*sent, self._wait] if written else sent)
        if written:
            _, replicas, ms = self._wait
            reached = answers.pop()
            if isinstance(reached, Exception) or reached < replicas:
                reason = f"{reached!r} of {replicas} replicas have the write after {ms / 1000:g} s"
                for number in written:
                    if not isinstance(answers[number], Exception):
                        answers[number] = StorageUnavailable(self._connection.target, reason)
        return answers


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
    from redis.exceptions import ConnectionError as Lost
    from redis.exceptions import ReadOnlyError, ResponseError

    answers: list[Any] = []
    if commands:
        await connection.send_packed_command(b"".join(map(pack_command, commands)))
    for _ in commands:
        try:
            answers.append(await connection.read_response(timeout=math.inf))
        except ResponseError as error:
            # Redis 6 says it in the middle of a script's error, and redis-py does not see it.
            if isinstance(error, ReadOnlyError) or "READONLY" in str(error):
                # It was the master once. To connect again is to ask who is now.
                raise Lost(str(error)) from error
            answers.append(error)
    return answers
