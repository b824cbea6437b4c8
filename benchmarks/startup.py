"""Start-up: what it costs to import the bot, to test it, to let it wait, and to get it at all.

The first minute is measured on a clone with an empty home, so that everything is downloaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from measure import PROJECT, ROOT, Progress, Reach, Report, arguments, taking_turns

BARE_BOT = """
import asyncio, os
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message

dispatcher = Dispatcher()

@dispatcher.message()
async def answer(message: Message) -> None:
    await message.answer("hello")

server = TelegramAPIServer.from_base(os.environ["TELEGRAM_API_URL"])
bot = Bot(os.environ["BOT_TOKEN"], session=AiohttpSession(api=server))
asyncio.run(dispatcher.start_polling(bot))
"""
TOKEN = "42:fake"  # noqa: S105 - of no bot


class Cost(NamedTuple):
    """What a process took."""

    seconds: float
    processor: float
    megabytes: float


def environment(folder: Path) -> dict[str, str]:
    """Return what a Python process in the project needs, which runs as it stands here."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(PROJECT / "src"),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
        "TELEGRAM_API_URL": "",
    }


def python(folder: Path, *command: str, status: int = 0) -> Cost:
    """Run Python in the project."""
    with tempfile.TemporaryFile() as printed:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env=environment(folder),
            stdout=printed,
            stderr=printed,
        )
        _, ended, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(ended)
        if process.returncode != status:
            printed.seek(0)
            raise RuntimeError(printed.read().decode()[-2000:])
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def commands(folder: Path) -> dict[str, tuple[tuple[str, ...], int]]:
    """Return what is started, by name, and the exit status that is right."""
    empty, spec, alone = folder / "test_nothing.py", folder / "specs" / "one.json", folder / "alone"
    empty.write_text("def test_nothing():\n    pass\n")
    spec.parent.mkdir(exist_ok=True)
    shutil.copy(PROJECT / "tests" / "specs" / "start.json", spec)
    alone.mkdir(exist_ok=True)
    (alone / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    settings = ("-c", str(PROJECT.parent / "pyproject.toml"), "--rootdir", ".")
    plugin = ("-p", "toolkit.harness.pytest_plugin")
    return {
        "python -c pass": (("-c", "pass"), 0),
        "ours: import toolkit": (("-c", "import toolkit"), 0),
        "import aiogram": (("-c", "import aiogram"), 0),
        "ours: import bot.app": (("-c", "import bot.app"), 0),
        "ours: python -m bot --help": (("-m", "bot", "--help"), 0),
        "ours: python -m bot, no token": (("-m", "bot", "run"), 2),
        "pytest without the harness": ((*pytest, str(empty)), 0),
        "ours: pytest with the harness": ((*pytest, *plugin, str(empty)), 0),
        "ours: pytest of one spec file": (
            (*pytest, "-c", str(alone / "pytest.ini"), *plugin, str(spec)),
            0,
        ),
        "ours: pytest of the project's bot": ((*pytest, *settings, "tests/bot", "tests/specs"), 0),
    }


def idle_memory(folder: Path, *command: str, api_url: str, calm_for: int) -> float:
    """Return the megabytes of a polling bot, once they have not changed for some seconds."""
    settings = {"TELEGRAM_API_URL": api_url, "BOT_TOKEN": TOKEN, "STORAGE_URL": "memory:"}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**environment(folder), **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        seen, calm = 0.0, 0
        while calm < calm_for:
            time.sleep(1)
            if process.poll() is not None:
                raise RuntimeError(f"{command} ended with {process.returncode}")
            fields = Path(f"/proc/{process.pid}/status").read_text().partition("VmRSS:")[2].split()
            now = int(fields[0]) / 1024
            calm = calm + 1 if abs(now - seen) < 1 else 0
            seen = now
    finally:
        process.kill()
        process.wait()
    return seen


def first_minute(folder: Path, report: Report) -> None:
    """Time the README's commands on a clone whose owner has nothing yet, and once more."""
    clone, home = folder / "clone", folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(clone, ignore_errors=True)
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    own = Path(sys.executable).parent
    path = [each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != own]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    settings = {**inherited, "HOME": str(home), "PATH": os.pathsep.join(path)}

    def run(name: str, command: str, wanted: str, cwd: Path = clone) -> None:
        begun = time.perf_counter()
        done = subprocess.run(
            ["sh", "-c", command], cwd=cwd, env=settings, capture_output=True, text=True
        )
        if wanted not in done.stdout:
            raise RuntimeError(done.stdout[-1000:] + done.stderr[-1000:])
        report.row("first minute", name, "seconds").add(time.perf_counter() - begun)

    run("ours: make demo, nothing there", "make demo", "Booked!")
    run("ours: make demo, again", "make demo", "Booked!")
    projects = folder / "projects"
    shutil.rmtree(projects, ignore_errors=True)
    generate = f"{clone}/build/tools/bin/cookiecutter {clone} --no-input --output-dir {projects}"
    talk = f"cd {projects}/booking-bot && echo hello | make --silent chat"
    run("ours: generate a project, and make chat", f"{generate} && {talk}", "/book")
    run("ours: make chat, again", talk, "/book")
    run("ours: make test of the project", f"cd {projects}/booking-bot && make test", " passed")


def main() -> None:
    """Measure, print, and write what was asked for."""
    settings = arguments(__doc__).parse_args()
    if settings.quick:
        settings.rounds = 1
    report = Report("startup", settings)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        started = commands(folder)
        if settings.quick:
            del started["ours: pytest of the project's bot"]
        progress = Progress(len(started) * (settings.rounds + 1) + settings.rounds)
        if not settings.quick:
            for contender, (command, status) in started.items():
                progress.step(f"warming up: {contender}")
                python(folder, *command, status=status)
        for _, contender in taking_turns(list(started), settings.rounds):
            progress.step(contender)
            command, status = started[contender]
            cost = python(folder, *command, status=status)
            report.row("start-up", contender, "seconds").add(
                cost.seconds, **{"processor s": cost.processor, "MB": cost.megabytes}
            )
        measure_idle_bots(folder, report)
        for _ in range(0 if settings.quick else min(settings.rounds, 3)):
            progress.step("first minute")
            first_minute(folder, report)
        progress.end()
    report.reach = reach(report)
    report.finish()


def measure_idle_bots(folder: Path, report: Report) -> None:
    """Let a bot of plain aiogram and ours wait for updates, in turn."""
    (folder / "bare_bot.py").write_text(BARE_BOT)
    server = subprocess.Popen(
        [sys.executable, "-m", "toolkit.harness.fake_telegram", "--port", "0", "--token", TOKEN],
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        api_url = server.stdout.readline().split()[-1]
        bots = {"bare aiogram": ("bare_bot.py",), "ours": ("-m", "bot")}
        for _, name in taking_turns(list(bots), report.settings.rounds):
            calm_for = 1 if report.settings.quick else 5
            used = idle_memory(folder, *bots[name], api_url=api_url, calm_for=calm_for)
            report.row("idle polling bot", name, "MB").add(used)
    finally:
        server.kill()
        server.wait()


def reach(report: Report) -> list[Reach]:
    """Return the limits."""

    def seconds(name: str) -> float:
        return report.median("start-up", name)

    def ratio(detail: str) -> float:
        ours, theirs = (
            sorted(report.rows["start-up", name].details[detail])
            for name in ("ours: import bot.app", "import aiogram")
        )
        return ours[len(ours) // 2] / theirs[len(theirs) // 2]

    harness = seconds("ours: pytest with the harness") - seconds("pytest without the harness")
    toolkit = seconds("ours: import toolkit") - seconds("python -c pass")
    idle = report.median("idle polling bot", "ours") / report.median(
        "idle polling bot", "bare aiogram"
    )
    spec = seconds("ours: pytest of one spec file") - 0.7 * seconds("import aiogram")
    lines = [
        Reach.at_most("import toolkit, s", 0.05, toolkit),
        Reach.at_most("python -m bot --help, s", 0.5, seconds("ours: python -m bot --help")),
        Reach.at_most(
            "python -m bot without a token, s", 0.5, seconds("ours: python -m bot, no token")
        ),
        Reach.at_most("what the harness adds to pytest's start, s", 0.1, harness),
        Reach.at_most(
            "import bot.app ÷ import aiogram, processor time", 0.45, ratio("processor s")
        ),
        Reach.at_most("import bot.app ÷ import aiogram, memory", 0.5, ratio("MB")),
        Reach.at_most("pytest of one spec file - 0.7 x import aiogram, s", 1, spec),
        Reach.at_most("idle polling bot ÷ a bare one of aiogram, memory", 0.55, idle),
    ]
    limits = {
        "ours: make demo, nothing there": 30,
        "ours: make demo, again": 10,
        "ours: generate a project, and make chat": 30,
        "ours: make chat, again": 10,
        "ours: make test of the project": 20,
    }
    for name, limit in limits.items():
        if ("first minute", name) in report.rows:
            took = report.median("first minute", name)
            lines.append(Reach.at_most(f"{name.removeprefix('ours: ')}, s", limit, took))
    return lines


if __name__ == "__main__":
    main()
