"""Sessions in memory: what isolation costs, beside aiogram's MemoryStorage, which has less."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

from measure import Progress, Reach, Report, arguments, taking_turns
from sqlite_stores import Value, session

Call = Callable[[int], Awaitable[object]]


def flat(number: int) -> Value:
    """Return a small session without nested values."""
    return {"step": "choosing_time", "count": number, "service": "Haircut", "day": "2026-11-22"}


async def verbs(value: Callable[[int], Value]) -> dict[str, dict[str, Call]]:
    """Return reads and writes of both stores, 1,000 keys in each."""
    from aiogram.fsm.storage.base import StorageKey
    from aiogram.fsm.storage.memory import MemoryStorage

    from toolkit.storage.memory import MemorySessionStorage

    ours, theirs = MemorySessionStorage(), MemoryStorage()
    names = [f"{number}_{number}" for number in range(1000)]
    keys = [StorageKey(bot_id=42, chat_id=number, user_id=number) for number in range(1000)]
    values = [value(number) for number in range(1000)]
    for number in range(1000):
        await ours.write(names[number], values[number])
        await theirs.set_data(keys[number], values[number])
    return {
        "reads": {
            "ours": lambda n: ours.read(names[n]),
            "aiogram MemoryStorage": lambda n: theirs.get_data(keys[n]),
        },
        "writes": {
            "ours": lambda n: ours.write(names[n], values[n]),
            "aiogram MemoryStorage": lambda n: theirs.set_data(keys[n], values[n]),
        },
    }


async def measure(report: Report, calls: int, rounds: int) -> None:
    """Nanoseconds a call."""
    progress = Progress(8 * rounds)
    for shape, value in (("flat session", flat), ("nested session of 300 bytes", session)):
        for verb, sides in (await verbs(value)).items():
            for _, name in taking_turns(list(sides), rounds):
                progress.step(f"{verb}, {shape}: {name}")
                call = sides[name]
                begun = perf_counter()
                for number in range(calls):
                    await call(number % 1000)
                took = (perf_counter() - begun) / calls * 1e9
                note = "nothing is shared" if name == "ours" else "nested values are shared"
                report.row(f"{verb}, {shape}", name, "ns a call", note).add(took)
    progress.end()


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(__doc__, calls={"type": int, "default": 2000, "help": "calls a turn"})
    parser.set_defaults(rounds=50)
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.calls = 1, 100
    report = Report("memory_sessions", settings)
    asyncio.run(measure(report, settings.calls, settings.rounds))
    for shape in ("flat session", "nested session of 300 bytes"):
        both = [
            sum(report.median(f"{verb}, {shape}", name) for verb in ("reads", "writes"))
            for name in ("ours", "aiogram MemoryStorage")
        ]
        line = f"a read and a write of a {shape} ÷ aiogram MemoryStorage"
        report.reach.append(Reach.at_most(line, 1.3, both[0] / both[1]))
    report.finish()


if __name__ == "__main__":
    main()
