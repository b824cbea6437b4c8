"""A form, as aiogram's own examples are written: a router of the module, and all else in `main`."""

from __future__ import annotations

import asyncio
import html
from os import getenv
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.enums import ParseMode
from aiogram.filters import Command, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import KeyboardButton, Message, ReplyKeyboardMarkup, ReplyKeyboardRemove

TOKEN = getenv("PLAIN_BOT_TOKEN")

router = Router(name="form")


class Order(StatesGroup):
    """What is asked for, one after another."""

    size = State()
    sugar = State()
    name = State()


def keyboard(*labels: str) -> ReplyKeyboardMarkup:
    """Return a keyboard with one row."""
    row = [KeyboardButton(text=label) for label in labels]
    return ReplyKeyboardMarkup(keyboard=[row], resize_keyboard=True)


@router.message(CommandStart())
async def begin(message: Message, state: FSMContext) -> None:
    """Ask for the size."""
    await state.set_state(Order.size)
    await message.answer("What size of coffee?", reply_markup=keyboard("Small", "Large"))


@router.message(Command("cancel"))
@router.message(F.text.casefold() == "cancel")
async def cancel(message: Message, state: FSMContext) -> None:
    """Forget what was said."""
    if await state.get_state() is None:
        return
    await state.clear()
    await message.answer("No coffee then.", reply_markup=ReplyKeyboardRemove())


@router.message(Order.size, F.text.in_({"Small", "Large"}))
async def take_size(message: Message, state: FSMContext) -> None:
    """Ask for sugar."""
    await state.update_data(size=message.text)
    await state.set_state(Order.sugar)
    await message.answer("With sugar?", reply_markup=keyboard("Yes", "No"))


@router.message(Order.size)
async def wrong_size(message: Message) -> None:
    """Ask again."""
    await message.reply("There is <b>Small</b> and <b>Large</b>.")


@router.message(Order.sugar, F.text.casefold().in_({"yes", "no"}))
async def take_sugar(message: Message, state: FSMContext) -> None:
    """Ask for the name."""
    await state.update_data(sugar=(message.text or "").casefold() == "yes")
    await state.set_state(Order.name)
    await message.answer("Whose is it?", reply_markup=ReplyKeyboardRemove())


@router.message(Order.name)
async def take_name(message: Message, state: FSMContext) -> None:
    """Sum it up."""
    data = await state.update_data(name=message.text)
    await state.clear()
    await message.answer(summary(data))


def summary(data: dict[str, Any]) -> str:
    """Return an order in a sentence."""
    sugar = "with sugar" if data["sugar"] else "without sugar"
    return f"A {data['size'].lower()} coffee {sugar} for <b>{html.escape(data['name'])}</b>."


async def main() -> None:
    """Serve Telegram."""
    bot = Bot(token=TOKEN or "", default=DefaultBotProperties(parse_mode=ParseMode.HTML))
    dp = Dispatcher()
    dp.include_router(router)
    await bot.delete_webhook(drop_pending_updates=True)
    await dp.start_polling(bot)


if __name__ == "__main__":
    asyncio.run(main())
