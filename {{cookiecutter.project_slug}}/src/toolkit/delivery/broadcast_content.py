"""What a broadcast sends: a text, a copy of a message, a call, or what code sends."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiogram import Bot
from aiogram.methods import TelegramMethod
from aiogram.types import Message

from toolkit.errors import BroadcastRefused

What = str | Message | TelegramMethod[Any] | Callable[[int], Awaitable[Any]]

LONGEST = 4096
"""Characters of a text, after its entities were parsed (Bot API, "sendMessage")."""


class Content(NamedTuple):
    """Sends it to a chat; `digest` tells it from others. It may not be the `same_for_all`."""

    send: Callable[[int], Awaitable[Any]]
    digest: str
    same_for_all: bool


def content_of(bot: Bot, what: What, languages: list[str] | None) -> Content:
    """Return what is to be sent. Raises BroadcastRefused for a text that cannot be."""
    if isinstance(what, str):
        text = what
        check_text(text, bot.default.parse_mode)
        return Content(lambda chat: bot.send_message(chat, text), _digest(text, languages), True)
    if isinstance(what, Message):
        message = what
        digest = _digest(message.chat.id, message.message_id, languages)
        return Content(lambda chat: bot(message.send_copy(chat)), digest, True)
    if isinstance(what, TelegramMethod):
        method = what
        if "chat_id" not in type(method).model_fields:
            raise TypeError(f"{type(method).__name__} goes to no chat: it has no chat_id")
        fields = method.model_dump(exclude={"chat_id"}, exclude_none=True, warnings=False)

        def send(chat: int) -> Awaitable[Any]:
            return bot(method.model_copy(update={"chat_id": chat}))

        return Content(send, _digest(type(method).__name__, fields, languages), True)
    code = what

    async def call(chat: int) -> None:
        result = await code(chat)
        if isinstance(result, TelegramMethod):
            await bot(result)

    name = f"{getattr(code, '__module__', '')}.{getattr(code, '__qualname__', type(code))}"
    return Content(call, _digest(name, languages), False)


def check_text(text: str, parse_mode: Any) -> None:
    """Raise BroadcastRefused for a text that is empty or too long, as far as that shows here."""
    if parse_mode == "HTML":
        text = html.unescape(re.sub(r"<[^>]*>", "", text))
    if not 1 <= len(text.strip()) <= LONGEST:
        raise BroadcastRefused(
            f"a text has 1 to {LONGEST:,} characters, this one has {len(text.strip()):,}"
        )


def _digest(*told: Any) -> str:
    def name(thing: Any) -> str:
        return str(getattr(thing, "filename", None) or type(thing).__name__)

    return hashlib.sha256(json.dumps(told, default=name).encode()).hexdigest()[:16]
