"""A bot that counts each user's messages and claims the slots that they name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiogram.types import Message

from tests.delivery_kit.counting_bot import TOKEN
from toolkit import BotApp, SessionStorage, create_bot


@dataclass
class Session:
    """How many messages a user has sent, and the slots that are theirs."""

    count: int = 0
    slots: list[str] = field(default_factory=list)


def make_bot(storage: SessionStorage, **options: Any) -> BotApp[Session]:
    """A bot that gives a slot to the first who names it. What it says is not the point here."""
    app = create_bot(TOKEN, initial=Session, storage=storage, scope="user", **options)

    @app.message()
    async def claim(message: Message, session: Session, storage: SessionStorage) -> None:
        assert message.from_user is not None
        session.count += 1
        owner = message.from_user.id
        slot = f"slot:{message.text}"
        if not await storage.add(slot, {"owner": owner}):
            # The claim of an update that is handled again, because its process was killed, holds.
            found = await storage.read(slot)
            assert found is not None
            owner = found["owner"]
        if owner == message.from_user.id:
            session.slots.append(slot)

    return app
