"""What every benchmark shares: rounds that take turns, tables, JSON, plots, and the reach lines."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(PROJECT / "src"))


@dataclass
class Row:
    """What one contender did in one subject, a value a round."""

    subject: str
    contender: str
    unit: str
    values: list[float] = field(default_factory=list)
    details: dict[str, list[float]] = field(default_factory=dict)
    """Other figures of the same rounds, such as `p99 ms`."""
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    def add(self, value: float, **details: float) -> None:
        """Note one round."""
        self.values.append(value)
        for name, figure in details.items():
            self.details.setdefault(name, []).append(figure)

    def as_json(self) -> dict[str, Any]:
        """Median, range and every round."""
        return {
            "subject": self.subject,
            "contender": self.contender,
            "unit": self.unit,
            "median": self.median,
            "low": min(self.values),
            "high": max(self.values),
            "values": self.values,
            "details": {name: statistics.median(seen) for name, seen in self.details.items()},
            "note": self.note,
        }


@dataclass
class Reach:
    """A line to reach: what was wanted, and what was measured."""

    line: str
    wanted: str
    measured: float
    met: bool

    @classmethod
    def at_least(cls, line: str, limit: float, measured: float) -> Reach:
        """More is better."""
        return cls(line, f"at least {limit:g}", measured, measured >= limit)

    @classmethod
    def at_most(cls, line: str, limit: float, measured: float) -> Reach:
        """Less is better."""
        return cls(line, f"at most {limit:g}", measured, measured <= limit)


class Report:
    """The rows of one benchmark, in the order in which they were first asked for."""

    def __init__(self, name: str, settings: argparse.Namespace) -> None:
        self.name = name
        self.settings = settings
        self.rows: dict[tuple[str, str], Row] = {}
        self.reach: list[Reach] = []
        self.load_before = os.getloadavg()

    def row(self, subject: str, contender: str, unit: str, note: str = "") -> Row:
        """Return the row of a contender in a subject."""
        row = self.rows.setdefault((subject, contender), Row(subject, contender, unit, [], {}))
        row.note = note or row.note
        return row

    def median(self, subject: str, contender: str) -> float:
        """Return what a contender did, in the middle."""
        return self.rows[subject, contender].median

    def best(self, subject: str, contenders: Iterable[str]) -> float:
        """Return the highest median among the contenders that took part."""
        return max(
            self.median(subject, name) for name in contenders if (subject, name) in self.rows
        )

    def finish(self) -> None:
        """Print the tables and the lines, and write JSON and a plot where they were asked for."""
        print(self.as_text())
        if self.settings.json:
            Path(self.settings.json).write_text(json.dumps(self.as_json(), indent=1) + "\n")
        if self.settings.plot:
            from plot import draw

            draw(self.as_json(), Path(self.settings.plot))

    def as_json(self) -> dict[str, Any]:
        """Everything that was measured, and where."""
        return {
            "benchmark": self.name,
            "machine": {
                **machine(),
                "load before": self.load_before,
                "load after": os.getloadavg(),
            },
            "settings": dict(vars(self.settings)),
            "rows": [row.as_json() for row in self.rows.values() if row.values],
            "reach": [vars(line) for line in self.reach],
        }

    def as_text(self) -> str:
        """One table per subject, then the targets."""
        parts = []
        rows = [row for row in self.rows.values() if row.values]
        for subject in dict.fromkeys(row.subject for row in rows):
            chosen = [row for row in rows if row.subject == subject]
            parts.append(_table(f"{subject}, {chosen[0].unit}", chosen))
        if self.reach:
            width = max(len(line.line) for line in self.reach)
            parts.append(
                "\n".join(
                    f"{'met ' if line.met else 'MISS'}  {line.line:{width}}  "
                    f"{line.wanted}: {_number(line.measured)}"
                    for line in self.reach
                )
            )
        return "\n\n".join(parts)


def _table(title: str, rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.details))
    head = ["", "median", "range", *names, ""]
    lines = [
        [
            row.contender,
            _number(row.median),
            f"{_number(min(row.values))} – {_number(max(row.values))}",
            *(
                _number(statistics.median(row.details[name])) if name in row.details else ""
                for name in names
            ),
            row.note,
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    text = [title]
    for line in (head, *lines):
        first, *others, last = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others), last[0]]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def machine() -> dict[str, Any]:
    """Return the processor, the kernel and the versions that a figure depends on."""
    import sqlite3

    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


class Progress:
    """A bar on standard error, where that is a terminal."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0
        self.begun = time.monotonic()

    def step(self, what: str) -> None:
        """Say what comes next."""
        if sys.stderr.isatty():
            filled = 30 * self.done // max(1, self.steps)
            bar = "█" * filled + "·" * (30 - filled)
            left = (time.monotonic() - self.begun) / max(1, self.done) * (self.steps - self.done)
            note = f" {left:4.0f} s left" if self.done else ""
            sys.stderr.write(f"\r\033[K{bar} {self.done}/{self.steps}{note}  {what[:60]}")
            sys.stderr.flush()
        self.done += 1

    def end(self) -> None:
        """Wipe the bar."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")


class LoopLag:
    """How late the event loop is: a task that wants to wake every millisecond. In milliseconds."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    async def __aenter__(self) -> LoopLag:
        self._wanted = time.perf_counter()
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        self._note()

    async def _watch(self) -> None:
        while True:
            self._wanted = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            self._note()

    def _note(self) -> None:
        self.seen.append(max(0.0, time.perf_counter() - self._wanted) * 1e3)


def free_port() -> int:
    """Return a port without a listener, which the system does not use for outgoing connections."""
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed; 0 where there are none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def arguments(about: str, **extra: dict[str, Any]) -> argparse.ArgumentParser:
    """Read the options that every benchmark has, and `extra` ones by name."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each contender has a turn")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run at all?")
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--plot", metavar="FILE", help="draw the medians there, as SVG or PNG")
    for name, options in extra.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **options)
    return parser


def taking_turns(names: Sequence[str], rounds: int) -> Iterable[tuple[int, str]]:
    """Every name once per round, in rotating order."""
    for number in range(rounds):
        start = number % len(names)
        for name in (*names[start:], *names[:start]):
            yield number, name


def timed(work: Callable[[], Any]) -> float:
    """Seconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
