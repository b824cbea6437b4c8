"""aiogram's HTTP client, made when it is first needed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType

from toolkit.delivery.proxy_url import check_proxy_url


class LazySession(BaseSession):
    """aiogram's HTTP client, made at the first call.

    It reads the machine's TLS certificates, which takes 25 ms. A bot under test never calls
    Telegram, and tests make thousands of bots.
    """

    def __init__(self, api: TelegramAPIServer, proxy_url: str | None = None) -> None:
        super().__init__(api=api)
        if proxy_url is not None:
            check_proxy_url(proxy_url)
        self._proxy_url = proxy_url
        self._opened: AiohttpSession | None = None

    @property
    def _client(self) -> AiohttpSession:
        if self._opened is None:
            self._opened = AiohttpSession(api=self.api, timeout=self.timeout, proxy=self._proxy_url)
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
