"""A bot that counts each user's messages, and says so."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

from aiogram import F
from aiogram.types import Message

from toolkit import BotApp, BotContext, SessionStorage, Talk, Tasks, create_bot, on_talk

TOKEN = "42:counting"
POISONED = 9
NEWS = "We are closed tomorrow."


@dataclass
class Session:
    """How many messages a user has sent."""

    count: int = 0


def make_bot(storage: SessionStorage, **options: Any) -> BotApp[Session]:
    """A bot that answers each message with its text and the number of messages so far.

    The message "poison" ends the process, "slow" takes three seconds. At "later" a task counts ten
    more a second after the answer. "sum" begins a talk, which adds up nine numbers.
    """
    app = create_bot(TOKEN, initial=Session, storage=storage, **options)

    async def count_on(message: Message, key: str) -> None:
        await asyncio.sleep(1)
        async with app.sessions.checkout(key) as context:
            context.session.count += 10
        await message.answer("counted on")

    @on_talk(app, "sum", F.text == "sum")
    async def add_up(talk: Talk, session: Session) -> None:
        for number in range(9):
            session.count += await talk.ask(f"number {number}", "And?", read=int)
        await talk.say("summed up")

    @app.message()
    async def count(
        message: Message, session: Session, context: BotContext[Session], tasks: Tasks
    ) -> None:
        if message.text == "poison":
            os._exit(POISONED)
        if message.text == "slow":
            await asyncio.sleep(3)
        if message.text == "later":
            tasks.start(count_on(message, context.key))
        session.count += 1
        await message.answer(f"{message.text} {session.count}")

    return app
