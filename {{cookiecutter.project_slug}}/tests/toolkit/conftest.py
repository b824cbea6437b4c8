"""What the tests of the toolkit share: a bot on a fake Telegram, and updates for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from toolkit.harness.types import Json


class Talk:
    """A bot made by `create_bot`, and one person who writes to it."""

    def __init__(self, app: Any, telegram: Any) -> None:
        self.app = app
        self.telegram = telegram

    async def say(self, text: str, user_id: int = 5, **options: Any) -> Any:
        """Have the bot handle a message; returns what its handler returned."""
        return await self.feed(self.telegram.send_text(user_id, text, **options))

    async def feed(self, update: Json) -> Any:
        """Have the bot handle an update."""
        from aiogram.types import Update

        parsed = Update.model_validate(update, context={"bot": self.app.bot})
        return await self.app.feed_update(self.app.bot, parsed)

    async def record(self, key: str = "5_5") -> Any:
        """The stored record."""
        return await self.app.session_storage.read(key)

    @property
    def texts(self) -> list[str]:
        """The texts that the bot has sent."""
        return [call.payload["text"] for call in self.telegram.calls if "text" in call.payload]


@pytest.fixture
async def talk_to() -> AsyncIterator[Callable[[Any], Talk]]:
    """Connects a bot to a fake Telegram of its own, for the time of the test."""
    from toolkit.harness.fake_telegram import FakeTelegram

    async with AsyncExitStack() as stack:

        def connect(app: Any) -> Talk:
            telegram = FakeTelegram(token=app.bot.token)
            telegram.attach(app.bot, waits=True)
            stack.push_async_callback(app.close)
            return Talk(app, telegram)

        yield connect
