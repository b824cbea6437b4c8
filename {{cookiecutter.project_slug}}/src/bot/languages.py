"""The languages that the bot speaks: English, and those with a catalogue in `locales/`.

A catalogue is a gettext file, `locales/<language>.po`, which every translator's tool reads. It is
compiled as it is loaded, so nothing else has to be built or shipped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bot.texts import Texts

LOCALES = Path(__file__).with_name("locales")
SOURCE = "en"
"""The language that `texts.py` is written in."""


@cache
def languages() -> Mapping[str, Texts]:
    """Return the texts of every language, by its code."""
    found = {SOURCE: Texts(SOURCE, NullTranslations())}
    for path in sorted(LOCALES.glob("*.po")):
        found[path.stem] = Texts(path.stem, _compiled(path))
    return found


def _compiled(path: Path) -> GNUTranslations:
    with path.open("rb") as source:
        catalogue = read_po(source, locale=path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def texts_in(code: str | None, otherwise: str = SOURCE) -> Texts:
    """Return the texts in a language such as `de` or `de-AT`, or in another one that is spoken."""
    spoken = languages()
    for candidate in (code or "", (code or "").partition("-")[0], otherwise):
        if candidate in spoken:
            return spoken[candidate]
    return spoken[SOURCE]


class GiveTexts(BaseMiddleware):
    """Gives handlers `texts`, in the language of the user: chosen, or that of their Telegram."""

    def __init__(self, otherwise: str) -> None:
        self._otherwise = otherwise

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Find the language, and call the handler."""
        session, user = data.get("session"), data.get("event_from_user")
        code = (session.language if session else "") or (user.language_code if user else None)
        data["texts"] = texts_in(code, self._otherwise)
        return await handler(event, data)
