"""Redis and PostgreSQL: session updates a second and round trips, ours against their clients.

A session update is what every message costs: take the lease and the record, change it, write it
and release. Both servers are started here, privately, with their usual durability.

Over 300 lines: two servers and their clients are measured by one set of turns.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from measure import LoopLag, Progress, Reach, Report, arguments, quantile, taking_turns
from own_servers import EverySecond, MissingServer, SafePostgres, ask
from sqlite_stores import session

TASKS = (1, 100)
KEYS = 1000


class Client:
    """One way to update a session on a server."""

    name: str
    survives = ""

    def __init__(self, url: str) -> None:
        self.url = url

    async def open(self) -> None:
        """Connect."""

    async def update(self, key: int) -> None:
        """Read, change and write one session."""
        raise NotImplementedError

    async def close(self) -> None:
        """Disconnect."""


class Ours(Client):
    """Checkout and checkin of our store: the lease is part of both."""

    name = "ours"

    async def open(self) -> None:
        from toolkit.storage import open_storage

        self.store: Any = open_storage(self.url)

    async def update(self, key: int) -> None:
        lease = await self.store.checkout(f"{key}_{key}", holder="benchmark", lease_for=30)
        await self.store.checkin(lease, session(random.randrange(10**9)))

    async def close(self) -> None:
        await self.store.close()


class AiogramRedis(Client):
    """aiogram's RedisStorage, each update under its RedisEventIsolation."""

    name = "aiogram RedisStorage"

    async def open(self) -> None:
        from aiogram.fsm.storage.redis import RedisStorage

        self.storage = RedisStorage.from_url(self.url)
        self.isolation = self.storage.create_isolation()

    async def update(self, key: int) -> None:
        from aiogram.fsm.storage.base import StorageKey

        name = StorageKey(bot_id=42, chat_id=key, user_id=key)
        async with self.isolation.lock(name):
            await self.storage.get_data(name)
            await self.storage.set_data(name, session(random.randrange(10**9)))

    async def close(self) -> None:
        await self.storage.close()


class PlainRedis(Client):
    """redis-py: GET and SET without a lock."""

    name = "redis-py GET, SET (no lock)"

    async def open(self) -> None:
        from redis.asyncio import Redis as Connection

        self.redis = Connection.from_url(self.url)

    async def update(self, key: int) -> None:
        found = await self.redis.get(f"plain:{key}")
        json.loads(found or "{}")
        await self.redis.set(f"plain:{key}", json.dumps(session(random.randrange(10**9))))

    async def close(self) -> None:
        await self.redis.aclose()


class RawRedis(Client):
    """The protocol by hand on one connection: what is asked in one tick is sent at once."""

    name = "raw protocol (no lock)"

    async def open(self) -> None:
        import hiredis

        host, _, port = self.url.split("/")[2].partition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        self.parser = hiredis.Reader()
        self.pack = hiredis.pack_command
        self.outgoing: list[bytes] = []
        self.waiting: list[asyncio.Future[Any]] = []
        self.receiver = asyncio.create_task(self._receive())

    def ask(self, *command: str) -> asyncio.Future[Any]:
        """Return the answer to one command."""
        loop = asyncio.get_running_loop()
        if not self.outgoing:
            loop.call_soon(self._flush)
        self.outgoing.append(self.pack(command))
        answer = loop.create_future()
        self.waiting.append(answer)
        return answer

    def _flush(self) -> None:
        self.writer.write(b"".join(self.outgoing))
        self.outgoing.clear()

    async def _receive(self) -> None:
        while data := await self.reader.read(65536):
            self.parser.feed(data)
            answered = 0
            while (answer := self.parser.gets()) is not False:
                self.waiting[answered].set_result(answer)
                answered += 1
            del self.waiting[:answered]

    async def update(self, key: int) -> None:
        found = await self.ask("GET", f"raw:{key}")
        json.loads(found or "{}")
        await self.ask("SET", f"raw:{key}", json.dumps(session(random.randrange(10**9))))

    async def close(self) -> None:
        self.writer.close()
        await self.receiver


