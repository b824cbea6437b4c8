"""The whole bot as a process of its own, against a Telegram on this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.delivery_kit import SOURCE
from tests.stores import free_port
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve

pytestmark = pytest.mark.slow

TOKEN = "123456789:AAF-an_ordinary_token"


@asynccontextmanager
async def bot_process(address: str, folder: Path, **settings: str) -> AsyncIterator[None]:
    """`python -m bot` until the block ends; it must end well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot"),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "BOT_TOKEN": TOKEN,
            "TELEGRAM_API_URL": address,
            "STORAGE_URL": "memory:",
            **settings,
        },
    )
    try:
        yield
        process.terminate()
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(telegram: FakeTelegram, condition: Callable[[], bool]) -> None:
    """Return when something has happened that makes the condition true."""
    happened = asyncio.Event()
    stop = telegram.observe(lambda _: happened.set())
    try:
        async with asyncio.timeout(60):
            while not condition():
                happened.clear()
                await happened.wait()
    finally:
        stop()


@pytest.mark.parametrize("delivery", ["polling", "webhook"])
async def test_a_visit_is_booked_over_http(delivery: str, tmp_path: Path) -> None:
    telegram = FakeTelegram(token=TOKEN)

    def shows(text: str) -> Callable[[], bool]:
        def check() -> bool:
            # Behind a message that a tap has changed there may be another one.
            recent = telegram.messages(1)[-2:]
            shown = any(text in each.get("text", "") for each in recent)
            return shown and not telegram.unanswered

        return check

    settings: dict[str, str] = {}
    if delivery == "webhook":
        port = free_port()
        settings = {"WEBHOOK_URL": f"http://127.0.0.1:{port}/hook", "WEBHOOK_PORT": str(port)}
    telegram.send_text(1, "/book")
    async with serve(telegram) as address, bot_process(address, tmp_path, **settings):
        await until(telegram, shows("What service?"))
        telegram.tap(1, label="Haircut")
        await until(telegram, shows("When?"))
        telegram.send_text(1, "Tomorrow")
        await until(telegram, shows("When on"))
        telegram.tap(1, label="14:00")
        await until(telegram, shows("Booked! Haircut on"))
        telegram.send_text(1, "/bookings")
        await until(telegram, shows("Your visits:"))
        assert bool(telegram.updates.webhook) == (delivery == "webhook")
    assert [call.error for call in telegram.calls if call.error] == []
