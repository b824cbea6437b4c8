"""The bots that are compared: each answers every message once, on a canned client.

Each is a function that returns a feeder, which takes one update as JSON text. A process runs one
bot only: `python update_bots.py NAME` says `ready`, then takes a number of updates and of chats
at once a line, and answers with seconds: of wall clock and of processor in all, and the p50 and
p99 of an update. Several bots in one process would disturb each other: CPython specialises
bytecode for the objects that it meets first.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from measure import quantile

Feed = Callable[[str], Awaitable[Any]]

ANSWER = json.dumps(
    {
        "ok": True,
        "result": {
            "message_id": 1002,
            "from": {"id": 42, "is_bot": True, "first_name": "Booking", "username": "booking_bot"},
            "chat": {"id": 7, "first_name": "Ana", "username": "ana_m", "type": "private"},
            "date": 1763800000,
            "text": "When would you like to come?",
        },
    }
)


def update(number: int, chat: int) -> str:
    """Return a message as Telegram sends it."""
    person = {"id": chat, "first_name": "Ana", "username": "ana_m"}
    message = {
        "message_id": number,
        "from": {**person, "is_bot": False, "language_code": "en"},
        "chat": {**person, "type": "private"},
        "date": 1763800000,
        "text": "tomorrow at 2pm",
    }
    return json.dumps({"update_id": number, "message": message})


@dataclass
class Session:
    """About 300 bytes as JSON."""

    step: str = "choosing_time"
    count: int = 0
    service: str = "Haircut and beard trim"
    day: str = "2026-11-22"
    time: str = "14:30"
    name: str = "Ana Maria Marinescu"
    note: str = "Came by recommendation; prefers mornings, and a chair at the window."
    visits: list[int] = field(default_factory=lambda: [3, 1, 4, 1])
    options: dict[str, str] = field(default_factory=lambda: {"colour": "none", "stylist": "Ana"})


def _aiogram_client() -> Any:
    from aiogram.client.session.base import BaseSession

    class Canned(BaseSession):
        """Does what aiogram's HTTP client does before a request and after it."""

        async def make_request(self, bot: Any, method: Any, timeout: Any = None) -> Any:
            for value in method.model_dump(warnings=False).values():
                self.prepare_value(value, bot=bot, files={})
            return self.check_response(bot, method, 200, ANSWER).result

        async def stream_content(self, *args: Any, **options: Any) -> Any:
            yield b""

        async def close(self) -> None:
            pass

    return Canned()


def _aiogram_feed(dispatcher: Any, bot: Any) -> Feed:
    from aiogram.types import Update

    def feed(text: str) -> Awaitable[Any]:
        parsed = Update.model_validate_json(text, context={"bot": bot})
        found: Awaitable[Any] = dispatcher.feed_update(bot, parsed)
        return found

    return feed


def _aiogram(handler: Callable[..., Any], **options: Any) -> Feed:
    from aiogram import Bot, Dispatcher

    dispatcher = Dispatcher(**options)
    dispatcher.message.register(handler)
    return _aiogram_feed(dispatcher, Bot("42:bench", session=_aiogram_client()))


def aiogram_bare() -> Feed:
    """`Dispatcher()` as it comes, with its FSM on, and a handler that never asks for it."""

    async def answer(message: Any) -> None:
        await message.answer("When would you like to come?")

    return _aiogram(answer)


def aiogram_without_fsm() -> Feed:
    """`Dispatcher(disable_fsm=True)`."""

    async def answer(message: Any) -> None:
        await message.answer("When would you like to come?")

    return _aiogram(answer, disable_fsm=True)


def aiogram_fsm() -> Feed:
    """MemoryStorage, and a handler that changes state and data."""

    async def answer(message: Any, state: Any) -> None:
        data = await state.get_data()
        await state.set_state(f"step {message.message_id % 2}")
        await state.update_data(count=data.get("count", 0) + 1)
        await message.answer("When would you like to come?")

    return _aiogram(answer)


def _ours(storage: Any, *, changes: bool = True, **options: Any) -> Feed:
    async def answer(message: Any, session: Session) -> None:
        session.count += changes
        await message.answer("When would you like to come?")

    return _ours_with(lambda router: router.message.register(answer), storage, **options)


def _ours_with(register: Callable[[Any], object], storage: Any, **options: Any) -> Feed:
    from aiogram import Router

    from toolkit import create_bot

    register(router := Router())
    app = create_bot("42:bench", initial=Session, storage=storage, routers=[router], **options)
    app.bot.session = _aiogram_client()
    feed = _aiogram_feed(app, app.bot)
    numbers = iter(range(10**12))

    def polled(text: str) -> Awaitable[Any]:
        # The poller confirms what is committed, so that records need not remember it.
        app.sessions.confirmed = max(0, next(numbers) - 100)
        return feed(text)

    return polled


def ours_memory() -> Feed:
    """Sessions in memory; every update changes its session."""
    return _ours(None)


def ours_memory_read() -> Feed:
    """Sessions in memory; the handler reads its session."""
    return _ours(None, changes=False)


def _sqlite() -> Any:
    from toolkit.storage.sqlite import SqliteSessionStorage

    return SqliteSessionStorage(f"{tempfile.mkdtemp(prefix='bench-')}/bot.db")


def ours_sqlite() -> Feed:
    """Sessions in SQLite, durable; every update changes its session."""
    return _ours(_sqlite())


