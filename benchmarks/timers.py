"""Timers: what `due` takes among many sessions, and what an update costs that moves `wake_at`.

Every store takes part that finds what wants to be woken. Servers are started here, privately.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from tempfile import TemporaryDirectory
from typing import Any

from measure import Progress, Reach, Report, arguments, quantile, taking_turns
from own_servers import EverySecond, MissingServer, SafePostgres
from sqlite_stores import session

SERVERS = {"redis": EverySecond, "postgres": SafePostgres}
LIMIT = 100
EVERY = 10
"""One session in so many has a timer."""
FIRST = 1_800_000_000
"""When the first of them is due."""
MOMENTS = {"nothing is due": FIRST - 1, "all timers are due": FIRST + 10**9}
UPDATES = {"no timer": 1, "a timer stays": 0, "a timer moves": 0}
"""Kinds of updates; those of a session with a timer go to every tenth."""


def record(number: int, wake_at: float | None) -> dict[str, Any]:
    """Return a record of 300 bytes, and what its timer takes."""
    if wake_at is None:
        return {"session": session(number)}
    timer = {"at": wake_at, "data": {"visit": number}}
    return {"session": session(number), "timers": {"remind": timer}, "wake_at": wake_at}


def moment(number: int, sessions: int) -> float | None:
    """Return when the session wants to be woken that has this number."""
    return None if number % EVERY else FIRST + number * 7919 % sessions


async def fill(store: Any, sessions: int) -> None:
    """Write the sessions, a thousand at a time."""
    for start in range(0, sessions, 1000):
        several = range(start, min(start + 1000, sessions))
        values = ((number, record(number, moment(number, sessions))) for number in several)
        await asyncio.gather(*(store.write(f"{n}_{n}", value) for n, value in values))


def rows(sessions: int) -> Iterator[tuple[str, str, float | None]]:
    """Return key, text and moment of the sessions, for a table: writing them would take an hour."""
    for number in range(sessions):
        at = moment(number, sessions)
        yield f"{number}_{number}", json.dumps(record(number, at)), at


async def fill_sqlite(store: Any, sessions: int) -> None:
    """Put them into the file in one transaction."""
    sql = "INSERT INTO sessions (key, value, wake_at, revision) VALUES (?, ?, ?, 1)"
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.executemany(sql, rows(sessions))


async def fill_postgres(store: Any, sessions: int) -> None:
    """Copy them into the table."""
    import asyncpg

    connection = await asyncpg.connect(store._url)
    await connection.execute("ALTER TABLE bot_sessions ALTER expires_at SET DEFAULT 'infinity'")
    columns = ("key", "value", "wake_at")
    await connection.copy_records_to_table("bot_sessions", records=rows(sessions), columns=columns)
    await connection.execute("VACUUM ANALYZE bot_sessions")
    await connection.close()


@asynccontextmanager
async def opened(names: tuple[str, ...], sessions: int) -> AsyncIterator[dict[str, Any]]:
    """Return the stores that are there, and find what wants to be woken, with sessions in them."""
    from toolkit.storage import open_storage
    from toolkit.storage.base import WakingSessionStorage

    stores: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        for name in names:
            url = {"memory": "memory:", "sqlite": f"sqlite:///{folder}/bot.db"}.get(name)
            try:
                url = url or stack.enter_context(SERVERS[name]()).url
            except MissingServer as error:
                print(error, file=sys.stderr)
                continue
            store = open_storage(url)
            stack.push_async_callback(store.close)
            if not isinstance(store, WakingSessionStorage):
                print(f"{name} has no verb `due`, so it is left out", file=sys.stderr)
                continue
            await store.has("1_1")
            await {"sqlite": fill_sqlite, "postgres": fill_postgres}.get(name, fill)(
                store, sessions
            )
            stores[f"ours, {name}"] = store
        yield stores


async def turn(work: Callable[[], Awaitable[Any]], seconds: float) -> tuple[float, float]:
    """Return what a call takes in the middle, and what hardly any exceeds, in milliseconds."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        await work()
        took.append(time.perf_counter() - begun)
    return quantile(took, 0.5) * 1e3, quantile(took, 0.99) * 1e3


def update(store: Any, kind: str, sessions: int) -> Callable[[], Awaitable[Any]]:
    """Return what checks a session out, changes it, and commits it, with such a timer."""

    async def once() -> None:
        number = random.randrange(sessions // EVERY) * EVERY + UPDATES[kind]
        lease = await store.checkout(f"{number}_{number}", holder="benchmark", lease_for=30)
        at = lease.value.get("wake_at")
        if kind == "a timer moves":
            at = FIRST + random.randrange(sessions)
        await store.checkin(lease, record(random.randrange(10**9), at))

    return once


async def measure(report: Report) -> None:
    """Let the stores take turns."""
    settings = report.settings
    names = ("memory", "sqlite", *SERVERS)
    async with opened(names, settings.sessions) as stores:
        progress = Progress(5 * settings.rounds * len(stores))
        for subject, before in MOMENTS.items():
            for _, name in taking_turns(list(stores), settings.rounds):
                progress.step(f"{subject}: {name}")
                work = lambda name=name, before=before: stores[name].due(before, LIMIT)  # noqa: E731
                found = await work()
                assert len(found) == (LIMIT if before > FIRST else 0)
                p50, p99 = await turn(work, settings.seconds)
                row = report.row(f"due(now, {LIMIT}), {subject}", name, "ms")
                row.add(p50, **{"p99 ms": p99})
        for name, store in stores.items():
            for _, kind in taking_turns(list(UPDATES), settings.rounds):
                progress.step(f"{name}: {kind}")
                p50, p99 = await turn(update(store, kind, settings.sessions), settings.seconds)
                row = report.row("an update, one at a time", f"{name}, {kind}", "ms")
                row.add(p50, **{"p99 ms": p99})
        progress.end()
    report.reach = [
        Reach.at_most(f"{name}: {subject}, ms", 5, row.median)
        for (subject, name), row in report.rows.items()
        if subject.startswith("due")
    ]


def main() -> None:
    """Measure, print, and write what was asked for."""
    settings = arguments(
        __doc__,
        sessions={"type": int, "default": 1_000_000, "help": "of which a tenth has a timer"},
        seconds={"type": float, "default": 1.0, "help": "length of a turn"},
    ).parse_args()
    if settings.quick:
        settings.rounds, settings.seconds, settings.sessions = 1, 0.05, 2_000
    report = Report("timers", settings)
    asyncio.run(measure(report))
    report.finish()


if __name__ == "__main__":
    main()
