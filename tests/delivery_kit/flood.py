"""Telegram with one message from each of very many users, and no memory of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.types import Chat, Message, Update


class Flood(BaseSession):
    """A client session that hands out `users` updates and counts the answers."""

    def __init__(self, users: int) -> None:
        super().__init__()
        self.users = users
        self.answers = 0
        self._marks: list[tuple[int, asyncio.Event]] = []

    async def reached(self, number: int) -> None:
        """Wait until that many messages have been answered."""
        mark = asyncio.Event()
        self._marks.append((number, mark))
        await mark.wait()

    async def make_request(self, bot: Bot, method: Any, timeout: int | None = None) -> Any:
        """Answer getUpdates and sendMessage."""
        if method.__api_method__ == "getUpdates":
            return await self._updates(bot, method.offset or 1)
        self.answers += 1
        for number, mark in self._marks:
            if self.answers >= number:
                mark.set()
        return Message(message_id=1, date=datetime.now(UTC), chat=Chat(id=1, type="private"))

    async def _updates(self, bot: Bot, offset: int) -> list[Update]:
        if offset > self.users:
            await asyncio.Event().wait()
        last = min(offset + 99, self.users)
        return [_update(number, bot) for number in range(offset, last + 1)]

    async def stream_content(self, *args: Any, **options: Any) -> AsyncGenerator[bytes, None]:
        """There are no files."""
        yield b""

    async def close(self) -> None:
        """Nothing is open."""


def _update(number: int, bot: Bot) -> Update:
    message = {
        "message_id": number,
        "date": 1,
        "chat": {"id": number, "type": "private", "first_name": "A"},
        "from": {"id": number, "is_bot": False, "first_name": "A"},
        "text": "hello",
    }
    return Update.model_validate({"update_id": number, "message": message}, context={"bot": bot})
