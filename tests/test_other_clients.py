"""Other client libraries talk to the fake Telegram as they would to the real one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
from telebot import asyncio_helper, types
from telebot.async_telebot import AsyncTeleBot
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

COUNTS: Any = {1: 10, 2: 20}
"""Labels and callback data that are numbers, which no client minds; to Telegram they are text."""
GRAMMY = "grammy@^1.36"
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


BOOKING = (
    CommandHandler("book", book),
    CallbackQueryHandler(choose),
    MessageHandler(filters.TEXT, when),
)


def application(address: str, handlers: Any = BOOKING) -> Application[Any, Any, Any, Any, Any, Any]:
    builder = ApplicationBuilder().token(TOKEN)
    app = builder.base_url(f"{address}/bot").base_file_url(f"{address}/file/bot").build()
    app.add_handlers(handlers)
    return app


@asynccontextmanager
async def polling(
    address: str, handlers: Any = BOOKING
) -> AsyncIterator[Application[Any, Any, Any, Any, Any, Any]]:
    async with application(address, handlers) as app:
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


async def ask_how_many(update: Update, _: Any) -> None:
    assert update.message is not None
    buttons = [InlineKeyboardButton(n, callback_data=data) for n, data in COUNTS.items()]
    await update.message.reply_text("How many?", reply_markup=InlineKeyboardMarkup([buttons]))


async def show_how_many(update: Update, _: Any) -> None:
    assert update.callback_query is not None
    await update.callback_query.answer()
    await update.callback_query.edit_message_text(f"{update.callback_query.data} it is")


@asynccontextmanager
async def python_telegram_bot(address: str) -> AsyncIterator[None]:
    """A bot that asks for a number by buttons."""
    handlers = [CommandHandler("count", ask_how_many), CallbackQueryHandler(show_how_many)]
    async with polling(address, handlers):
        yield


@asynccontextmanager
async def py_telegram_bot_api(address: str) -> AsyncIterator[None]:
    """The same bot with pyTelegramBotAPI."""
    bot: Any = AsyncTeleBot(TOKEN)  # its decorators have no types

    @bot.message_handler(commands=["count"])  # type: ignore[untyped-decorator]
    async def ask(message: types.Message) -> None:
        row = [types.InlineKeyboardButton(n, callback_data=data) for n, data in COUNTS.items()]
        markup = types.InlineKeyboardMarkup([row])
        await bot.send_message(message.chat.id, "How many?", reply_markup=markup)

    @bot.callback_query_handler(lambda query: True)  # type: ignore[untyped-decorator]
    async def show(query: types.CallbackQuery) -> None:
        assert query.message is not None
        await bot.answer_callback_query(query.id)
        place = query.from_user.id, query.message.message_id
        await bot.edit_message_text(f"{query.data} it is", *place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio_helper, "API_URL", address + "/bot{0}/{1}")
        task = asyncio.create_task(bot.polling())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


COUNTING = """
import { Bot } from "grammy";
const [, apiRoot, token] = process.argv;
const bot = new Bot(token, { client: { apiRoot } });
const row = [{ text: 1, callback_data: 10 }, { text: 2, callback_data: 20 }];
bot.command("count", (ctx) => ctx.reply("How many?", { reply_markup: { inline_keyboard: [row] } }));
bot.on("callback_query:data", async (ctx) => {
  await ctx.answerCallbackQuery();
  await ctx.editMessageText(`${ctx.callbackQuery.data} it is`);
});
await bot.start();
"""


@asynccontextmanager
async def grammy(address: str) -> AsyncIterator[None]:
    """The same bot with grammY, which Node finds beside the script, or where that would be."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--silent", "--no-audit", "--no-fund"]
        npm = await asyncio.create_subprocess_exec("npm", "install", *options, GRAMMY, cwd=folder)
        assert await npm.wait() == 0
        command = ["node", "--input-type=module", "--eval", COUNTING, "--", address, TOKEN]
        node = await asyncio.create_subprocess_exec(*command, cwd=folder)
        yield
        node.kill()
        await node.wait()


@pytest.mark.parametrize("client", [python_telegram_bot, py_telegram_bot_api, grammy])
async def test_numbers_are_texts_to_telegram(
    client: Callable[[str], AbstractAsyncContextManager[None]],
) -> None:
    telegram = FakeTelegram()
    async with serve(telegram, any_token=True) as address, client(address):
        async with calls(telegram, "sendMessage"):
            telegram.send_text(1, "/count")
        keyboard = telegram.messages(1)[-1]["reply_markup"]["inline_keyboard"]
        shown = [(button["text"], button["callback_data"]) for row in keyboard for button in row]
        assert shown == [("1", "10"), ("2", "20")]
        async with calls(telegram, "answerCallbackQuery", "editMessageText"):
            telegram.tap(1, label="2")
        assert telegram.messages(1)[-1]["text"] == "20 it is"
