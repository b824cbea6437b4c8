"""Everything else."""

from __future__ import annotations

from aiogram import Router, html
from aiogram.filters import CommandStart
from aiogram.methods import SendMessage
from aiogram.types import Message

from tests.plain_bots.quiz.filters import Exactly

router = Router()


@router.message(CommandStart())
async def greet(message: Message) -> None:
    """Say hello."""
    name = message.from_user.full_name if message.from_user else "you"
    await message.answer(f"Hello, {html.bold(html.quote(name))}! Send me something, or /quiz.")


@router.message(Exactly("ping"))
async def pong(message: Message) -> SendMessage:
    """Answer by returning the call."""
    return message.answer("pong")


@router.message()
async def echo(message: Message) -> None:
    """Send it back."""
    await message.send_copy(message.chat.id)
