"""Another client library talks to the fake Telegram as it would to the real one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Forbidden, RetryAfter
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    MessageHandler,
    filters,
)

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit.harness.fake_telegram import Event, FakeTelegram
from toolkit.harness.fake_telegram.server import serve

pytestmark = pytest.mark.slow

TOKEN = "123456:AAF_an-ordinary-token"
SERVICES = InlineKeyboardMarkup([[InlineKeyboardButton("Haircut", callback_data="haircut")]])


async def book(update: Update, _: Any) -> None:
    assert update.message is not None
    await update.message.reply_html("<b>What</b> would you like?", reply_markup=SERVICES)


async def choose(update: Update, _: Any) -> None:
    assert update.callback_query is not None
    await update.callback_query.answer("Good choice")
    await update.callback_query.edit_message_text("A haircut. When?")


async def when(update: Update, _: Any) -> None:
    assert update.message is not None
    await update.message.reply_text(f"Booked: {update.message.text}")
    await update.message.reply_document(b"BEGIN:VCALENDAR", filename="visit.ics")


def application(address: str) -> Application[Any, Any, Any, Any, Any, Any]:
    builder = ApplicationBuilder().token(TOKEN)
    app = builder.base_url(f"{address}/bot").base_file_url(f"{address}/file/bot").build()
    app.add_handler(CommandHandler("book", book))
    app.add_handler(CallbackQueryHandler(choose))
    app.add_handler(MessageHandler(filters.TEXT, when))
    return app


@asynccontextmanager
async def polling(address: str) -> AsyncIterator[Application[Any, Any, Any, Any, Any, Any]]:
    async with application(address) as app:
        assert app.updater is not None
        await app.start()
        await app.updater.start_polling(timeout=20)
        yield app
        await app.updater.stop()
        await app.stop()


@asynccontextmanager
async def calls(telegram: FakeTelegram, *methods: str) -> AsyncIterator[None]:
    """Leave the block when these calls have come, in this order, and succeeded."""
    expected, done = list(methods), asyncio.Event()

    def notice(event: Event) -> None:
        if event.kind == "call" and expected and event.data.method == expected[0]:
            assert event.data.error is None
            expected.pop(0)
            if not expected:
                done.set()

    stop = telegram.observe(notice)
    yield
    async with asyncio.timeout(20):
        await done.wait()
    stop()


async def test_python_telegram_bot_completes_a_dialogue() -> None:
    telegram = FakeTelegram()
    async with serve(telegram, any_token=True) as address, polling(address) as app:
        async with calls(telegram, "sendMessage"):
            telegram.send_text(1, "/book")
        async with calls(telegram, "answerCallbackQuery", "editMessageText"):
            telegram.tap(1, label="Haircut")
        async with calls(telegram, "sendMessage", "sendDocument"):
            telegram.send_text(1, "tomorrow at ten")

        assert [message.get("text") for message in telegram.messages(1)] == [
            "/book",
            "A haircut. When?",
            "tomorrow at ten",
            "Booked: tomorrow at ten",
            None,
        ]
        document = telegram.messages(1)[-1]["document"]
        file = await app.bot.get_file(document["file_id"])
        assert bytes(await file.download_as_bytearray()) == b"BEGIN:VCALENDAR"
        assert telegram.unanswered == []


async def test_python_telegram_bot_raises_its_own_errors() -> None:
    telegram = FakeTelegram(token=TOKEN)
    telegram.send_text(1, "/start")
    async with serve(telegram) as address, application(address) as app:
        with pytest.raises(BadRequest, match='nsupported start tag "p" at byte offset 0'):
            await app.bot.send_message(1, "<p>", parse_mode="HTML")
        telegram.faults.too_many_requests(7)
        with pytest.raises(RetryAfter):
            await app.bot.send_message(1, "hi")
        telegram.block(1)
        with pytest.raises(Forbidden):
            await app.bot.send_message(1, "hi")
