"""The HTTP client of a bot, opened when it is first needed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType


class LateSession(BaseSession):
    """aiogram's client, made at the first call.

    It reads the machine's TLS certificates, which takes 25 ms. A bot under test never calls
    Telegram, and tests make thousands of bots.
    """

    def __init__(self, api: TelegramAPIServer) -> None:
        super().__init__(api=api)
        self._opened: AiohttpSession | None = None

    @property
    def _client(self) -> AiohttpSession:
        if self._opened is None:
            self._opened = AiohttpSession(api=self.api, timeout=self.timeout)
        return self._opened

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        """Call the Bot API over HTTP."""
        return await self._client.make_request(bot, method, timeout)

    async def stream_content(self, *args: Any, **options: Any) -> AsyncGenerator[bytes, None]:
        """Download a file."""
        async for chunk in self._client.stream_content(*args, **options):
            yield chunk

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        if self._opened is not None:
            await self._opened.close()