class PlainPostgres(Client):
    """asyncpg and a pool: SELECT FOR UPDATE and the write, in one transaction."""

    name = "asyncpg, SELECT FOR UPDATE"

    async def open(self) -> None:
        import asyncpg

        self.pool = await asyncpg.create_pool(self.url, min_size=10, max_size=10)
        await self.pool.execute(
            "CREATE TABLE IF NOT EXISTS plain (key text PRIMARY KEY, value text NOT NULL)"
        )
        rows = [(f"{key}_{key}", json.dumps(session(key))) for key in range(KEYS)]
        await self.pool.executemany("INSERT INTO plain VALUES ($1, $2)", rows)

    async def update(self, key: int) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            sql = "SELECT value FROM plain WHERE key = $1 FOR UPDATE"
            json.loads(await connection.fetchval(sql, f"{key}_{key}"))
            await connection.execute(
                "UPDATE plain SET value = $2 WHERE key = $1",
                f"{key}_{key}",
                json.dumps(session(random.randrange(10**9))),
            )

    async def close(self) -> None:
        await self.pool.close()


@asynccontextmanager
async def opened(kinds: tuple[type[Client], ...], url: str) -> AsyncIterator[dict[str, Client]]:
    """Return the clients of one server."""
    clients = {kind.name: kind(url) for kind in kinds}
    for client in clients.values():
        await client.open()
    yield clients
    for client in clients.values():
        await client.close()


async def storm(client: Client, tasks: int, seconds: float) -> tuple[float, dict[str, float]]:
    """Session updates a second by `tasks` tasks, each on keys of its own."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def work(number: int) -> None:
        while (begun := time.perf_counter()) < end:
            await client.update(random.randrange(number, KEYS, tasks))
            took.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    async with LoopLag() as lag:
        await asyncio.gather(*(work(number) for number in range(tasks)))
    return len(took) / (time.perf_counter() - begun), {
        "p50 ms": quantile(took, 0.5) * 1e3,
        "p99 ms": quantile(took, 0.99) * 1e3,
        "loop lag p99 ms": quantile(lag.seen, 0.99),
    }


async def compare(
    report: Report, server: str, kinds: tuple[type[Client], ...], url: str, survives: str
) -> None:
    """Let the clients of one server take turns."""
    settings = report.settings
    progress = Progress(len(TASKS) * len(kinds) * settings.rounds)
    async with opened(kinds, url) as clients:
        for tasks in TASKS:
            subject = f"{server} at {tasks} task{'s' * (tasks > 1)}"
            for _, name in taking_turns(list(clients), settings.rounds):
                progress.step(f"{subject}: {name}")
                rate, details = await storm(clients[name], tasks, settings.seconds)
                report.row(subject, name, "session updates a second", survives).add(rate, **details)
    progress.end()


async def redis_round_trips(report: Report, url: str) -> None:
    """Commands that the server receives for one session update; each waits for its answer."""
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    async with opened((Ours, AiogramRedis, PlainRedis, RawRedis), url) as clients:
        for name, client in clients.items():
            await client.update(1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"MONITOR\r\n")
            await reader.readline()
            for _ in range(100):
                await client.update(1)
            await asyncio.to_thread(ask, port, "echo", "end")
            seen = 0
            while b"echo" not in (line := await reader.readline()).lower():
                # What a script calls does not travel.
                seen += b" lua]" not in line
            writer.close()
            report.row("Redis round trips", name, "an update").add(seen / 100)


def main() -> None:
    """Measure, print, and write what was asked for."""
    settings = arguments(
        __doc__, seconds={"type": float, "default": 1.0, "help": "length of a turn"}
    ).parse_args()
    if settings.quick:
        settings.rounds, settings.seconds = 1, 0.05
    report = Report("servers", settings)
    redis = (Ours, AiogramRedis, PlainRedis, RawRedis)
    postgres = (Ours, PlainPostgres)
    try:
        with EverySecond() as server:
            survives = "kill of the server; a power cut takes a second"
            asyncio.run(compare(report, "Redis", redis, server.url, survives))
            asyncio.run(redis_round_trips(report, server.url))
        report.reach = reach(report)
    except MissingServer as error:
        print(error, file=sys.stderr)
    try:
        with SafePostgres() as server:
            asyncio.run(compare(report, "PostgreSQL", postgres, server.url, "kill and power cut"))
    except MissingServer as error:
        print(error, file=sys.stderr)
    report.finish()


def reach(report: Report) -> list[Reach]:
    """Return the lines of this subject."""
    subject = "Redis at 100 tasks"
    ours = report.median(subject, Ours.name)
    return [
        Reach.at_least(
            f"{subject} ÷ aiogram's", 6, ours / report.median(subject, AiogramRedis.name)
        ),
        Reach.at_least(f"{subject} ÷ raw", 0.45, ours / report.median(subject, RawRedis.name)),
    ]


if __name__ == "__main__":
    main()
