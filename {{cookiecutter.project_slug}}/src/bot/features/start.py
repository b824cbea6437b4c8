"""Greet, help, stop, and answer what no other feature understood. Its router comes last.

user  /start
bot   Hello Ann! I book visits to the barber. …
user  good morning
bot   I did not understand that. …
user  taps an old button
bot   That button is out of date. …    (a notice above the chat)
"""

from __future__ import annotations

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message

from bot.bookings import BookingBook
from bot.screen import paragraphs
from bot.session import Session, Step
from bot.texts import Texts

router = Router(name="start")


@router.message(CommandStart())
async def start_wanted(message: Message, bookings: BookingBook, texts: Texts) -> None:
    """Greet the user by name and list the commands."""
    name = message.from_user.first_name if message.from_user else texts.everybody()
    hello = f"{texts.hello(name=name)} {texts.hours(bookings.shop)}"
    await message.answer(paragraphs(hello, texts.help()))


@router.message(Command("help"))
async def help_wanted(message: Message, bookings: BookingBook, texts: Texts) -> None:
    """List the commands."""
    await message.answer(paragraphs(texts.help(), texts.hours(bookings.shop)))


@router.message(Command("cancel"))
async def cancel_wanted(message: Message, session: Session, texts: Texts) -> None:
    """Leave the dialogue, if there is one."""
    if session.step is Step.idle:
        await message.answer(texts.nothing_to_stop())
    else:
        session.finish()
        await message.answer(texts.stopped())


@router.message(F.chat.type == ChatType.PRIVATE)
async def not_understood(message: Message, texts: Texts) -> None:
    """List the commands when a private message matched nothing else."""
    await message.answer(paragraphs(texts.not_understood(), texts.help()))


@router.callback_query()
async def old_button_tapped(callback: CallbackQuery, texts: Texts) -> None:
    """Answer every tap that nothing else answered."""
    await callback.answer(texts.old_button())
