"""Greet, help, stop, and answer what no other feature understood. Its router comes last.

user  /start
bot   Hello Ann! I book visits to the barber. …
user  good morning
bot   I did not understand that. …
user  taps an old button
bot   That button is out of date. …    (a notice above the chat)
"""

from __future__ import annotations

from aiogram import F, Router, html
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message

from bot.bookings import HOURS
from bot.session import Session, Step

COMMANDS = {
    "book": "Book a visit",
    "bookings": "Show or cancel your visits",
    "cancel": "Stop booking",
    "help": "Show what I can do",
    "start": "Say hello",
}
HELP = "\n".join(f"/{command}: {description}" for command, description in COMMANDS.items())

router = Router(name="start")


@router.message(CommandStart())
async def start_wanted(message: Message) -> None:
    """Greet the user by name and list the commands."""
    name = html.quote(message.from_user.first_name) if message.from_user else "everybody"
    await message.answer(f"Hello {name}! I book visits to the barber. {HOURS}\n\n{HELP}")


@router.message(Command("help"))
async def help_wanted(message: Message) -> None:
    """List the commands."""
    await message.answer(f"{HELP}\n\n{HOURS}")


@router.message(Command("cancel"))
async def cancel_wanted(message: Message, session: Session) -> None:
    """Leave the dialogue, if there is one."""
    if session.step is Step.idle:
        await message.answer("Nothing is being booked. /bookings shows and cancels your visits.")
    else:
        session.finish()
        await message.answer("Stopped; nothing was booked. /book starts again.")


@router.message(F.chat.type == ChatType.PRIVATE)
async def not_understood(message: Message) -> None:
    """List the commands when a private message matched nothing else."""
    await message.answer(f"I did not understand that.\n\n{HELP}")


@router.callback_query()
async def old_button_tapped(callback: CallbackQuery) -> None:
    """Answer every tap that nothing else answered."""
    await callback.answer("That button is out of date. Send /book or /bookings.")
