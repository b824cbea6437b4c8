"""The file that a container's health check looks at."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit import create_bot
from toolkit.delivery import heartbeat


@dataclass
class Session:
    pass


async def test_the_file_is_fresh_while_the_bot_runs(
    tmp_path: Path, talk_to: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0)
    app = create_bot("42:token", initial=Session)
    talk_to(app)
    file = tmp_path / "heartbeat"
    heartbeat.keep_heartbeat(app, file)

    async with app.running(), asyncio.timeout(10):
        os.utime(file, (0, 0))
        while file.stat().st_mtime == 0:  # noqa: ASYNC110 - a file tells nobody that it was touched
            await asyncio.sleep(0)


async def test_a_file_that_cannot_be_touched_is_logged_once_and_the_bot_goes_on(
    tmp_path: Path,
    talk_to: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0)
    app = create_bot("42:token", initial=Session)
    talk_to(app)
    folder = tmp_path / "folder"
    heartbeat.keep_heartbeat(app, folder / "heartbeat")

    async with app.running(), asyncio.timeout(20):
        for count in (1, 2):
            for _ in range(100):
                await asyncio.sleep(0)
            assert caplog.text.count("the heartbeat cannot be written, the bot goes on") == count
            folder.mkdir()
            while not (folder / "heartbeat").exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0)
            shutil.rmtree(folder)


STUCK = """
import asyncio, sys, time
from aiogram import Dispatcher
from toolkit.delivery import heartbeat

heartbeat.EVERY = 0.05

def hold_the_loop():
    time.sleep(600)

async def main():
    app = Dispatcher()
    heartbeat.keep_heartbeat(app, None, exit_after=2)
    await app.emit_startup()
    await asyncio.sleep(0.2)
    print("begun", flush=True)
    if sys.argv[1] == "stuck":
        hold_the_loop()
    await app.emit_shutdown()
    time.sleep(3)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("what", "code"), [("stuck", 1), ("stopped", 0)])
def test_a_process_whose_event_loop_is_stuck_says_where_and_ends(what: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK, what],
        env={**os.environ, "PYTHONPATH": str(Path(toolkit.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (code, "begun\n")
    assert ("in hold_the_loop" in done.stderr) is (what == "stuck")
