"""A bot that counts, and a store that fails."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from aiogram import F
from aiogram.types import Message

from toolkit import MemorySessionStorage, StorageUnavailable, create_bot
from toolkit.app import BotApp

TOKEN = "42:fake"


@dataclass
class Session:
    """What the bots of these tests remember."""

    count: int = 0


def counting(storage: Any = None, **options: Any) -> BotApp[Session]:
    """A bot that counts each user's messages and answers with the number.

    At a message "hang" it sets `app["begun"]` and stands still until `app["go"]` is set; at
    "help" it changes nothing.
    """
    go, begun = asyncio.Event(), asyncio.Event()
    app = create_bot(TOKEN, initial=Session, storage=storage, go=go, begun=begun, **options)

    @app.message(F.text == "help")
    async def explain(message: Message) -> None:
        await message.answer("I count")

    @app.message()
    async def count(
        message: Message, session: Session, go: asyncio.Event, begun: asyncio.Event
    ) -> None:
        session.count += 1
        if message.text == "hang":
            begun.set()
            await go.wait()
        await message.answer(f"{session.count} from {message.chat.id}")

    return app


class Away(MemorySessionStorage):
    """A store that cannot be reached while `away`."""

    away = False

    def _check(self, key: str) -> None:
        if self.away:
            raise StorageUnavailable("test", "away")
        super()._check(key)