def ours_sqlite_read() -> Feed:
    """Sessions in SQLite; the handler reads its session."""
    return _ours(_sqlite(), changes=False)


def ours_sqlite_recorded() -> Feed:
    """Sessions in SQLite; the handler reads its session, and the id of the update is stored."""
    return _ours(_sqlite(), changes=False, record_every_update=True)


QUESTIONS = 30


def ours_steps() -> Feed:
    """Sessions in SQLite, durable; a dialogue of 30 questions in steps."""
    from toolkit import in_step

    def register(router: Any) -> None:
        for number in range(QUESTIONS):

            async def answer(message: Any, session: Session, number: int = number) -> None:
                session.options[f"question {number}"] = message.text
                session.count += 1
                session.step = f"question {(number + 1) % QUESTIONS}"
                if session.step == "question 0":
                    session.options.clear()
                await message.answer("When would you like to come?")

            router.message.register(answer, in_step(f"question {number}"))

        async def begin(message: Any, session: Session) -> None:
            session.step = "question 0"
            await message.answer("When would you like to come?")

        router.message.register(begin)

    return _ours_with(register, _sqlite())


def ours_talk() -> Feed:
    """Sessions in SQLite, durable; the same dialogue as a talk."""
    from aiogram import F

    from toolkit import Labels, on_talk

    def register(router: Any) -> None:
        @on_talk(router, "bench", F.text, labels=Labels(back=None, cancel=None))
        async def ask(talk: Any, session: Session) -> None:
            for number in range(QUESTIONS):
                await talk.ask(f"question {number}", "When would you like to come?")
                session.count += 1
            await talk.say("Thank you.")

    return _ours_with(register, _sqlite())


def python_telegram_bot() -> Feed:
    """`Application` with `chat_data`, which it keeps in memory without a persistence."""
    from telegram import Update
    from telegram.ext import Application, MessageHandler, filters
    from telegram.request import BaseRequest

    class Canned(BaseRequest):
        read_timeout = 5.0

        async def initialize(self) -> None:
            pass

        async def shutdown(self) -> None:
            pass

        async def do_request(self, url: str, *args: Any, **options: Any) -> tuple[int, bytes]:
            if url.endswith("getMe"):
                me = {"id": 42, "is_bot": True, "first_name": "Booking", "username": "booking_bot"}
                return 200, json.dumps({"ok": True, "result": me}).encode()
            return 200, ANSWER.encode()

    async def answer(update: Any, context: Any) -> None:
        context.chat_data["count"] = context.chat_data.get("count", 0) + 1
        await update.message.reply_text("When would you like to come?")

    canned = Canned()
    app = Application.builder().token("42:bench").request(canned).get_updates_request(canned)
    application = app.build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    ready = False

    async def feed(text: str) -> None:
        nonlocal ready
        if not ready:
            await application.initialize()
            ready = True
        await application.process_update(Update.de_json(json.loads(text), application.bot))

    return feed


def pytelegrambotapi() -> Feed:
    """`AsyncTeleBot` with its states in memory."""
    from telebot import asyncio_helper
    from telebot.async_telebot import AsyncTeleBot
    from telebot.types import Update

    async def request(*args: Any, **options: Any) -> Any:
        return json.loads(ANSWER)["result"]

    asyncio_helper._process_request = request
    bot = AsyncTeleBot("42:bench")

    @bot.message_handler(func=lambda message: True)
    async def answer(message: Any) -> None:
        await bot.set_state(message.from_user.id, "choosing_time", message.chat.id)
        async with bot.retrieve_data(message.from_user.id, message.chat.id) as data:
            data["count"] = data.get("count", 0) + 1
        await bot.send_message(message.chat.id, "When would you like to come?")

    async def feed(text: str) -> None:
        await bot.process_new_updates([Update.de_json(text)])

    return feed


BOTS: dict[str, Callable[[], Feed]] = {
    "aiogram": aiogram_bare,
    "aiogram without FSM": aiogram_without_fsm,
    "aiogram, FSM state and data": aiogram_fsm,
    "ours, memory": ours_memory,
    "ours, memory, read only": ours_memory_read,
    "ours, sqlite": ours_sqlite,
    "ours, sqlite, read only": ours_sqlite_read,
    "ours, sqlite, read only, every update recorded": ours_sqlite_recorded,
    "ours, a dialogue in steps": ours_steps,
    "ours, a dialogue as a talk": ours_talk,
    "python-telegram-bot": python_telegram_bot,
    "pyTelegramBotAPI": pytelegrambotapi,
}


async def work(name: str) -> None:
    """Feed one bot as standard input says."""
    feed = BOTS[name]()
    number = 0
    print("ready", flush=True)
    for line in sys.stdin:
        count, chats = map(int, line.split())
        texts = iter([update(number + i + 1, i % 1000 + 1) for i in range(count)])
        number += count

        took: list[float] = []

        async def chat(texts: Any = texts, took: list[float] = took) -> None:
            for text in texts:
                begun = time.perf_counter()
                await feed(text)
                took.append(time.perf_counter() - begun)

        wall, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(chat() for _ in range(chats)))
        sums = time.perf_counter() - wall, time.process_time() - processor
        print(json.dumps([*sums, quantile(took, 0.5), quantile(took, 0.99)]), flush=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(work(sys.argv[1]))
