"""Change the language.

    user  /language
    bot   Which language do you speak?     [Deutsch] [English]
    user  taps Deutsch
    bot   Wir sprechen jetzt Deutsch.

Until then it is that of the user's Telegram, or else the shop's.
"""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.types import CallbackQuery, Message

from bot.languages import languages, texts_in
from bot.screen import reachable, show
from bot.session import Session
from bot.texts import Texts
from toolkit import button, menu

router = Router(name="language")
router.callback_query.filter(reachable)


class PickLanguage(CallbackData, prefix="language"):
    """The language that a button chooses."""

    code: str


@router.message(Command("language"))
async def language_wanted(message: Message, texts: Texts) -> None:
    """Offer the languages, each by its own name."""
    spoken = languages().items()
    names = [button(each.language_name(), PickLanguage(code=code)) for code, each in spoken]
    await show(message, texts.what_language(), menu(names))


@router.callback_query(PickLanguage.filter())
async def language_tapped(
    callback: CallbackQuery, callback_data: PickLanguage, session: Session
) -> None:
    """Speak that language from now on."""
    session.language = callback_data.code
    await show(callback, texts_in(session.language).language_chosen())
