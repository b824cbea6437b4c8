"""A bot that sends what could break the page or deceive its reader."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)

from tests.hostile_texts import FORMATTED, PICTURE, SCRIPT, TURNED
from toolkit import BotApp, SessionStorage, create_bot

router = Router()


@dataclass
class Session:
    said: str = ""
    turned: str = ""


def keyboard(*rows: list[str]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=label, callback_data=label[:16]) for label in row]
            for row in rows
        ]
    )


@router.message(Command("hostile"))
async def send_hostile_texts(message: Message, session: Session) -> None:
    session.said, session.turned = SCRIPT, TURNED
    await message.answer(SCRIPT, parse_mode=None)
    await message.answer(TURNED, parse_mode=None)
    await message.answer("שלום עולם, and 123 more", parse_mode=None)
    await message.answer("W" * 4096)
    await message.answer('<a href="javascript:document.title=1">press</a> ' + "Z\u0317" * 40)
    labels = [f"{number} <b>\u202ex" for number in range(100)]
    await message.answer(
        "100 buttons", reply_markup=keyboard(*(labels[i : i + 8] for i in range(0, 100, 8)))
    )
    await message.answer("Long", reply_markup=keyboard(["W" * 64, "two words " * 6]))


@router.message(Command("format"))
async def send_formats(message: Message) -> None:
    await message.answer(FORMATTED)


@router.message(Command("files"))
async def send_files(message: Message) -> None:
    await message.answer_photo(BufferedInputFile(PICTURE, "dot.png"), caption="A <b>dot</b>")
    await message.answer_document(BufferedInputFile(b"<script>", "page.html"))


@router.message(Command("choose"))
async def send_reply_keyboard(message: Message) -> None:
    keys = [[KeyboardButton(text="Yes"), KeyboardButton(text="No")]]
    await message.answer("Yes or no?", reply_markup=ReplyKeyboardMarkup(keyboard=keys))


@router.message(Command("buttons"))
async def send_buttons(message: Message) -> None:
    await message.answer("Press", reply_markup=keyboard(["Notice", "Alert"], ["Silence", "Edit"]))


@router.callback_query()
async def answer(callback: CallbackQuery) -> None:
    if callback.data == "Edit" and isinstance(callback.message, Message):
        await callback.message.edit_text(SCRIPT, parse_mode=None)
    if callback.data == "Alert":
        await asyncio.sleep(0.5)
    if callback.data != "Silence":
        await callback.answer(f"{callback.data} {SCRIPT}", show_alert=callback.data == "Alert")
    if callback.data == "Notice":
        # The next tap waits unanswered when the page learns that this one is done.
        await asyncio.sleep(2)


@router.message(Command("type"))
async def type_for_ever(message: Message) -> None:
    if message.bot is not None:
        await message.bot.send_chat_action(message.chat.id, "typing")
    await asyncio.Event().wait()


@router.message(Command("crash"))
async def crash(message: Message) -> None:
    raise RuntimeError(f"the kettle broke {SCRIPT}")


@router.message(Command("refused"))
async def send_what_telegram_refuses(message: Message) -> None:
    await message.answer("<p>paragraph</p>")


@router.message()
async def repeat(message: Message) -> None:
    await message.reply(f"You sent: {message.text or 'a photo'}", parse_mode=None)


def make_bot(storage: SessionStorage | None = None) -> BotApp[Session]:
    return create_bot(
        "42:offline",
        initial=Session,
        storage=storage,
        routers=(router,),
        commands={"hostile": SCRIPT[:60], "format": "All formats", "files": "Files"},
    )
