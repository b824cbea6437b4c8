"""SQLite under stress: commits beside reads, on a slow disk, and in a bot that never rests."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from measure import LoopLag, Progress, Reach, Report, arguments, quantile, taking_turns
from sqlite_stores import STORES, Store, session

Figures = dict[str, float]
KINDS = {kind.name: kind for kind in STORES}
SLICE = 300e-6
"""Seconds that a handler of a busy bot keeps the event loop."""


async def _write(store: Store, keys: range, end: float, took: list[float]) -> None:
    while (begun := time.perf_counter()) < end:
        await store.write(random.choice(keys), session(random.randrange(10**12)))
        took.append(time.perf_counter() - begun)
        if len(took) % 16 == 0:
            await asyncio.sleep(0)


async def writes(store: Store, keys: int, seconds: float) -> Figures:
    """100 tasks that write: calls a second, how long they took, how long the log got."""
    took: list[float] = []
    longest_log = 0
    log = store.path.with_name(store.path.name + "-wal")

    async def watch_log() -> None:
        nonlocal longest_log
        while True:
            await asyncio.sleep(0.02)
            if log.exists():
                longest_log = max(longest_log, log.stat().st_size)

    share = keys // 100
    begun = time.perf_counter()
    watcher = asyncio.create_task(watch_log())
    async with LoopLag() as lag:
        tasks = (
            _write(store, range(n * share, (n + 1) * share), begun + seconds, took)
            for n in range(100)
        )
        await asyncio.gather(*tasks)
    watcher.cancel()
    return {
        "a second": len(took) / (time.perf_counter() - begun),
        "p99 ms": quantile(took, 0.99) * 1e3,
        "loop lag p99 ms": quantile(lag.seen, 0.99),
        "log MB": longest_log / 1e6,
    }


async def reads(store: Store, keys: int, seconds: float) -> Figures:
    """One task that reads, alone and then beside 20 that write: p99 of a read, in microseconds."""
    figures = {}
    for name, writers in (("idle p99 µs", 0), ("p99 µs beside writers", 20)):
        took: list[float] = []
        end = time.perf_counter() + seconds
        others = [
            asyncio.create_task(_write(store, range(n, keys, 20), end, [])) for n in range(writers)
        ]
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await store.read(random.randrange(keys))
            took.append(time.perf_counter() - begun)
            # The read alone counts; what others do between two of them does not.
            await asyncio.sleep(0)
        await asyncio.gather(*others)
        figures[name] = quantile(took, 0.99) * 1e6
    return figures


async def busy(store: Store, keys: int, seconds: float) -> Figures:
    """100 tasks that write while handlers keep the loop, a slice after the other."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    busy_for = 0.0
    end = time.perf_counter() + seconds

    def handle() -> None:
        nonlocal busy_for
        begun = time.perf_counter()
        while time.perf_counter() - begun < SLICE:
            pass
        busy_for += time.perf_counter() - begun
        if begun < end:
            loop.call_soon(handle)

    begun = time.perf_counter()
    handle()
    tasks = [asyncio.create_task(_write(store, range(n, keys, 100), end, took)) for n in range(100)]
    await asyncio.sleep(seconds)
    done = len(took)
    rate, share = done / (time.perf_counter() - begun), busy_for / (time.perf_counter() - begun)
    await asyncio.gather(*tasks)
    return {"a second": rate, "loop busy %": 100 * share}


TESTS: dict[str, Callable[[Store, int, float], Coroutine[Any, Any, Figures]]] = {
    "writes": writes,
    "reads": reads,
    "busy": busy,
}


