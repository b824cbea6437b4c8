"""Growth: what an update costs, and what memory is taken, as the number of users grows."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Progress, Reach, Report, arguments, quantile, taking_turns
from update_bots import _ours, update

STORES = ("memory", "sqlite")


def resident_mb() -> float:
    """Memory of this process, in megabytes."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def child(store: str, keys: int, updates: int, folder: str | None) -> dict[str, float]:
    """Fill a store with `keys` users; then updates of users at random, 100 chats at once."""
    from toolkit.storage.memory import MemorySessionStorage
    from toolkit.storage.sqlite import SqliteSessionStorage

    place = Path(tempfile.mkdtemp(prefix="bench-", dir=folder))
    before = resident_mb()
    storage = (
        MemorySessionStorage() if store == "memory" else SqliteSessionStorage(place / "bot.db")
    )
    record = {"session": {}, "updates": [1]}
    for start in range(1, keys + 1, 500):
        several = range(start, min(start + 500, keys + 1))
        filled = ({**record, "session": {**_session(key)}} for key in several)
        writes = (
            storage.write(f"{key}_{key}", value) for key, value in zip(several, filled, strict=True)
        )
        await asyncio.gather(*writes)
    gc.collect()
    filled_mb = resident_mb() - before
    feed = _ours(storage)
    texts = iter([update(10 + i, random.randrange(keys) + 1) for i in range(updates + 500)])
    for _ in range(500):
        await feed(next(texts))
    took: list[float] = []

    async def chat() -> None:
        for text in texts:
            begun = time.perf_counter()
            await feed(text)
            took.append(time.perf_counter() - begun)

    wall, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(chat() for _ in range(100)))
    figures = {
        "processor µs": (time.process_time() - processor) / updates * 1e6,
        "wall µs": (time.perf_counter() - wall) / updates * 1e6,
        "p99 ms": quantile(took, 0.99) * 1e3,
        "memory MB": filled_mb,
    }
    await storage.close()
    shutil.rmtree(place)
    return figures


def _session(number: int) -> dict[str, object]:
    from dataclasses import asdict

    from update_bots import Session

    return asdict(Session(count=number, name=f"Guest number {number}"))


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        keys={
            "type": int,
            "nargs": "+",
            "default": [1_000, 100_000, 1_000_000],
            "help": "numbers of users",
        },
        updates={"type": int, "default": 5000, "help": "updates that are measured"},
        folder={"default": None, "help": "where the file goes: the disk that is measured"},
        child={"default": None, "help": "run one size of one store, as STORE:KEYS"},
    )
    parser.set_defaults(rounds=3)
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.keys, settings.updates = 1, [100, 1000], 100
    if settings.child:
        logging.disable(logging.CRITICAL)
        store, _, keys = settings.child.partition(":")
        work = child(store, int(keys), settings.updates, settings.folder)
        print(json.dumps(asyncio.run(work)))
        return
    report = Report("growth", settings)
    progress = Progress(settings.rounds * len(settings.keys) * len(STORES))
    for store in STORES:
        sizes = {f"ours, {store}, {keys:,} users": keys for keys in settings.keys}
        for _, name in taking_turns(list(sizes), settings.rounds):
            progress.step(name)
            command = [sys.executable, __file__, "--child", f"{store}:{sizes[name]}"]
            command += ["--updates", str(settings.updates)]
            command += ["--folder", settings.folder] if settings.folder else []
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            figures = json.loads(done.stdout)
            row = report.row(f"{store}", name, "µs of processor an update")
            row.add(figures.pop("processor µs"), **figures)
        few, many = (report.median(store, name) for name in (next(iter(sizes)), list(sizes)[-1]))
        line = f"{store}: cost at {settings.keys[-1]:,} users ÷ at {settings.keys[0]:,}"
        report.reach.append(Reach.at_most(line, 1.3, many / few))
    progress.end()
    report.finish()


if __name__ == "__main__":
    main()
