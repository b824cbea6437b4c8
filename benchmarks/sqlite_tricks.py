"""SQLite: what each trick of the store pays, on and off in turn. One that does not should go."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from unittest.mock import patch

from measure import LoopLag, Progress, Report, arguments, quantile, taking_turns
from sqlite_stores import session

ON = "ours, as it is"


def tricks() -> dict[str, dict[str, object]]:
    """Return what takes each trick away: attributes to replace, by `module.name`."""
    store = "toolkit.storage.sqlite.SqliteSessionStorage"
    writer = "toolkit.storage.sqlite_writer"
    return {
        ON: {},
        "pages of 4 KB": {
            "toolkit.storage.sqlite_file.PAGE_BYTES": 4096,
            f"{writer}.PAGE_BYTES": 4096,
        },
        "1,000 pages of log": {f"{writer}._LOG_PAGES": 1000},
        "a transaction per batch": {f"{writer}._are_usual": lambda writes: False},
        "whole batches": {f"{writer}._WORTH_HALVING": 10**9},
        "no giving way": {f"{store}._give_way": lambda *arguments: None},
        "a wake-up per write": {f"{store}._hand_over_soon": _at_once},
    }


def _at_once(store: object, loop: object) -> None:
    store._hand_over()  # type: ignore[attr-defined]


@contextmanager
def without(trick: str) -> Iterator[None]:
    """Take one trick away during a block."""
    with contextlib.ExitStack() as stack:
        for name, value in tricks()[trick].items():
            stack.enter_context(patch(name, value))
        yield


async def writes(path: Path, tasks: int, keys: int, seconds: float) -> tuple[float, list[float]]:
    """Return the writes per second of `tasks` tasks, and how long each took."""
    from toolkit.storage.sqlite import SqliteSessionStorage

    store = SqliteSessionStorage(path)
    took: list[float] = []
    end = perf_counter() + seconds

    async def work() -> None:
        while (begun := perf_counter()) < end:
            number = random.randrange(keys)
            await store.write(f"{number}_{number}", session(random.randrange(10**9)))
            took.append(perf_counter() - begun)

    await store.write("0_0", session(0))
    begun = perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    rate = len(took) / (perf_counter() - begun)
    await store.close()
    return rate, took


async def commits_beside_a_busy_loop(path: Path, computing: float, seconds: float) -> float:
    """Return the commits per second of a loop that never sleeps.

    Between two of its ticks it computes for so many seconds.
    """
    from toolkit.storage.sqlite import SqliteSessionStorage

    store = SqliteSessionStorage(path)
    await store.write("0_0", session(0))
    busy = True

    async def keep_busy() -> None:
        while busy:
            until = perf_counter() + computing
            while perf_counter() < until:
                pass
            await asyncio.sleep(0)

    other = asyncio.create_task(keep_busy())
    done, begun = 0, perf_counter()
    while perf_counter() - begun < seconds:
        await store.write("0_0", session(done))
        done += 1
    rate = done / (perf_counter() - begun)
    busy = False
    await other
    await store.close()
    return rate


async def measure(report: Report, keys: int, seconds: float, rounds: int) -> None:
    """Let the store with each trick, and without it, take turns."""
    progress = Progress(4 * rounds * len(tricks()))
    for tasks in (1, 100):
        subject = f"writes at {tasks} task{'s' * (tasks > 1)}"
        for _, name in taking_turns(list(tricks()), rounds):
            progress.step(f"{subject}: {name}")
            with TemporaryDirectory() as folder, without(name):
                async with LoopLag() as lag:
                    rate, took = await writes(Path(folder) / "bot.db", tasks, keys, seconds)
            details = {
                "p99 ms": quantile(took, 0.99) * 1e3,
                "loop lag p99 ms": quantile(lag.seen, 0.99),
            }
            report.row(subject, name, "per second").add(rate, **details)
    for subject, computing in (
        ("one task, the loop never sleeps", 0.0),
        ("one task, the loop computes for 1 ms per tick", 1e-3),
    ):
        for _, name in taking_turns(list(tricks()), rounds):
            progress.step(f"{subject}: {name}")
            with TemporaryDirectory() as folder, without(name):
                file = Path(folder) / "bot.db"
                rate = await commits_beside_a_busy_loop(file, computing, seconds)
            report.row(subject, name, "per second").add(rate)
    progress.end()


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        keys={"type": int, "default": 20_000, "help": "sessions written to"},
        seconds={"type": float, "default": 4.0, "help": "length of a turn"},
    )
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.seconds = 1, 0.1
    report = Report("sqlite_tricks", settings)
    asyncio.run(measure(report, settings.keys, settings.seconds, settings.rounds))
    report.finish()


if __name__ == "__main__":
    main()
