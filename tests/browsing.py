"""A simulator in a process of its own, and a real browser to look at it with."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

SERVE = "import sys; from toolkit.harness.simulator.web import serve; serve(sys.argv[1], port=0)"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these Chromium asks its maker's servers for updates at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextlib.contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """Open a headless browser, which ends with the block."""
    # On a machine that does other things as well, five seconds may be too short.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def simulator(
    project: Path, target: str | None = None, *, path: Path | None = None
) -> Iterator[str]:
    """Serve the project's bot, or `target`, a module in `path`; give the address."""
    command = ["-m", "bot", "web", "--port", "0"] if target is None else ["-c", SERVE, target]
    places = [str(project / "src"), *([str(path)] if path else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(project / "simulator.log").open("w"),
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = next((word for word in line.split() if word.startswith("http://")), None)
            if address is None:
                raise RuntimeError((project / "simulator.log").read_text())
            yield address
        finally:
            process.terminate()


def wait_for_bot(page: Page) -> None:
    """Wait until the bot behind the page runs: importing it takes seconds."""
    page.locator("#status.good").wait_for(state="attached", timeout=60_000)
