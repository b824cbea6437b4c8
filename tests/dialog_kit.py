"""aiogram-dialog on `create_bot`: as a plugin of pytest for its tests, as a program for examples.

    python -m tests.dialog_kit aiogram|toolkit EXAMPLE.py...

walks through each example by tapping its buttons, and prints a line with what is on the screen
after each tap.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import AsyncMock

import tests.delivery_kit  # noqa: F401 - the toolkit before aiogram, which then starts quickly

# isort: split
import aiogram
import aiogram_dialog.test_tools  # noqa: F401 - these take aiogram's own Dispatcher
from aiogram.client.default import DefaultBotProperties

from toolkit import create_bot
from toolkit.harness import FakeTelegram

TOKEN = "42:fake"
USER = 1
TAPS = 15
CHANCE = re.compile(r"\b\w{5,6}(?='|$)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+")
"""What is never the same twice: ids of dialogs, and the time."""

QUIET = 0.03
"""Seconds without a call after which a tap counts as answered."""


made_here = 0


def dispatcher(*, storage: Any = None, events_isolation: Any = None, **data: Any) -> Any:
    """Take the place of aiogram's `Dispatcher`."""
    global made_here
    made_here += 1
    # The examples send texts as they are, and aiogram does not apologise for an error.
    plain = DefaultBotProperties()
    return create_bot(TOKEN, initial=dict, default=plain, on_error=AsyncMock(), **data)


def pytest_configure() -> None:
    """Let tests that import aiogram from now on use `create_bot`."""
    vars(aiogram)["Dispatcher"] = dispatcher


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many did."""
    terminalreporter.write_line(f"{made_here} by create_bot")


def load(path: Path) -> Any:
    """Import an example. Two draw a graph first, with tools that are not installed."""
    tools: Any = ModuleType("aiogram_dialog.tools")
    tools.render_transitions = tools.render_preview = AsyncMock()
    sys.modules[tools.__name__] = tools
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("example", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def screen(telegram: FakeTelegram) -> list[Any]:
    """What the user sees: the last messages with the labels of their buttons."""
    shown = telegram.messages(USER)[-2:]
    return [[CHANCE.sub("*", str(m.get("text", m.get("caption")))), labels(m)] for m in shown]


def labels(message: Any) -> list[str]:
    """The labels of the buttons under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row if "callback_data" in button]


async def quiet(telegram: FakeTelegram) -> None:
    """Wait until the bot has handled everything, and calls nothing any more."""
    count = -1
    while count != telegram.call_count or len(telegram.updates):
        count = telegram.call_count
        await asyncio.sleep(QUIET)


async def walk(telegram: FakeTelegram) -> list[Any]:
    """Start, then tap what was tapped least, or type where nothing can be; return the screens."""
    tapped: dict[str, int] = {}
    telegram.send_text(USER, "/start")
    await quiet(telegram)
    screens = [screen(telegram)]
    for _ in range(TAPS):
        message = telegram.messages(USER)[-1]
        label = min(labels(message), default="", key=lambda label: tapped.get(label, 0))
        tapped[label] = tapped.get(label, 0) + 1
        if label:
            telegram.tap(USER, message["message_id"], label=label)
        else:
            telegram.send_text(USER, "Ann" if tapped[label] % 2 else "/start")
        await quiet(telegram)
        screens.append([label, *screen(telegram)])
    return screens


async def show(framework: str, path: Path) -> None:
    """Run an example's own `main` beside a user who walks through it."""
    telegram = FakeTelegram(token=TOKEN)

    def made(**options: Any) -> Any:
        options |= {"storage": None}
        app: Any = (
            dispatcher(**options) if framework == "toolkit" else aiogram.Dispatcher(**options)
        )
        serve = app.start_polling
        if framework == "toolkit":
            telegram.attach(app.bot)
            vars(app)["start_polling"] = lambda *bots: serve(handle_signals=False)
        else:
            vars(app)["start_polling"] = lambda *bots: serve(*bots, handle_signals=False)
        return app

    def bot(**_: Any) -> aiogram.Bot:
        plain = aiogram.Bot(TOKEN)
        telegram.attach(plain)
        return plain

    module = load(path)
    vars(module).update(Dispatcher=made, Bot=bot)
    serving = asyncio.create_task(module.main())
    screens = await walk(telegram)
    serving.cancel()
    await asyncio.wait((serving,))
    print(json.dumps(screens))  # noqa: T201


if __name__ == "__main__":
    for path in sys.argv[2:]:
        asyncio.run(show(sys.argv[1], Path(path).resolve()))
