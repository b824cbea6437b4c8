"""What a bot does with answers to getUpdates that are none, and with a 429."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiogram.exceptions import TelegramRetryAfter
from aiohttp import web

from toolkit import CannotServe
from toolkit.app import BotApp
from toolkit.delivery import fetching
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.errors import too_many_requests
from toolkit.harness.fake_telegram.faults import Fault
from toolkit.waiting import retrying

from .bots import TOKEN, counting
from .serving import PATIENCE

HTML = b"<html><body>502 Bad Gateway</body></html>"
BAD = {
    "400": (400, {"ok": False, "error_code": 400, "description": "Bad Request: wrong"}),
    "403": (403, {"ok": False, "error_code": 403, "description": "Forbidden: no"}),
    "418": (418, {"ok": False, "error_code": 418, "description": "I'm a teapot"}),
    "420": (420, {"ok": False, "error_code": 420, "description": "FLOOD_WAIT_17"}),
    "413": (413, {"ok": False, "error_code": 413, "description": "Too Large"}),
    "429 without a time": (429, {"ok": False, "error_code": 429, "description": "Too Many"}),
    "429 with a time below zero": (
        429,
        {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": -5}},
    ),
    "moved": (400, {"ok": False, "description": "x", "parameters": {"migrate_to_chat_id": -5}}),
    "not ok, no code": (200, {"ok": False}),
    "500, no text": (500, {"ok": False}),
    "null": (200, {"ok": True, "result": None}),
    "no result": (200, {"ok": True}),
    "empty at once": (200, {"ok": True, "result": []}),
    "an object": (200, {"ok": True, "result": {}}),
    "numbers": (200, {"ok": True, "result": [1, 2]}),
    "a list": (200, []),
    "nothing": (200, b""),
    "HTML": (502, HTML),
    "HTML, 200": (200, HTML),
    "HTML, 404": (404, HTML),
    "no UTF-8": (200, b'{"ok": true, "result": "\xff\xfe"}'),
    "deep": (200, b"[" * 100_000),
}


class Scripted:
    """A Bot API whose getUpdates answers as it is told."""

    def __init__(self) -> None:
        self.answer: tuple[int, Any] = (200, [])
        self.asked = 0
        self.answered = asyncio.Condition()

    async def respond(self, request: web.Request) -> web.Response:
        """Answer getUpdates with what is set, everything else with success."""
        method = request.path.rpartition("/")[2]
        if method != "getUpdates":
            return web.json_response({"ok": True, "result": True})
        await request.read()
        status, body = self.answer
        async with self.answered:
            self.asked += 1
            self.answered.notify_all()
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return web.Response(status=status, body=body, content_type="application/json")

    async def until_asked(self, times: int) -> None:
        """Wait until getUpdates has come that often."""
        async with asyncio.timeout(PATIENCE), self.answered:
            await self.answered.wait_for(lambda: self.asked >= times)


@asynccontextmanager
async def polling(script: Scripted, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run a bot that polls a scripted server."""
    app = web.Application()
    app.router.add_post("/{anything:.*}", script.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api = f"http://127.0.0.1:{runner.addresses[0][1]}"
    stop = asyncio.Event()
    bot = counting(api_url=api)
    task = asyncio.create_task(bot.start_polling(stop=stop, handle_signals=False, **options))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait((task,), timeout=PATIENCE)
        await runner.cleanup()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the bot would have made, none of which takes time."""
    made: list[float] = []

    async def at_once(work: Any, pause: Callable[[Exception, int], float | None]) -> Any:
        async def sleep(seconds: float) -> None:
            made.append(seconds)
            await asyncio.sleep(0)

        return await retrying(work, pause, sleep)

    monkeypatch.setattr(fetching, "retrying", at_once)
    return made


@pytest.mark.parametrize("name", BAD)
async def test_the_bot_lives_on_with_growing_pauses(
    name: str, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    script = Scripted()
    script.answer = BAD[name]
    async with polling(script) as task:
        await script.until_asked(8)
        assert not task.done()
    assert min(pauses) >= 0.5
    if "429 with" not in name:
        assert pauses[6] >= 15.0
    assert "getUpdates: " in caplog.text
    if name != "500, no text":  # aiogram itself fails at that
        assert "Traceback" not in caplog.text


@pytest.mark.parametrize(("status", "text"), [(401, "Unauthorized"), (404, "Not Found")])
async def test_where_waiting_does_not_help_it_ends_with_a_sentence(status: int, text: str) -> None:
    script = Scripted()
    script.answer = (status, {"ok": False, "error_code": status, "description": text})
    async with polling(script) as task:
        with pytest.raises(CannotServe, match="does not know this token"):
            await asyncio.wait_for(asyncio.shield(task), PATIENCE)
    assert script.asked == 1


async def test_a_bug_behind_getupdates_is_logged_and_does_not_end_the_bot(
    pauses: list[float], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, stop = counting(), asyncio.Event()
    telegram = FakeTelegram(token=TOKEN)
    telegram.attach(app.bot)
    failures = iter([KeyError("surprise")])
    get_updates = app.bot.get_updates

    async def fail_once(**options: Any) -> Any:
        for failure in failures:
            raise failure
        stop.set()
        return await get_updates(**options)

    monkeypatch.setattr(app.bot, "get_updates", fail_once)
    async with asyncio.timeout(PATIENCE):
        await app.start_polling(stop=stop, handle_signals=False)

    assert "surprise" in caplog.text
    assert len(pauses) == 1


class Naps:
    """Stands in for `bot.sleep` and for the clock that it moves."""

    def __init__(self, app: BotApp[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.taken: list[float] = []
        self.now = 1000.0
        app.bot.sleep = self
        monkeypatch.setattr("toolkit.clock.monotonic", lambda: self.now)

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        self.now += seconds


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A bot that naps, and its Telegram."""
    app = counting()
    telegram = FakeTelegram(token=TOKEN)
    telegram.attach(app.bot)
    telegram.send_text(5, "the chat exists")
    return app, telegram, Naps(app, monkeypatch)


async def test_after_a_429_without_a_chat_every_call_waits(app: Any) -> None:
    bot, telegram, naps = app
    telegram.faults.add(Fault("getUpdates", error=too_many_requests(20)))
    with pytest.raises(TelegramRetryAfter):
        await bot.bot.get_updates()
    assert naps.taken == []

    await bot.bot.send_message(5, "later")

    assert naps.taken == [20.0]
    await bot.bot.send_message(5, "and now at once")
    assert naps.taken == [20.0]


async def test_a_call_waits_once_for_its_own_429(app: Any) -> None:
    bot, telegram, naps = app
    telegram.faults.add(Fault("getMe", error=too_many_requests(7), times=2))
    await bot.bot.get_me()
    assert [nap for nap in naps.taken if nap] == [7.0, 7.0]


async def test_a_429_of_one_chat_holds_nobody_else_up(app: Any) -> None:
    bot, telegram, naps = app
    telegram.faults.add(Fault("sendMessage", error=too_many_requests(60)))
    with pytest.raises(TelegramRetryAfter):
        await bot.bot.send_message(5, "too much")

    await bot.bot.get_me()

    assert naps.taken == []


async def test_a_call_that_would_wait_too_long_is_not_made(app: Any) -> None:
    bot, telegram, naps = app
    telegram.faults.add(Fault("getMe", error=too_many_requests(600)))
    with pytest.raises(TelegramRetryAfter):
        await bot.bot.get_me()
    before = len(telegram.calls)

    for left in (600, 500):
        with pytest.raises(TelegramRetryAfter) as refused:
            await bot.bot.send_message(5, "now?")
        assert refused.value.retry_after == left
        naps.now += 100

    assert len(telegram.calls) == before
    naps.now += 400
    await bot.bot.send_message(5, "now")
    assert naps.taken == []
