"""What a bot may not depend on: restarts, redeliveries, other users, failing calls, its store."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiogram import Bot, F, Router
from aiogram.exceptions import TelegramRetryAfter
from aiogram.types import Message

from toolkit import SessionStorage, create_bot
from toolkit.harness.specs import time_zones
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.spec import parse_specs
from toolkit.harness.specs.time_zones import in_another_time_zone

Handlers = Callable[[Router], None]


@dataclass
class Session:
    """What these bots remember."""

    names: list[str] = field(default_factory=list)
    message: int = 0


def bot_of(register: Handlers, **options: Any) -> Callable[..., Any]:
    """Return a factory of bots with these handlers."""

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        router = Router()
        register(router)
        return create_bot(
            "42:offline", initial=Session, storage=storage, routers=[router], **options
        )

    return make_bot


def two_names(**more: Any) -> Any:
    steps = [
        {"send": {"text": name}, "expect": [{"method": "sendMessage"}]} for name in ("Ann", "Ben")
    ]
    return parse_specs({"name": "two names", "steps": steps, **more}, "f")[0]


async def codes(make_bot: Any, spec: Any = None, store: str | None = None) -> dict[str, str]:
    found = broken(spec or two_names(), make_bot, store)
    return {relation.code: why async for relation, _, why in found}


def in_the_session(router: Router) -> None:
    @router.message()
    async def remember(message: Message, session: Session) -> None:
        session.names.append(message.text or "")
        session.message = (await message.answer(f"Names: {session.names}")).message_id


async def test_a_bot_that_keeps_everything_in_the_session_depends_on_nothing() -> None:
    assert await codes(bot_of(in_the_session)) == {}


async def test_what_is_kept_in_the_process_is_lost_by_a_restart() -> None:
    def in_a_router(router: Router) -> None:
        names: dict[int, list[str]] = {}

        @router.message()
        async def remember(message: Message, session: Session) -> None:
            session.names.append("")
            names.setdefault(message.chat.id, []).append(message.text or "")
            await message.answer(f"Names: {names[message.chat.id]}")

    found = await codes(bot_of(in_a_router))

    assert found["CHANGED_BY_RESTART"] == (
        """what people see[0].text is "Names: ['Ben']" instead of "Names: ['Ann', 'Ben']\""""
    )


async def test_what_all_users_share_is_noticed() -> None:
    def shared(router: Router) -> None:
        last = [""]

        @router.message()
        async def remember(message: Message, session: Session) -> None:
            session.names.append(last[0])
            last[0] = message.text or ""
            await message.answer("Noted.")

    assert "CHANGED_BY_OTHERS" in await codes(bot_of(shared))


async def test_an_error_that_only_another_user_makes_is_noticed() -> None:
    def once(router: Router) -> None:
        known: dict[str, int] = {}

        @router.message()
        async def take(message: Message, session: Session) -> None:
            session.names.append(message.text or "")
            if known.setdefault(message.text or "", message.chat.id) != message.chat.id:
                raise ValueError("taken")
            await message.answer("Yours.")

    assert "ValueError: taken" in (await codes(bot_of(once)))["CHANGED_BY_OTHERS"]


async def test_a_call_that_is_given_up_is_noticed() -> None:
    def impatient(router: Router) -> None:
        @router.message()
        async def answer(message: Message, session: Session, bot: Bot) -> None:
            session.names.append(message.text or "")
            with contextlib.suppress(TelegramRetryAfter):
                # Past what repeats calls.
                await bot.session(bot, message.answer("Noted."))

    found = await codes(bot_of(impatient))

    assert "CHANGED_BY_429" in found


async def test_what_happens_before_a_call_that_is_lost_happens_again() -> None:
    def eager(router: Router) -> None:
        @router.message(F.text)
        async def take(message: Message, session: Session, storage: SessionStorage) -> None:
            session.names.append(message.text or "")
            free = await storage.add(f"name:{message.text}", {})
            await message.answer("Yours." if free else "Taken.")

    found = await codes(bot_of(eager))

    assert '"Taken." instead of "Yours."' in found["CHANGED_BY_NETWORK"]


async def test_a_spec_may_allow_what_differs_and_one_with_faults_gets_no_more() -> None:
    def eager(router: Router) -> None:
        @router.message(F.text)
        async def take(message: Message, storage: SessionStorage) -> None:
            free = await storage.add(f"name:{message.text}", {})
            await message.answer("Yours." if free else "Taken.")

    every = {"CHANGED_BY_OTHERS", "CHANGED_BY_NETWORK"}
    assert {*await codes(bot_of(eager))} <= every
    assert await codes(bot_of(eager), two_names(allow=sorted(every))) == {}


async def test_a_factory_that_takes_no_store_is_played_without_restarts() -> None:
    assert await codes(lambda: bot_of(in_the_session)(), store="memory:") == {}


async def test_a_bot_that_cannot_be_played_again_is_named() -> None:
    made: list[Any] = []

    def make_bot(*, storage: SessionStorage | None = None) -> Any:
        made.append(storage)
        if len(made) > 1:
            raise ValueError("one bot is enough")
        return bot_of(in_the_session)(storage=storage)

    found = await codes(make_bot)

    assert list(found) == ["CANNOT_RUN"]
    assert "ValueError: one bot is enough" in found["CANNOT_RUN"]


async def test_the_time_zone_of_the_machine_is_noticed_where_it_matters() -> None:
    def local(router: Router) -> None:
        @router.message()
        async def say_when(message: Message, session: Session) -> None:
            day, moment = datetime.now(), datetime.fromtimestamp(1_700_000_000)
            session.names.append(f"{day:%d}")
            await message.answer(f"{moment:%H:%M}")

    def aware(router: Router) -> None:
        @router.message()
        async def say_when(message: Message, session: Session) -> None:
            moment = datetime.now(ZoneInfo("Asia/Kathmandu"))
            session.names.append(f"{moment:%d %H}")
            await message.answer(f"{moment:%H:%M}")

    here, before = datetime.fromtimestamp(1_700_000_000), os.environ.get("TZ")

    found = await codes(bot_of(local))

    assert list(found) == ["CHANGED_BY_TIMEZONE"]
    assert f'instead of "{here:%H:%M}"' in found["CHANGED_BY_TIMEZONE"]
    assert datetime.fromtimestamp(1_700_000_000) == here
    assert os.environ.get("TZ") == before
    assert await codes(bot_of(aware)) == {}
    assert await codes(bot_of(local), two_names(allow=["CHANGED_BY_TIMEZONE"])) == {}


@pytest.mark.parametrize("zone", ["UTC", "XYZ+11", "XYZ-13:30", "XYZ+12"])
@pytest.mark.parametrize("hour", [0, 11, 12, 23])
def test_another_time_zone_is_another_day(
    zone: str, hour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    moment = datetime(2026, 6, 15, hour, 30).timestamp()

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(moment, tz)

    monkeypatch.setattr(time_zones, "datetime", Frozen)
    with in_another_time_zone():
        assert datetime.fromtimestamp(moment).day in (14, 16)
    monkeypatch.undo()
    time.tzset()
