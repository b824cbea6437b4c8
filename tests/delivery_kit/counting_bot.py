"""A bot that counts each user's messages, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiogram.types import Message

from toolkit import BotApp, SessionStorage, create_bot

TOKEN = "42:counting"


@dataclass
class Session:
    """How many messages a user has sent."""

    count: int = 0


def make_bot(storage: SessionStorage, **options: Any) -> BotApp[Session]:
    """A bot that answers each message with its text and the number of messages so far."""
    app = create_bot(TOKEN, initial=Session, storage=storage, **options)

    @app.message()
    async def count(message: Message, session: Session) -> None:
        session.count += 1
        await message.answer(f"{message.text} {session.count}")

    return app
