"""Start-up: how long commands and imports take, beside the limits that the project sets itself."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import PROJECT, Progress, Reach, Report, arguments, taking_turns


def python(*arguments: str, cwd: Path = PROJECT) -> float:
    """Seconds of a Python process in the project, which runs as it stands in the template."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(PROJECT / "src"),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": tempfile.gettempdir() + "/bench-pycache",
    }
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    took = time.perf_counter() - begun
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(done.stdout[-1000:] + done.stderr[-1000:])
    return took


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return what is started, by name."""
    empty = folder / "test_nothing.py"
    empty.write_text("def test_nothing():\n    pass\n")
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    settings = ("-c", str(PROJECT.parent / "pyproject.toml"), "--rootdir", ".")
    return {
        "python -c pass": ("-c", "pass"),
        "ours: import toolkit": ("-c", "ours: import toolkit"),
        "import aiogram": ("-c", "import aiogram"),
        "ours: python -m bot --help": ("-m", "bot", "--help"),
        "ours: python -m bot, no token": ("-m", "bot", "run"),
        "pytest without the harness": (*pytest, str(empty)),
        "ours: pytest with the harness": (
            *pytest,
            "-p",
            "toolkit.harness.pytest_plugin",
            str(empty),
        ),
        "ours: pytest of the project's bot": (*pytest, *settings, "tests/bot", "tests/specs"),
    }


def main() -> None:
    """Measure, print, and write what was asked for."""
    settings = arguments(__doc__).parse_args()
    if settings.quick:
        settings.rounds = 1
    report = Report("startup", settings)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        started = commands(Path(folder))
        if settings.quick:
            del started["ours: pytest of the project's bot"]
        progress = Progress(len(started) * (settings.rounds + 1))
        for name, command in started.items():
            progress.step(f"warming up: {name}")
            python(*command)
        for _, name in taking_turns(list(started), settings.rounds):
            progress.step(name)
            report.row("start-up", name, "seconds").add(python(*started[name]))
        progress.end()
    report.reach = reach(report)
    report.finish()


def reach(report: Report) -> list[Reach]:
    """Return the limits."""

    def seconds(name: str) -> float:
        return report.median("start-up", name)

    harness = seconds("ours: pytest with the harness") - seconds("pytest without the harness")
    lines = [
        Reach.at_most(
            "import toolkit, s", 0.05, seconds("ours: import toolkit") - seconds("python -c pass")
        ),
        Reach.at_most("python -m bot --help, s", 0.5, seconds("ours: python -m bot --help")),
        Reach.at_most(
            "python -m bot without a token, s", 0.5, seconds("ours: python -m bot, no token")
        ),
        Reach.at_most("what the harness adds to pytest's start, s", 0.1, harness),
    ]
    if ("start-up", "ours: pytest of the project's bot") in report.rows:
        rest = seconds("ours: pytest of the project's bot") - seconds("import aiogram")
        lines.append(Reach.at_most("pytest of the project beyond import aiogram, s", 3, rest))
    return lines


if __name__ == "__main__":
    main()
