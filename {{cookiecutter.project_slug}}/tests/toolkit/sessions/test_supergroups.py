"""A group becomes a supergroup in the middle of talks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiogram import F
from aiogram.types import Message

from toolkit import MemorySessionStorage, StorageUnavailable, create_bot
from toolkit.app import BotApp
from toolkit.harness.types import Json

GROUP, SUPERGROUP = -7, -(10**12) - 7


@dataclass
class Session:
    said: list[str] = field(default_factory=list)


def make_bot(**options: Any) -> BotApp[Session]:
    app = create_bot("42:fake", initial=Session, **options)

    @app.message(F.text)
    async def on_text(message: Message, session: Session) -> None:
        session.said.append(str(message.text))
        await message.answer(f"{len(session.said)}")

    return app


def migrate(talk: Any) -> tuple[Json, Json]:
    """Upgrade the group; returns the updates in the old and in the new chat."""
    talk.telegram.updates.take()
    talk.telegram.migrate(GROUP)
    old, new = talk.telegram.updates.take()
    return old, new


@pytest.fixture
async def talk(talk_to: Any) -> Any:
    talk = talk_to(make_bot())
    talk.telegram.group(GROUP, "Club")
    for user in (5, 6):
        await talk.say("hello", user, chat_id=GROUP)
    return talk


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0,), (1,), (0, 0, 1, 1)])
async def test_every_session_moves_whichever_message_comes_first(talk: Any, order: Any) -> None:
    told = migrate(talk)
    for which in order:
        await talk.feed(told[which])
    await talk.say("again", 5, chat_id=SUPERGROUP)

    assert await talk.record(f"{SUPERGROUP}_5") | {"updates": []} == {
        "session": {"said": ["hello", "again"]},
        "updates": [],
    }
    assert (await talk.record(f"{SUPERGROUP}_6"))["session"] == {"said": ["hello"]}
    assert [key async for key in talk.app.session_storage.read_all_keys(f"{GROUP}_")] == []


async def test_a_session_of_the_whole_group_moves(talk_to: Any) -> None:
    talk = talk_to(make_bot(scope="chat"))
    talk.telegram.group(GROUP, "Club")
    await talk.say("hello", 5, chat_id=GROUP)

    await talk.feed(migrate(talk)[0])
    await talk.say("again", 6, chat_id=SUPERGROUP)

    assert (await talk.record(f"{SUPERGROUP}_{SUPERGROUP}"))["session"]["said"] == [
        "hello",
        "again",
    ]


async def test_what_comes_late_from_the_group_belongs_to_the_supergroup(talk: Any) -> None:
    late = talk.telegram.send_text(5, "late", chat_id=GROUP)
    await talk.feed(migrate(talk)[1])

    await talk.feed(late)

    assert (await talk.record(f"{SUPERGROUP}_5"))["session"]["said"] == ["hello", "late"]
    assert talk.telegram.calls[-1].payload["chat_id"] == SUPERGROUP


async def test_who_writes_in_the_supergroup_waits_for_the_move(talk: Any) -> None:
    told = migrate(talk)[0]
    first = talk.telegram.send_text(5, "again", chat_id=SUPERGROUP)
    await asyncio.gather(talk.feed(told), talk.feed(first))

    assert (await talk.record(f"{SUPERGROUP}_5"))["session"]["said"] == ["hello", "again"]


async def test_a_session_that_has_begun_in_the_supergroup_stays_and_the_old_one_is_kept(
    talk: Any,
) -> None:
    told = migrate(talk)[0]
    await talk.say("already here", 5, chat_id=SUPERGROUP)
    await talk.feed(told)

    assert (await talk.record(f"{SUPERGROUP}_5"))["session"]["said"] == ["already here"]
    kept = await talk.record(f"quarantine:{GROUP}_5")
    assert kept["raw"]["session"] == {"said": ["hello"]}
    assert await talk.record(f"{GROUP}_5") is None


async def test_a_move_that_a_failing_store_has_cut_off_is_completed(talk_to: Any) -> None:
    class Failing(MemorySessionStorage):
        fails = False

        async def checkin(self, lease: Any, *args: Any, **options: Any) -> None:
            if self.fails and lease.key == f"{GROUP}_6":
                self.fails = False
                raise StorageUnavailable("test", "away")
            await super().checkin(lease, *args, **options)

    storage = Failing()
    talk = talk_to(make_bot(storage=storage))
    talk.telegram.group(GROUP, "Club")
    for user in (5, 6):
        await talk.say("hello", user, chat_id=GROUP)
    told = migrate(talk)[0]
    storage.fails = True
    with pytest.raises(StorageUnavailable):
        await talk.feed(told)

    await talk.say("again", 6, chat_id=SUPERGROUP)

    assert (await talk.record(f"{SUPERGROUP}_6"))["session"]["said"] == ["hello", "again"]
    assert (await talk.record(f"{SUPERGROUP}_5"))["session"]["said"] == ["hello"]
    assert [key async for key in storage.read_all_keys(f"{GROUP}_")] == []


async def test_a_handler_of_the_service_message_moves_what_the_owner_keeps(talk_to: Any) -> None:
    app = make_bot()

    @app.message(F.migrate_to_chat_id)
    async def move_rules(message: Message, storage: MemorySessionStorage, session: Session) -> None:
        rules = await storage.read(f"rules:{message.chat.id}")
        assert rules is not None
        await storage.write(f"rules:{message.migrate_to_chat_id}", rules)
        session.said.append("moved")

    talk = talk_to(app)
    talk.telegram.group(GROUP, "Club")
    await app.session_storage.write(f"rules:{GROUP}", {"quiet": True})
    await talk.say("hello", 5, chat_id=GROUP)

    old = migrate(talk)[0]
    user = old["message"]["from"]["id"]
    await talk.feed(old)

    assert await talk.record(f"rules:{SUPERGROUP}") == {"quiet": True}
    assert (await talk.record(f"{SUPERGROUP}_{user}"))["session"]["said"][-1] == "moved"