def in_child(
    test: str, store: str, settings: argparse.Namespace, *, loop: str = "asyncio", slow_ms: int = 0
) -> Figures:
    """Run one test in a process of its own, on a loop or a disk of its own."""
    environment = dict(os.environ)
    if slow_ms:
        environment |= {"LD_PRELOAD": str(slow_disk()), "SLOW_DISK_MS": str(slow_ms)}
    child = [sys.executable, __file__, "--child", f"{test}:{store}:{loop}"]
    options = ["--keys", str(settings.keys), "--seconds", str(settings.seconds)]
    if settings.folder:
        options += ["--folder", settings.folder]
    done = subprocess.run([*child, *options], capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: Figures = json.loads(done.stdout)
    return figures


def slow_disk() -> Path:
    """Compile the library that slows the disk down."""
    source = Path(__file__).with_name("slow_disk.c")
    library = Path(tempfile.gettempdir()) / f"slow_disk-{os.getuid()}.so"
    command = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library


def child(settings: argparse.Namespace) -> None:
    """Run one test here and print its figures."""
    logging.disable(logging.CRITICAL)
    test, name, loop = settings.child.split(":")
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=settings.folder))

    async def run() -> Figures:
        store = KINDS[name](folder / "storm.db")
        # A slow disk need not slow the preparation down.
        slow, os.environ["SLOW_DISK_MS"] = os.environ.get("SLOW_DISK_MS", "0"), "0"
        await store.open(settings.keys)
        os.environ["SLOW_DISK_MS"] = slow
        await store.write(0, session(1))
        try:
            return await TESTS[test](store, settings.keys, settings.seconds)
        finally:
            await store.close()

    try:
        factory = None
        if loop == "uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            print(json.dumps(runner.run(run())))
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        keys={"type": int, "default": 20_000, "help": "sessions in each store"},
        seconds={"type": float, "default": 3.0, "help": "length of a turn"},
        slow_ms={"type": int, "default": 30, "help": "how much a slow disk adds to a sync"},
        folder={"default": None, "help": "where the files go: the disk that is measured"},
        child={"default": None, "help": argparse.SUPPRESS},
    )
    settings = parser.parse_args()
    if settings.quick:
        settings.keys, settings.seconds, settings.rounds = 200, 0.1, 1
    if settings.child:
        return child(settings)
    report = Report("sqlite_storms", settings)
    few = ["ours", "aiogram-sqlite-storage", "plain aiosqlite", "asyncio.to_thread"]
    turns = [
        ("writes at 100 tasks", "writes", few, {}),
        ("writes at 100 tasks, slow disk", "writes", few, {"slow_ms": settings.slow_ms}),
        ("reads beside writers", "reads", few, {}),
        ("writes of a busy bot", "busy", few, {}),
        ("writes of a busy bot, uvloop", "busy", few, {"loop": "uvloop"}),
    ]
    if settings.quick:
        # Each contender once: a start takes much longer than a short turn.
        others = few[1:]
        turns = [
            (subject, test, ["ours", *others[number : number + 1]], options)
            for number, (subject, test, _, options) in enumerate(turns)
        ]
    progress = Progress(settings.rounds * sum(len(names) for _, _, names, _ in turns))
    for subject, test, names, options in turns:
        for _, name in taking_turns(names, settings.rounds):
            progress.step(f"{subject}: {name}")
            figures = in_child(test, name, settings, **options)
            unit, value = (
                next(reversed(figures.items())) if test == "reads" else next(iter(figures.items()))
            )
            rest = {key: figure for key, figure in figures.items() if key != unit}
            report.row(subject, name, unit).add(value, **rest)
    progress.end()
    report.reach = reach(report)
    report.finish()
    return None


def reach(report: Report) -> list[Reach]:
    """Return the lines of this subject."""

    def ours(subject: str, detail: str) -> float:
        return float(report.rows[subject, "ours"].as_json()["details"][detail])

    beside = report.median("reads beside writers", "ours")
    return [
        Reach.at_most(
            "p99 of reads beside writers ÷ idle",
            3,
            beside / ours("reads beside writers", "idle p99 µs"),
        ),
        Reach.at_most(
            "loop lag p99 on a slow disk, ms",
            5,
            ours("writes at 100 tasks, slow disk", "loop lag p99 ms"),
        ),
        Reach.at_most("p99 of writes at 100 tasks, ms", 8, ours("writes at 100 tasks", "p99 ms")),
        Reach.at_least(
            "writes a second of a busy bot", 2000, report.median("writes of a busy bot", "ours")
        ),
        Reach.at_least(
            "writes a second of a busy bot, uvloop",
            2000,
            report.median("writes of a busy bot, uvloop", "ours"),
        ),
    ]


if __name__ == "__main__":
    main()
