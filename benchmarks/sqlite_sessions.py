"""SQLite sessions: reads, writes and read-modify-writes, ours against every other store."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from measure import LoopLag, Progress, Reach, Report, arguments, quantile, taking_turns
from sqlite_stores import AIOGRAM_STORES, STORES, WRITE, Store, plain_file, session

TASKS = (1, 10, 100)
RAW = {"raw, 1 row a commit": 1, "raw, 100 rows a commit": 100, "raw, 20,000 rows a commit": 20_000}
VERBS = ("reads", "writes", "read-modify-writes")


async def storm(
    store: Store, verb: str, tasks: int, keys: int, seconds: float
) -> tuple[float, dict[str, float]]:
    """Let `tasks` tasks work for `seconds`; calls a second, and how long they took."""
    took: list[float] = []
    failed = 0
    end = time.perf_counter() + seconds
    numbers = iter(range(random.randrange(10**9), 10**12))
    share = keys // tasks
    verbs: dict[str, Callable[[int], Awaitable[object]]] = {
        "reads": store.read,
        "writes": lambda key: store.write(key, session(next(numbers))),
        "read-modify-writes": lambda key: store.modify(key, next(numbers)),
    }
    call = verbs[verb]

    async def work(number: int) -> None:
        nonlocal failed
        # Keys of its own: who shares a key loses updates in most of these stores.
        own = range(number * share, (number + 1) * share)
        while (begun := time.perf_counter()) < end:
            try:
                await call(random.choice(own))
            except Exception:  # noqa: BLE001 - "database is locked" is a result, too
                failed += 1
            else:
                took.append(time.perf_counter() - begun)
            if not failed and len(took) % 16 == 0:
                # Stores that never give way would keep the loop, and the others, for ever.
                await asyncio.sleep(0)

    begun = time.perf_counter()
    async with LoopLag() as lag:
        await asyncio.gather(*(work(number) for number in range(tasks)))
    rate = len(took) / (time.perf_counter() - begun)
    details = {
        "p50 ms": quantile(took, 0.5) * 1e3,
        "p99 ms": quantile(took, 0.99) * 1e3,
        "loop lag p99 ms": quantile(lag.seen, 0.99),
    }
    return rate, details | ({"failed": failed} if failed else {})


def raw_rate(connection: object, rows: int, keys: int, seconds: float) -> float:
    """Rows a second that one thread commits, `rows` at a time: what the disk and SQLite allow."""
    written = 0
    begun = time.perf_counter()
    number = random.randrange(10**9)
    while time.perf_counter() - begun < seconds or not written:
        batch = [
            (f"{(number + row) % keys}_{(number + row) % keys}", json.dumps(session(number + row)))
            for row in range(rows)
        ]
        number += rows * 7
        connection.execute("BEGIN IMMEDIATE")  # type: ignore[attr-defined]
        connection.executemany(WRITE, batch)  # type: ignore[attr-defined]
        connection.execute("COMMIT")  # type: ignore[attr-defined]
        written += rows
    return written / (time.perf_counter() - begun)


async def compare(report: Report, folder: Path, keys: int, seconds: float, rounds: int) -> None:
    """Fill every store with `keys` sessions and let them take turns."""
    stores = {kind.name: kind(folder / f"{kind.name}-{keys}.db") for kind in STORES}
    plan = [(verb, tasks) for verb in VERBS for tasks in TASKS]
    turns = sum(len(stores) + len(RAW) * (verb == "writes") for verb, _ in plan)
    progress = Progress(len(stores) + rounds * turns)
    for name, store in stores.items():
        progress.step(f"{name}: {keys:,} keys")
        await store.open(keys)
    raw = plain_file(folder / f"raw-{keys}.db", keys)
    for verb, tasks in plan:
        subject = f"{verb} at {tasks} task{'s' * (tasks > 1)}, {keys:,} keys"
        names = [*stores, *(RAW if verb == "writes" else ())]
        for _, name in taking_turns(names, rounds):
            progress.step(f"{subject}: {name}")
            if name in RAW:
                rate = raw_rate(raw, RAW[name], keys, seconds)
                report.row(subject, name, "a second", "kill and power cut").add(rate)
            else:
                rate, details = await storm(stores[name], verb, tasks, keys, seconds)
                report.row(subject, name, "a second", stores[name].survives).add(rate, **details)
    progress.end()
    raw.close()
    for store in stores.values():
        await store.close()


def reach(report: Report, keys: int) -> list[Reach]:
    """Return the lines of this subject."""

    def times(verb: str, tasks: int, *others: str) -> float:
        subject = f"{verb} at {tasks} task{'s' * (tasks > 1)}, {keys:,} keys"
        return report.median(subject, "ours") / report.best(subject, others)

    return [
        Reach.at_least(
            "writes at 100 tasks ÷ best aiogram store", 40, times("writes", 100, *AIOGRAM_STORES)
        ),
        Reach.at_least(
            "writes at 100 tasks ÷ plain aiosqlite", 4, times("writes", 100, "plain aiosqlite")
        ),
        Reach.at_least(
            "writes at 100 tasks ÷ raw, 100 rows a commit",
            0.5,
            times("writes", 100, "raw, 100 rows a commit"),
        ),
        Reach.at_least(
            "writes at 1 task ÷ raw, 1 row a commit", 0.6, times("writes", 1, "raw, 1 row a commit")
        ),
        Reach.at_least(
            "read-modify-writes at 100 tasks ÷ best aiogram store",
            20,
            times("read-modify-writes", 100, *AIOGRAM_STORES),
        ),
        Reach.at_least(
            "read-modify-writes at 100 tasks ÷ plain aiosqlite",
            4,
            times("read-modify-writes", 100, "plain aiosqlite"),
        ),
        Reach.at_least(
            "reads at 1 task ÷ plain aiosqlite", 15, times("reads", 1, "plain aiosqlite")
        ),
    ]


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        keys={"type": int, "nargs": "+", "default": [20_000], "help": "sizes of the stores"},
        seconds={"type": float, "default": 1.0, "help": "length of a turn"},
        folder={"default": None, "help": "where the files go: the disk that is measured"},
    )
    settings = parser.parse_args()
    if settings.quick:
        settings.keys, settings.seconds, settings.rounds = [200], 0.02, 1
    logging.disable(logging.CRITICAL)
    report = Report("sqlite_sessions", settings)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=settings.folder))
    try:
        for keys in settings.keys:
            asyncio.run(compare(report, folder, keys, settings.seconds, settings.rounds))
    finally:
        shutil.rmtree(folder)
    report.reach = reach(report, settings.keys[0])
    report.finish()


if __name__ == "__main__":
    main()
