"""Timers as handlers set them: what is committed, what is refused, what a record says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiogram import Router
from aiogram.types import Message

from toolkit import (
    MemorySessionStorage,
    MigrationRefused,
    NotSerializable,
    Sessions,
    Timer,
    Timers,
    on_timer,
)
from toolkit.app import create_bot
from toolkit.storage.base import Due

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@dataclass
class Session:
    """What the bots of these tests remember."""

    count: int = 0


def sessions_in(storage: MemorySessionStorage, **options: Any) -> Sessions[Session]:
    return Sessions(storage, Session, **options)


def timers_of(known: Callable[[], set[str]] | None) -> Timers:
    timers = Timers()
    timers.entries, timers.known, timers.changed = {}, known, False
    return timers


async def fail_after_cancelling(sessions: Sessions[Session]) -> None:
    async with sessions.checkout("5_5") as context:
        context.timers.cancel("remind:7")
        raise ZeroDivisionError


async def test_timers_are_committed_with_the_session_or_not_at_all() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    async with sessions.checkout("5_5") as context:
        assert context.timers.set("remind:7", at=NOON, data={"visit": 7}) == NOON
        context.timers.set("later", at=NOON + timedelta(days=1))
        assert await storage.read("5_5") is None
    assert await storage.due(math.inf, 9) == [Due(NOON.timestamp(), "5_5")]
    with pytest.raises(ZeroDivisionError):
        await fail_after_cancelling(sessions)
    async with sessions.checkout("5_5") as context:
        assert dict(context.timers) == {"remind:7": NOON, "later": NOON + timedelta(days=1)}
        assert context.timers.cancel("remind:7")
        assert not context.timers.cancel("remind:7")
    assert await storage.due(math.inf, 9) == [Due(NOON.timestamp() + 86_400, "5_5")]
    async with sessions.checkout("5_5") as context:
        context.timers.cancel("later")
    assert await storage.read("5_5") == {"session": {"count": 0}}


async def test_a_timer_that_is_set_again_or_moved_is_one_timer() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    async with sessions.checkout("5_5") as context:
        context.timers.set("remind", at=NOON, data=[1])
        context.timers.set("remind", after=timedelta(hours=1), data=[2], misfire_grace=timedelta(1))
        assert context.timers.move("remind", at=NOON) == NOON
        with pytest.raises(KeyError):
            context.timers.move("other", at=NOON)
    record = await storage.read("5_5")
    assert record is not None
    entry = {"at": NOON.timestamp(), "data": [2], "misfire_grace": 86_400.0}
    assert record["timers"] == {"remind": entry}


async def test_a_repeating_timer_is_first_due_by_its_rule() -> None:
    timers = timers_of(None)
    first = timers.set("daily", every="0 9 * * *", zone="Europe/Berlin")
    assert first > datetime.now(UTC)
    assert first.minute == 0
    assert timers.set("daily", every=timedelta(hours=1), at=NOON) == NOON


async def test_what_cannot_work_is_refused_with_a_sentence_and_changes_nothing() -> None:
    timers = timers_of(lambda: {"remind"})
    for given, words in (
        ({}, "say when"),
        ({"at": NOON, "after": 5}, "say when"),
        ({"at": datetime(2026, 1, 1)}, "in which time zone 2026-01-01 00:00 is"),
        ({"after": -1}, "after is the time until then"),
        ({"after": math.nan}, "after is the time until then"),
        ({"after": 1, "zone": "UTC"}, "zone is the time zone of a cron expression"),
        ({"every": "daily"}, "say in which time zone"),
        ({"after": 1, "misfire_grace": timedelta(-1)}, "misfire_grace is no negative time"),
    ):
        with pytest.raises(ValueError, match=words):
            timers.set("remind", **given)
    with pytest.raises(NotSerializable, match="data"):
        timers.set("remind", after=1, data={1, 2})
    for name, words in (
        ("remnid:7", "no handler takes timers named 'remnid'.*remind"),
        ("", "1 to"),
    ):
        with pytest.raises(ValueError, match=words):
            timers.set(name, after=1)
    assert not timers
    assert not timers.changed


async def test_timers_stay_when_the_session_is_removed_or_begins_anew() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    async with sessions.checkout("5_5") as context:
        context.session.count = 7
        context.timers.set("remind", at=NOON)
    async with sessions.checkout("5_5") as context:
        del context.session
    assert await storage.due(math.inf, 9) == [Due(NOON.timestamp(), "5_5")]
    async with sessions.checkout("5_5") as context:
        assert context.session == Session()
        assert dict(context.timers) == {"remind": NOON}
        context.timers.cancel("remind")
        del context.session
    assert await storage.read("5_5") is None


async def test_a_record_does_not_expire_before_its_last_timer() -> None:
    sessions = sessions_in(storage := MemorySessionStorage(), expires_in=60.0)
    async with sessions.checkout("5_5") as context:
        context.timers.set("remind", after=3600)
    entry = await storage.read_entry("5_5")
    assert entry is not None
    assert entry.expires_in is None
    async with sessions.checkout("5_5") as context:
        context.timers.cancel("remind")
    entry = await storage.read_entry("5_5")
    assert entry is not None
    assert 0 < (entry.expires_in or 0) <= 60


async def test_a_record_with_broken_timers_is_set_aside() -> None:
    sessions = sessions_in(storage := MemorySessionStorage())
    for key, timers in (("5_5", [1]), ("6_6", {"remind": {}}), ("7_7", {"remind": {"at": "soon"}})):
        await storage.write(key, {"session": {"count": 1}, "timers": timers, "wake_at": 1})
        async with sessions.checkout(key) as context:
            assert not context.timers
        assert await storage.has(f"quarantine:{key}")
    assert await storage.due(math.inf, 9) == []


async def test_handlers_get_their_timers(talk_to: Callable[[Any], Any]) -> None:
    app = create_bot("42:fake", initial=Session)

    @app.message()
    async def say(message: Message, timers: Timers) -> None:
        timers.set("remind", at=NOON)

    @on_timer(app, "remind")
    async def remind(timer: Timer) -> None:
        """Not called here."""

    talk = talk_to(app)
    await talk.say("hello")
    assert (await talk.record())["timers"] == {"remind": {"at": NOON.timestamp()}}


async def test_no_other_name_may_be_taken_for_them() -> None:
    with pytest.raises(ValueError, match="timers is what handlers get"):
        create_bot("42:fake", initial=Session, timers=1)
    with pytest.raises(ValueError, match="session_name"):
        create_bot("42:fake", initial=Session, session_name="timers")


async def test_a_name_with_a_colon_is_no_handler_and_telegram_is_not_asked_for_timers() -> None:
    router = Router()
    for name in ("remind:7", ""):
        with pytest.raises(ValueError, match="before the colon"):
            on_timer(router, name)
    app = create_bot("42:fake", initial=Session, routers=[router])

    # Registered later, on the router that the bot has a copy of.
    @on_timer(router, "remind")
    async def remind(timer: Timer) -> None:
        """Not called here."""

    assert app.timer_names() == {"remind"}
    assert app.resolve_used_update_types() == []


async def test_a_migration_may_rename_timers_and_they_are_due_under_the_new_name() -> None:
    def renamed(fields: dict[str, Any], timers: dict[str, Any]) -> dict[str, Any]:
        timers["reminder"] = timers.pop("remind")
        return fields

    storage = MemorySessionStorage()
    entry = {"at": NOON.timestamp()}
    await storage.write("5_5", {"timers": {"remind": entry}, "wake_at": entry["at"]})
    async with sessions_in(storage, migrations={1: renamed}).checkout("5_5") as context:
        assert dict(context.timers) == {"reminder": NOON}
    record = await storage.read("5_5")
    assert record is not None
    assert (record["timers"], record["version"]) == ({"reminder": entry}, 1)


async def test_a_migration_that_leaves_no_timers_behind_changes_nothing() -> None:
    def broken(fields: dict[str, Any], timers: dict[str, Any]) -> dict[str, Any]:
        timers["remind"] = "soon"
        return fields

    storage = MemorySessionStorage()
    stored = {"timers": {"remind": {"at": NOON.timestamp()}}, "wake_at": NOON.timestamp()}
    await storage.write("5_5", stored)
    with pytest.raises(MigrationRefused, match=r"5_5: timers\.remind: it does not say at which"):
        async with sessions_in(storage, migrations={1: broken}).checkout("5_5"):
            pass
    assert await storage.read("5_5") == stored
