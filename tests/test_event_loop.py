"""The example imports nothing on the event loop while it answers: nobody waits for that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import TEMPLATE

pytestmark = pytest.mark.slow

PLAY = """
import asyncio, sys, threading
from pathlib import Path
import bot.app
from toolkit.harness import run_spec
from toolkit.harness.specs.spec import load_specs
from toolkit.quick_aiogram import warm_up

class Noting:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            print("imported", name)

async def play(spec):
    result = await run_spec(spec, bot.app.make_bot)
    print("passed" if result.ok else "failed", spec.name)

warm_up()
specs = [spec for path in sorted(Path("tests/specs").glob("*.json")) for spec in load_specs(path)]
# What the harness itself imports when it is first used.
asyncio.run(play(specs.pop(0)))
sys.meta_path.insert(0, Noting())
for spec in specs:
    asyncio.run(play(spec))
"""


def test_no_module_is_imported_on_the_event_loop_while_the_specs_are_played() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLAY],
        cwd=TEMPLATE,
        env={**os.environ, "PYTHONPATH": str(TEMPLATE / "src")},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    words = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert len(words) > 5
    assert [name for word, name in words if word == "failed"] == []
    assert [name for word, name in words if word == "imported"] == []
