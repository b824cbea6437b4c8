"""Ask for a phone number, once, after the first visit was booked.

    bot   At which number can we reach you? …       [Send my number] [Skip]
    user  030 1234567
    bot   Thank you. We call 0301234567 only if your visit has to change.

A reply keyboard stays on screen, so its buttons work for as long as no other dialogue is open.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.exceptions import AiogramError
from aiogram.types import KeyboardButton, Message, ReplyKeyboardRemove, TelegramObject

from bot.dates import mentions
from bot.screen import is_answer
from bot.session import Session, Step
from bot.texts import Texts
from toolkit import in_step, reply_menu

logger = logging.getLogger(__name__)

router = Router(name="phone")
router.message.filter(F.chat.type == ChatType.PRIVATE)


async def ask_phone(message: Message, session: Session, texts: Texts) -> None:
    """Ask, where that may be asked: a bot gets a contact in private chats only."""
    if session.asked_for_phone or session.phone or message.chat.type != ChatType.PRIVATE:
        return
    try:
        await ask(message, texts, texts.what_phone())
    except AiogramError as error:
        # The visit is booked, and the user knows: what fails here must not undo that.
        logger.warning("%d was not asked for a number: %s", message.chat.id, error)
    else:
        session.asked_for_phone = session.giving_phone = True


async def ask(message: Message, texts: Texts, text: str) -> None:
    """Show the question, with what can be tapped instead of typing."""
    share = KeyboardButton(text=texts.send_phone(), request_contact=True)
    await message.answer(text, reply_markup=reply_menu([share, texts.skip_phone()]))


@router.message.outer_middleware
async def something_else_wanted(
    handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
    message: TelegramObject,
    data: dict[str, Any],
) -> Any:
    """Leave the question when a command comes instead, or the wish to book again."""
    text = (message.text if isinstance(message, Message) else None) or ""
    if text.startswith("/") or mentions(text, data["texts"].booking_words()):
        data["session"].giving_phone = False
    return await handler(message, data)


async def is_giving(message: Message, session: Session) -> bool:
    """Tell whether the number was asked for and not given yet."""
    return session.giving_phone


async def skips(message: Message, texts: Texts) -> bool:
    """Tell whether the button was tapped that skips the question."""
    return message.text == texts.skip_phone()


@router.message(F.contact)
async def phone_shared(message: Message, session: Session, texts: Texts) -> None:
    """Take the number of the contact, if it is the sender's own."""
    contact, sender = message.contact, message.from_user
    if contact and sender and contact.user_id == sender.id:
        await keep(message, session, texts, f"+{contact.phone_number.lstrip('+')}")
    else:
        await ask(message, texts, texts.not_your_phone())


@router.message(skips, in_step(Step.idle))
async def phone_skipped(message: Message, session: Session, texts: Texts) -> None:
    """Do without."""
    session.giving_phone = False
    await message.answer(texts.phone_skipped(), reply_markup=ReplyKeyboardRemove())


@router.message(is_giving, is_answer)
async def phone_typed(message: Message, session: Session, texts: Texts) -> None:
    """Take the number in the text, or ask again."""
    phone = read_phone(message.text or "")
    if phone is not None:
        await keep(message, session, texts, phone)
    else:
        await ask(message, texts, texts.no_phone())


def read_phone(text: str) -> str | None:
    """Return the number without what people put between digits; None where it can be none."""
    if not re.fullmatch(r"\s*\+?[0-9 ()./-]{1,40}", text):
        return None
    digits = re.sub(r"[^0-9]", "", text)
    # ITU-T E.164: at most 15 digits, with the country.
    return "+" * ("+" in text) + digits if 6 <= len(digits) <= 15 else None


async def keep(message: Message, session: Session, texts: Texts, phone: str) -> None:
    """Remember the number."""
    session.phone, session.giving_phone = phone, False
    await message.answer(texts.phone_kept(phone=phone), reply_markup=ReplyKeyboardRemove())
