"""Updates that do not say whose dialogue they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.types import CallbackQuery, Message, PollAnswer

from toolkit import BotContext, MemorySessionStorage, Origin, create_bot
from toolkit.app import BotApp
from toolkit.harness.fake_telegram import ApiError, Fault
from toolkit.keyboards import button, menu
from toolkit.sessions import lookup

GROUP = -7


@dataclass
class Session:
    count: int = 0


def make_bot(storage: MemorySessionStorage | None = None, **options: Any) -> BotApp[Session]:
    app = create_bot("42:fake", initial=Session, storage=storage, **options)

    @app.message()
    async def on_message(message: Message, session: Session) -> None:
        session.count += 1
        if message.text == "poll":
            await message.answer_poll("Lunch?", ["Yes", "No"], is_anonymous=False)
        else:
            await message.answer("?", reply_markup=menu([button("more", "more")]))

    @app.callback_query()
    async def on_tap(
        query: CallbackQuery, session: Session, context: BotContext[Session], session_origin: Origin
    ) -> None:
        session.count += 10
        await query.answer(f"{context.key} {session_origin.user}")

    @app.poll_answer()
    async def on_answer(answer: PollAnswer, session: Session) -> None:
        session.count += 100

    return app


@pytest.fixture
def talk(talk_to: Callable[[Any], Any]) -> Any:
    talk = talk_to(make_bot())
    talk.telegram.group(GROUP, "Club")
    return talk


async def tap(talk: Any, user: int) -> None:
    shown = [m["message_id"] for m in talk.telegram.messages(GROUP) if "reply_markup" in m]
    await talk.feed(talk.telegram.tap(user, shown[-1], "more", GROUP))


def asked(talk: Any) -> int:
    return [call.method for call in talk.telegram.calls].count("getChatMember")


async def test_an_anonymous_admin_taps_in_the_dialogue_in_which_they_write(talk: Any) -> None:
    talk.telegram.hide(5, GROUP)
    await talk.say("hello", 5, chat_id=GROUP)
    await tap(talk, 5)
    await tap(talk, 5)

    assert (await talk.record(f"{GROUP}_{GROUP}"))["session"] == {"count": 21}
    assert await talk.record(f"{GROUP}_5") is None
    assert talk.telegram.calls[-1].payload["text"] == f"{GROUP}_{GROUP} {GROUP}"
    assert asked(talk) == 1


async def test_who_is_not_anonymous_has_a_dialogue_apart(talk: Any) -> None:
    talk.telegram.hide(5, GROUP)
    await talk.say("hello", 5, chat_id=GROUP)
    await talk.say("hello", 6, chat_id=GROUP)
    await tap(talk, 6)

    assert (await talk.record(f"{GROUP}_6"))["session"] == {"count": 11}
    assert (await talk.record(f"{GROUP}_{GROUP}"))["session"] == {"count": 1}


async def test_where_nobody_is_anonymous_nobody_is_asked_about(talk: Any) -> None:
    await talk.say("hello", 5, chat_id=GROUP)
    await tap(talk, 5)

    assert asked(talk) == 0
    assert (await talk.record(f"{GROUP}_5"))["session"] == {"count": 11}


async def test_an_answer_is_remembered_for_a_minute_only(
    talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "ADMINS_KEPT_FOR", 0.0)
    talk.telegram.hide(5, GROUP)
    await talk.say("hello", 5, chat_id=GROUP)
    await tap(talk, 5)
    await tap(talk, 5)

    assert asked(talk) == 2


async def test_where_telegram_does_not_say_the_tap_is_the_persons(
    talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    talk.telegram.hide(5, GROUP)
    await talk.say("hello", 5, chat_id=GROUP)
    talk.telegram.faults.add(Fault("getChatMember", error=ApiError(400, "no"), times=None))
    await tap(talk, 5)

    assert (await talk.record(f"{GROUP}_5"))["session"] == {"count": 10}
    assert "whether 5 is anonymous in -7 is not known" in caplog.text


async def test_a_poll_answer_belongs_to_the_group_of_the_poll_also_after_a_restart(
    talk_to: Callable[[Any], Any],
) -> None:
    storage = MemorySessionStorage()
    talk = talk_to(make_bot(storage))
    talk.telegram.group(GROUP, "Club")
    await talk.say("poll", 5, chat_id=GROUP)
    (poll,) = talk.telegram.polls

    again = create_again(talk, storage)
    await again.feed(talk.telegram.vote(6, poll, 0))

    assert (await talk.record(f"{GROUP}_6"))["session"] == {"count": 100}
    assert await talk.record("6_6") is None


def create_again(talk: Any, storage: MemorySessionStorage) -> Any:
    app = make_bot(storage)
    talk.telegram.attach(app.bot, waits=True)
    return type(talk)(app, talk.telegram)


async def test_a_poll_in_a_private_chat_is_answered_there(talk: Any) -> None:
    await talk.say("poll", 5)
    (poll,) = talk.telegram.polls
    await talk.feed(talk.telegram.vote(5, poll, 0))

    assert (await talk.record("5_5"))["session"] == {"count": 101}
    assert [key async for key in talk.app.session_storage.read_all_keys("poll:")] == []
