"""Updates: microseconds each through a bot with sessions; JSON in, one reply, its JSON read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Progress, Reach, Report, arguments, taking_turns
from update_bots import ANSWER, BOTS, update

HERE = Path(__file__).parent
GRAMMY = "grammY, session()"
NODE = ROOT / "build" / "bench" / "node"
SURVIVES = {"ours, sqlite": "survives: kill and power cut"}


class Bot:
    """A bot in its own process."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, str(HERE / "update_bots.py"), name]
        if name == GRAMMY:
            # Node looks for packages beside the script.
            script = NODE / "update_grammy.mjs"
            shutil.copy(HERE / "update_grammy.mjs", script)
            command = ["node", str(script), ANSWER, update(1, 1)]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=HERE,
        )
        self._answer("ready")

    def feed(self, updates: int, chats: int) -> dict[str, float]:
        """Microseconds an update: of processor and of wall clock on average, and as quantiles."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{updates} {chats}\n")
        self.process.stdin.flush()
        wall, processor, p50, p99 = (1e6 * seconds for seconds in json.loads(self._answer()))
        return {
            "processor": processor / updates,
            "wall µs": wall / updates,
            "p50 µs": p50,
            "p99 µs": p99,
        }

    def _answer(self, expected: str = "") -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line or (expected and line != expected):
            status = self.process.wait(10) if not line else None
            self.errors.seek(0)
            said = f"answered {line!r}, status {status}: {self.errors.read()[-2000:]}"
            raise RuntimeError(f"{self.process.args} {said}")
        return line

    def end(self) -> None:
        """Close its input, and wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


DIALOGUE = ("ours, a dialogue as a talk", "ours, a dialogue in steps")
REACHED = ("aiogram", "aiogram, FSM state and data", "ours, memory", "ours, sqlite", *DIALOGUE)
"""What the lines to reach are about."""


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        updates={"type": int, "default": 300, "help": "updates a turn"},
        chats={"type": int, "default": 100, "help": "chats at once in the second part"},
    )
    parser.set_defaults(rounds=40)
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.updates = 1, 20
    # A start takes much longer than a short turn.
    names = [*REACHED] if settings.quick else [*BOTS]
    if (NODE / "node_modules" / "grammy").exists():
        names.append(GRAMMY)
    else:
        print(
            "grammY is not installed, so it is left out: run `make -C benchmarks env`",
            file=sys.stderr,
        )
    progress = Progress(len(names) + 2 * settings.rounds * len(names))
    bots = {}
    for name in names:
        progress.step(f"starting {name}")
        bots[name] = Bot(name)
        bots[name].feed(settings.updates, 1)
    report = Report("updates", settings)
    together = f"{settings.chats} chats at once"
    for subject, chats in (("one after another", 1), (together, settings.chats)):
        for _, name in taking_turns(names, settings.rounds):
            progress.step(f"{subject}: {name}")
            figures = bots[name].feed(settings.updates, chats)
            row = report.row(subject, name, "µs of processor an update", SURVIVES.get(name, ""))
            row.add(figures.pop("processor"), **figures)
    progress.end()
    for bot in bots.values():
        bot.end()
    report.reach = reach(report, together)
    report.finish()


def reach(report: Report, together: str) -> list[Reach]:
    """Return the lines to reach. Ratios are per round, so that a busy machine slows both sides."""
    one = "one after another"
    fsm = report.median(one, "aiogram, FSM state and data")
    walls = {name: report.rows[together, name].details["wall µs"] for name in REACHED}
    kept = ratio(walls["aiogram"], walls["ours, sqlite"])
    values = {name: report.rows[one, name].values for name in REACHED}
    return [
        Reach.at_most(
            "ours, memory ÷ aiogram", 1.1, ratio(values["ours, memory"], values["aiogram"])
        ),
        Reach.at_most(
            "ours, memory − aiogram with an FSM change, µs",
            0,
            report.median(one, "ours, memory") - fsm,
        ),
        Reach.at_most("a talk ÷ steps", 1.25, ratio(*(values[name] for name in DIALOGUE))),
        Reach.at_least(f"updates a second of sqlite ÷ aiogram, {together}", 0.6, kept),
    ]


def ratio(these: list[float], those: list[float]) -> float:
    """Return the median of the ratios of each round."""
    ratios = sorted(this / that for this, that in zip(these, those, strict=True))
    return ratios[len(ratios) // 2]


if __name__ == "__main__":
    main()
