"""The dispatcher and the bot."""

from __future__ import annotations

import asyncio
from os import getenv

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.enums import ParseMode
from aiogram.types import BotCommand

from tests.plain_bots.quiz import asking, echo

bot = Bot(
    token=getenv("PLAIN_BOT_TOKEN") or "", default=DefaultBotProperties(parse_mode=ParseMode.HTML)
)
dp = Dispatcher()
dp.include_routers(asking.router, echo.router)


@dp.startup()
async def declare_commands(bot: Bot) -> None:
    """Tell Telegram what there is."""
    commands = [
        BotCommand(command="start", description="Say hello"),
        BotCommand(command="quiz", description="Ask me something"),
    ]
    await bot.set_my_commands(commands)


async def main() -> None:
    """Serve Telegram."""
    await dp.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main())
