"""`python -m bot chat` in a real terminal: what people type and see, in tmux."""

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
from tests.support import Render

pytestmark = pytest.mark.slow

PATIENCE = 60.0
"""Seconds until a screen that does not come is a failure."""


class Terminal:
    """A terminal in which a command runs."""

    def __init__(self, socket: Path, folder: Path, command: str) -> None:
        self._tmux = ["tmux", "-f", "/dev/null", "-S", str(socket)]
        paths = {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1", "TERM": "xterm-256color"}
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
def terminal(render: Render, tmp_path: Path) -> Iterator[Terminal]:
    """The booking bot, in a terminal."""
    if shutil.which("tmux") is None:
        missing(MissingServer("no tmux is installed: apt-get install tmux"))
    project = render(storage="memory")
    # The shell stays, and shows that the command has ended.
    command = f"{sys.executable} -m bot chat; echo ended; sleep 600"
    terminal = Terminal(tmp_path / "tmux", project, command)
    yield terminal
    terminal.end()


def test_a_talk_at_a_real_terminal(terminal: Terminal) -> None:
    terminal.until("Ctrl-D ends")
    terminal.press("/boo")
    # The menu is narrower than the list at the top.
    terminal.until("/bookings  Show or cancel your visits")
    terminal.press("Tab", "Enter")
    terminal.until("▎ [2 Shave]")
    terminal.press("/tap 2", "Enter")
    terminal.until("▎ edited\n▎ When?")

    terminal.press("half a line")
    terminal.until("You › half a line")
    terminal.press("C-c")
    terminal.press("/tap change", "Enter")
    assert "half a line" not in terminal.until("▎ edited\n▎ What service?")

    terminal.press("/fault network", "Enter")
    terminal.until("network is on")
    terminal.press("/book", "Enter")
    shown = terminal.until("/why shows the rest")
    lines = shown[shown.index("✗ ") :].splitlines()
    assert lines[0].startswith("✗ aiogram.exceptions.TelegramNetworkError: ")
    assert lines[1].startswith("  src/bot/screen.py:")
    assert "Traceback" not in shown
    terminal.press("/why", "Enter")
    terminal.until("Traceback (most recent call last):")
    assert "✗ sendMessage: " in terminal.until("You: /book")

    assert "\x1b[36m▎" in terminal.screen("-e")
    terminal.press("C-d")
    terminal.until("ended")
