"""A filter of its own."""

from __future__ import annotations

from aiogram.filters import Filter
from aiogram.types import Message


class Exactly(Filter):
    """Lets a text through that is this one, whatever its case."""

    def __init__(self, text: str) -> None:
        self.text = text.casefold()

    async def __call__(self, message: Message) -> bool:
        """Tell whether it is."""
        return (message.text or "").casefold() == self.text
