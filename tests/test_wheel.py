"""The wheel is production alone: the bot runs from it, and the harness stays in the checkout."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.delivery_kit import SOURCE
from tests.stores import free_port
from tests.support import Render
from tests.test_projects import environment

pytestmark = pytest.mark.slow

TOKEN = "123456789:AAF-an_ordinary_token"
PATIENCE = 120


@pytest.fixture(scope="module")
def wheel(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a project with the default answers."""
    project = render(tmp_path_factory.mktemp("project"))
    command = ["uv", "build", "--quiet", "--wheel", "--out-dir", "dist"]
    subprocess.run(command, cwd=project, env=environment(), check=True)
    (wheel,) = project.glob("dist/*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    for command in (
        ["uv", "venv", "--quiet", "venv"],
        ["uv", "pip", "install", "--quiet", "--python", "venv/bin/python", str(wheel)],
    ):
        subprocess.run(command, cwd=folder, env=environment(), check=True)
    return folder / "venv/bin/python"


def installed_environment(**settings: str) -> dict[str, str]:
    """An environment that knows nothing of the template's sources."""
    return {"PATH": os.environ["PATH"], **settings}


class Telegram:
    """A fake Telegram in another process, and its one user."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._seen = 0

    def control(self, path: str, **arguments: Any) -> Any:
        """Look, or with arguments act, through the control API."""
        body = json.dumps(arguments).encode() if arguments else None
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.address}/control/{path}", body, headers)  # noqa: S310 - ours
        with urlopen(request, timeout=2 * PATIENCE) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def until_answered(self, text: str) -> list[str]:
        """Wait for a message with this text; return the methods called since the last one."""
        methods: list[str] = []
        while True:
            found = self.control(f"calls?since={self._seen}&wait={PATIENCE}")
            assert found["calls"], f"nothing says {text!r}; there were {methods}"
            for call in found["calls"]:
                self._seen += 1
                methods.append(call["method"])
                if text in call["payload"].get("text", ""):
                    return methods


@pytest.fixture
def telegram() -> Iterator[Telegram]:
    """A fake Telegram from the template's sources, served over HTTP."""
    command = [sys.executable, "-m", "toolkit.harness.fake_telegram", "--port", "0"]
    with subprocess.Popen(
        [*command, "--token", TOKEN],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Telegram(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


@contextlib.contextmanager
def bot(python: Path, folder: Path, telegram: Telegram, **settings: str) -> Iterator[None]:
    """`python -m bot` from the wheel until the block ends; it must end well."""
    given = {"BOT_TOKEN": TOKEN, "TELEGRAM_API_URL": telegram.address, **settings}
    with subprocess.Popen(
        [python, "-m", "bot"], cwd=folder, env=installed_environment(**given)
    ) as process:
        try:
            yield
            process.terminate()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()


def test_the_wheel_is_small_and_holds_nothing_of_the_harness(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = [name for name in opened.namelist() if ".dist-info/" not in name]
        lines = sum(opened.read(name).count(b"\n") for name in names if name.endswith(".py"))

    assert {name.split("/")[0] for name in names} == {"bot", "toolkit"}
    assert not [name for name in names if "harness" in name]
    assert lines < 16_000


@pytest.mark.parametrize("delivery", ["polling", "webhook"])
def test_the_bot_runs_from_the_wheel(
    delivery: str, python: Path, telegram: Telegram, tmp_path: Path
) -> None:
    settings: dict[str, str] = {}
    if delivery == "webhook":
        port = str(free_port())
        settings = {"WEBHOOK_URL": f"http://127.0.0.1:{port}/hook", "WEBHOOK_PORT": port}
    telegram.control("say", user_id=1, text="/book")

    with bot(python, tmp_path, telegram, **settings):
        called = telegram.until_answered("What service?")
        telegram.control("tap", user_id=1, label="Haircut")
        telegram.until_answered("When?")
        telegram.control("say", user_id=1, text="Tomorrow 2pm")
        telegram.until_answered("Booked!")

    assert ("setWebhook" in called) is (delivery == "webhook")
    listed = subprocess.run(
        [python, "-m", "bot", "sessions", "list"],
        cwd=tmp_path,
        env=installed_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1_1" in listed.stdout


@pytest.mark.parametrize("command", ["chat", "web"])
def test_what_needs_the_harness_says_where_it_is(
    command: str, python: Path, tmp_path: Path
) -> None:
    says_where_the_harness_is(python, command, tmp_path)


def says_where_the_harness_is(python: Path, command: str, folder: Path) -> None:
    """Assert that a command that needs the harness names, in one line, the checkout that has it."""
    done = subprocess.run(
        [python, "-m", "bot", command],
        cwd=folder,
        env=installed_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "checkout" in done.stderr
