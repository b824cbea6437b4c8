"""Harness and generation: specs a second; time to render a project, and from nothing to green."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure import PROJECT, ROOT, Progress, Reach, Report, arguments, taking_turns

UV_NAME = "cookiecutter-uv (hypermodern)"
UV_TEMPLATE = ROOT / "build" / "bench" / "templates" / "cookiecutter-uv"
RUN = """
import json, sys, time
from toolkit.harness.specs.gate import judge
from toolkit.harness.specs.running_bot import load_factory
load_factory("bot.app:make_bot")()
begun = time.perf_counter()
verdict = judge("bot.app:make_bot", [sys.argv[1]])
print(json.dumps([time.perf_counter() - begun, verdict["passed"]]))
"""

DAYS = """
import asyncio, json, statistics, sys, time
from dataclasses import dataclass
from aiogram import Router
from aiogram.types import Message
from toolkit import create_bot
from toolkit.harness import run_spec
from toolkit.harness.specs.spec import parse_specs

@dataclass
class Session:
    said: int = 0

def make_bot():
    router, tasks = Router(), []
    async def remind(message, hours):
        await asyncio.sleep(3600 * hours)
        await message.answer("A reminder")
    @router.message()
    async def hear(message: Message, session: Session):
        session.said += 1
        for hours in (1, 24, 24 * 29):
            tasks.append(asyncio.create_task(remind(message, hours)))
        await message.answer(str(session.said))
    return create_bot("42:x", initial=Session, routers=[router], expires_in=86_400.0 * 29)

def hear(answer):
    expect = [{"method": "sendMessage", "payload": {"text": answer}}]
    return {"send": {"text": "hello"}, "expect": expect}

month = {"advance": "30d", "expect": [{"method": "sendMessage"}] * 3}
given = {"now": "2026-11-23T10:30:00+01:00"}
spec = {"name": "a month", "given": given, "steps": [hear("1"), month, hear("1")]}
(spec,) = parse_specs(spec, "a month")

async def main():
    took = []
    for _ in range(int(sys.argv[1]) + 1):
        begun = time.perf_counter()
        result = await run_spec(spec, make_bot)
        took.append(time.perf_counter() - begun)
        assert result.ok, result.failure
    print(json.dumps(statistics.median(took[1:])))

asyncio.run(main())
"""
"""A spec in which a session expires and three tasks wake up within 30 days."""


def _step(method: str, **send: str) -> dict[str, object]:
    return {"send": send, "expect": [{"method": method}]}


DIALOGUES = {
    "two commands": [_step("sendMessage", text="/start"), _step("sendMessage", text="/help")],
    "a booking begun": [
        _step("sendMessage", text="/book"),
        _step("editMessageText", tap="Haircut"),
    ],
}
"""Dialogues of two steps with the example bot. The second one changes its session."""


def run_specs(dialogue: str, count: int, folder: Path) -> float:
    """Seconds for `count` specs, a fresh bot each; the import of aiogram is not among them."""
    steps = DIALOGUES[dialogue]
    file = folder / "specs.json"
    file.write_text(json.dumps([{"name": f"{n}", "steps": steps} for n in range(count)]))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(file)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=PROJECT,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    seconds, passed = json.loads(done.stdout.splitlines()[-1])
    if passed != count:
        raise RuntimeError(f"{passed} of {count} specs passed:\n{done.stderr[-2000:]}")
    return float(seconds)


def a_month(times: int) -> float:
    """Seconds that a spec of 30 virtual days takes; the first one, with its imports, left out."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", DAYS, str(times)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PROJECT)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(json.loads(done.stdout))


def cookiecutter(template: Path, folder: Path) -> Path:
    """One project of a template, as `cookiecutter --no-input` makes it."""
    command = [sys.executable, "-m", "cookiecutter", str(template), "--no-input", "-o", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return next(path for path in folder.iterdir() if path.is_dir())


def render_naiogram(folder: Path) -> Path:
    """One project of naiogram's `clean` template: a folder that is copied."""
    found = importlib.util.find_spec("naiogram")
    assert found is not None
    assert found.origin is not None
    template = Path(found.origin).parent / "templates" / "clean"
    command = [sys.executable, "-c", "import shutil, sys; shutil.copytree(*sys.argv[1:])"]
    subprocess.run([*command, str(template), str(folder / "bot")], check=True)
    return folder / "bot"


def renderers() -> dict[str, Callable[[Path], Path]]:
    """Return what makes a project, by name, as far as it is installed."""
    found: dict[str, Callable[[Path], Path]] = {"ours": partial(cookiecutter, ROOT)}
    if UV_TEMPLATE.exists():
        found[UV_NAME] = partial(cookiecutter, UV_TEMPLATE)
    if importlib.util.find_spec("naiogram"):
        found["naiogram (a copied folder, without tests)"] = render_naiogram
    return found


GREEN = {
    "ours": (("make", ".venv/.ready"), (".venv/bin/python", "-m", "pytest", "-q")),
    UV_NAME: (("uv", "sync", "--quiet"), ("uv", "run", "pytest", "-q")),
}
"""How a fresh project is installed and tested, as its readme says."""


def to_green(name: str, folder: Path) -> float:
    """Seconds from nothing to green tests."""
    begun = time.perf_counter()
    project = renderers()[name](folder)
    environment = {key: text for key, text in os.environ.items() if key != "VIRTUAL_ENV"}
    for command in GREEN[name]:
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-1000:] + done.stderr[-1000:])
    return time.perf_counter() - begun


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        specs={"type": int, "default": 1000, "help": "specs a turn"},
        green={"action": "store_true", "help": "also install a generated project and test it"},
    )
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.specs = 1, 5
    report = Report("harness", settings)
    found = renderers()
    green = [name for name in GREEN if name in found] if settings.green else []
    progress = Progress(settings.rounds * (len(DIALOGUES) + len(found) + 1) + len(green))
    for _, dialogue in taking_turns(list(DIALOGUES), settings.rounds):
        progress.step(f"specs: {dialogue}")
        with temporary() as folder:
            took = run_specs(dialogue, settings.specs, folder)
        report.row("specs of two steps", f"ours: {dialogue}", "specs a second").add(
            settings.specs / took, seconds=took
        )
    for _ in range(settings.rounds):
        progress.step("30 virtual days")
        report.row("30 virtual days in a spec", "ours", "seconds").add(
            a_month(1 + settings.specs // 20)
        )
    for _, name in taking_turns(list(found), settings.rounds):
        progress.step(f"render: {name}")
        with temporary() as folder:
            begun = time.perf_counter()
            found[name](folder)
            report.row("a project rendered", name, "seconds").add(time.perf_counter() - begun)
    for name in green:
        progress.step(f"from nothing to green tests: {name}")
        with temporary() as folder:
            row = report.row("from nothing to green tests", name, "seconds")
            row.add(to_green(name, folder))
    progress.end()
    for dialogue in DIALOGUES:
        per_thousand = 1000 / report.median("specs of two steps", f"ours: {dialogue}")
        report.reach.append(Reach.at_most(f"1,000 specs of {dialogue}, s", 3, per_thousand))
    month = report.median("30 virtual days in a spec", "ours") * 1e3
    report.reach.append(Reach.at_most("30 virtual days in a spec, ms", 100, month))
    report.finish()


class temporary:  # noqa: N801 - reads as a function in `with`
    """A folder that is gone afterwards."""

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="bench-"))
        return self.path

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


if __name__ == "__main__":
    main()
