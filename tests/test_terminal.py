"""The simulator in a real terminal: what people type and see, in tmux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import MissingServer, missing
from tests.support import TEMPLATE

pytestmark = pytest.mark.slow

PATIENCE = 60.0
"""Seconds until a screen that does not come is a failure."""


BOT = """
import asyncio
from dataclasses import dataclass
from pathlib import Path

from aiogram import Router
from aiogram.filters import Command

from toolkit import button, create_bot, menu

router = Router()


@dataclass
class Session:
    pass


@router.message(Command("tea"))
async def offer(message):
    tea = [button("Green tea", "green"), button("Black tea", "black")]
    await message.answer("Which?", reply_markup=menu(tea, columns=2))


@router.callback_query()
async def pour(callback):
    await callback.message.edit_text(f"A cup of {callback.data}")


@router.message(Command("crash"))
async def crash(message):
    int("kettle")


@router.message(Command("brew"))
async def brew(message):
    while not Path("done").exists():
        await asyncio.sleep(0.05)
    await message.answer("ready")


@router.message(Command("hang"))
async def hang(message):
    await asyncio.Event().wait()


def make_bot(storage=None):
    commands = {"tea": "Have tea"}
    return create_bot(
        "42:offline", initial=Session, storage=storage, routers=(router,), commands=commands
    )
"""


class Terminal:
    """A terminal in which a command runs."""

    def __init__(self, socket: Path, folder: Path, command: str) -> None:
        self._tmux = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        paths = {"PYTHONPATH": str(TEMPLATE / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        self._run("new-session", "-d", "-x", "100", "-y", "50", "-c", str(folder), command, **paths)

    def _run(self, *arguments: str, **environment: str) -> str:
        return subprocess.run(
            [*self._tmux, *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def press(self, *keys: str) -> None:
        """Press keys by name, or type a text."""
        self._run("send-keys", *keys)

    def screen(self, *options: str) -> str:
        """Return what is on screen, and above it."""
        shown = self._run("capture-pane", "-p", "-S", "-", *options).replace("\u00a0", " ")
        return "\n".join(line.rstrip() for line in shown.splitlines())

    def until(self, text: str) -> str:
        """Wait until a text is on screen; return all that is."""
        end = time.monotonic() + PATIENCE
        while text not in (shown := self.screen()):
            assert time.monotonic() < end, f"{text!r} does not come:\n{shown}"
            time.sleep(0.05)
        return shown

    def end(self) -> None:
        """Close it, whatever runs in it."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The bot above, in a terminal."""
    if shutil.which("tmux") is None:
        missing(MissingServer("no tmux is installed: apt-get install tmux"))
    (tmp_path / "tea.py").write_text(BOT)
    # The shell stays, and shows that the command has ended.
    chat = f"{sys.executable} -m toolkit.harness.simulator --bot tea:make_bot --chat"
    terminal = Terminal(tmp_path / "tmux", tmp_path, f"{chat}; echo ended; sleep 600")
    yield terminal
    terminal.end()


def test_a_talk_at_a_real_terminal(terminal: Terminal, tmp_path: Path) -> None:
    terminal.until("Ctrl-D ends")
    terminal.press("/te")
    # The menu is indented to where the line begins.
    terminal.until("          /tea   Have tea")
    terminal.press("Tab", "Enter")
    terminal.until("▎ [1 Green tea] [2 Black tea]")
    terminal.press("/tap 2", "Enter")
    terminal.until("▎ edited\n▎ A cup of black")

    terminal.press("half a line")
    terminal.until("You › half a line")
    terminal.press("C-c")
    terminal.press("/crash", "Enter")
    shown = terminal.until("/why shows the rest")
    assert "half a line" not in shown
    error = shown[shown.index("✗ ") :].splitlines()
    assert error[:3] == [
        "✗ ValueError: invalid literal for int() with base 10: 'kettle'",
        f"  tea.py:{BOT[: BOT.index('int(')].count(chr(10)) + 1} in crash",
        '    int("kettle")',
    ]
    assert "Traceback" not in shown
    terminal.press("/why", "Enter")
    terminal.until("Traceback (most recent call last):")
    terminal.until("✓ sendMessage")

    terminal.press("/brew", "Enter")
    terminal.until("handling… Ctrl-C stops it")
    terminal.press("/tap green", "Enter")
    (tmp_path / "done").touch()
    assert "handling" not in terminal.until("▎ ready\nYou › /tap green\nthere is nothing to tap")
    terminal.press("/hang", "Enter")
    terminal.until("handling…")
    terminal.press("C-c")
    terminal.until("stopped: the handler was cut off\nYou ›")

    assert "\x1b[36m▎" in terminal.screen("-e")
    terminal.press("C-d")
    terminal.until("ended")
