"""Ask for a name, remember it, and answer what no other feature understood. Its router comes last.

user  /start
bot   Hello! What is your name?
user  Ann
bot   Nice to meet you, Ann. …
"""

from __future__ import annotations

from aiogram import F, Router, html
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message

from bot.session import Session, Step
from toolkit import in_step

COMMANDS = {
    "start": "Say hello",
    "help": "Show what I can do",
}
HELP = "\n".join(f"/{command}: {description}" for command, description in COMMANDS.items())

router = Router(name="start")


@router.message(CommandStart())
async def start_wanted(message: Message, session: Session) -> None:
    """Greet the user by name, or ask for it."""
    if session.name:
        await message.answer(f"Hello {html.quote(session.name)}!\n\n{HELP}")
        return
    session.step = Step.asking_name
    await message.answer("Hello! What is your name?")


@router.message(Command("help"))
async def help_wanted(message: Message) -> None:
    """List the commands."""
    await message.answer(HELP)


@router.message(in_step(Step.asking_name), F.text, ~F.text.startswith("/"))
async def name_given(message: Message, session: Session) -> None:
    """Remember the name."""
    session.name = (message.text or "")[:64]
    session.step = Step.idle
    await message.answer(f"Nice to meet you, {html.quote(session.name)}.\n\n{HELP}")


@router.message(F.chat.type == ChatType.PRIVATE)
async def not_understood(message: Message) -> None:
    """List the commands when a private message matched nothing else."""
    await message.answer(f"I did not understand that.\n\n{HELP}")


@router.callback_query()
async def old_button_tapped(callback: CallbackQuery) -> None:
    """Answer every tap that nothing else answered."""
    await callback.answer("That button is out of date.")
