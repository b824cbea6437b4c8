"""Messages of a bot to the fake Telegram, in process and over HTTP, and what is aiogram's of it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from measure import PROJECT, Progress, Reach, Report, arguments, taking_turns

SENDS = '''
import asyncio, json, sys, time
from contextlib import asynccontextmanager

import toolkit
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup
from aiohttp import web
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve

BUTTONS = [InlineKeyboardButton(text=name, callback_data=name.lower()) for name in ("Yes", "No")]
KEYBOARD = InlineKeyboardMarkup(inline_keyboard=[BUTTONS])

async def send(bot, number):
    text = f"<b>Hello</b>, <i>visitor</i> number {number}"
    return await bot.send_message(1, text, parse_mode="HTML", reply_markup=KEYBOARD)

def town():
    telegram = FakeTelegram(token="42:x")
    telegram.send_text(1, "/start")
    return telegram

async def recorded():
    bot, telegram = Bot("42:x"), town()
    telegram.attach(bot)
    await send(bot, 1)
    return json.dumps({"ok": True, "result": telegram.messages(1)[-1]})

class Constant(BaseSession):
    """Prepares a request and reads an answer as every session of aiogram; asks nobody."""
    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    async def make_request(self, bot, method, timeout=None):
        for value in method.model_dump(warnings=False).values():
            self.prepare_value(value, bot, {})
        return self.check_response(bot, method, 200, self.answer).result

    async def close(self): ...

    async def stream_content(self, *arguments, **options): ...

@asynccontextmanager
async def constant_server(answer):
    async def same(request):
        await request.read()
        return web.Response(text=answer, content_type="application/json")
    app = web.Application()
    app.router.add_route("*", "/bot{token}/{method}", same)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://127.0.0.1:%s" % runner.addresses[0][1]
    await runner.cleanup()

async def timed(bot, count):
    for number in range(100):
        await send(bot, number)
    begun, busy = time.perf_counter(), time.process_time()
    for number in range(count):
        await send(bot, number)
    return time.process_time() - busy, time.perf_counter() - begun

async def main(way, fake, count):
    answer = await recorded()
    if way == "in process":
        bot = Bot("42:x", session=Constant(answer))
        if fake:
            town().attach(bot)
        return await timed(bot, count)
    async with serve(town()) if fake else constant_server(answer) as address:
        api = TelegramAPIServer.from_base(address)
        async with Bot("42:x", session=AiohttpSession(api=api)).context() as bot:
            return await timed(bot, count)

way, contender, count = sys.argv[1:]
print(json.dumps(asyncio.run(main(way, contender == "ours", int(count)))))
'''
PLAIN, OURS, OTHER = "aiogram, and always the same answer", "ours", "ours, of --against"
SUBJECTS = {"in process": "in process", "HTTP": "over HTTP, both ends in one process"}


def sends(way: str, contender: str, count: int, source: str) -> tuple[float, float]:
    """Seconds of processor, and by the clock, in a fresh process with the toolkit in `source`."""
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"}
    fake = OURS if contender != PLAIN else PLAIN
    command = [sys.executable, "-c", SENDS, way, fake, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    busy, took = json.loads(done.stdout)
    return float(busy), float(took)


def main() -> None:
    """Measure, print, and write what was asked for."""
    parser = arguments(
        __doc__,
        sends={"type": int, "default": 3000, "help": "messages a turn"},
        against={"metavar": "SRC", "help": "the `src` of another version, measured in turn"},
    )
    settings = parser.parse_args()
    if settings.quick:
        settings.rounds, settings.sends = 1, 20
    report = Report("sends", settings)
    contenders = [PLAIN, OURS, *([OTHER] if settings.against else [])]
    turns = [f"{way}|{contender}" for way in SUBJECTS for contender in contenders]
    progress = Progress(settings.rounds * len(turns))
    for _, turn in taking_turns(turns, settings.rounds):
        way, _, contender = turn.partition("|")
        progress.step(turn)
        source = settings.against if contender == OTHER else str(PROJECT / "src")
        busy, took = sends(way, contender, settings.sends, source)
        row = report.row(SUBJECTS[way], contender, "µs of processor a message")
        row.add(busy / settings.sends * 1e6, **{"messages a second": settings.sends / took})
    progress.end()
    spent = report.rows[SUBJECTS["in process"], OURS].details["messages a second"]
    line = "messages a second to the fake, in process"
    report.reach.append(Reach.at_least(line, 2700, statistics.median(spent)))
    report.finish()


if __name__ == "__main__":
    main()
