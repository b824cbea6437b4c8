"""Around every update: what is committed, what is not, and what a handler is given.

Over 300 lines: one test per promise about an update, in the order of docs/guarantees.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from aiogram import Router
from aiogram.types import Message

from toolkit import (
    BotContext,
    HandlerTimedOut,
    MemorySessionStorage,
    MigrationRefused,
    NotSerializable,
    SessionReentered,
    SessionStorage,
    StorageUnavailable,
    create_bot,
    in_step,
)
from toolkit.app import BotApp
from toolkit.harness.fake_telegram import Fault
from toolkit.harness.fake_telegram.errors import NetworkFailure


class Step(StrEnum):
    idle = "idle"
    named = "named"


@dataclass
class Session:
    step: Step = Step.idle
    count: int = 0


Handler = Callable[..., Any]


@pytest.fixture
def bot_that(talk_to: Any) -> Callable[..., Any]:
    """A conversation with a bot that has one message handler."""

    def connect(handler: Handler, **options: Any) -> Any:
        app = create_bot("42:fake", initial=Session, **options)
        app.message.register(handler)
        return talk_to(app)

    return connect


async def count(message: Message, session: Session) -> None:
    seen = session.count
    await asyncio.sleep(0)
    session.count = seen + 1


async def test_what_a_handler_changes_is_there_for_the_next_update(bot_that: Any) -> None:
    talk = bot_that(count)

    await talk.say("one")
    await talk.say("two")

    assert (await talk.record())["session"] == {"step": "idle", "count": 2}


async def test_a_thousand_updates_of_one_user_at_once_are_all_counted(bot_that: Any) -> None:
    talk = bot_that(count)

    await asyncio.gather(*(talk.say("more") for _ in range(1000)))

    assert (await talk.record())["session"]["count"] == 1000
    assert len(talk.app.sessions.checkouts.lock) == 0


async def test_an_update_that_comes_again_is_not_applied_again(bot_that: Any) -> None:
    talk = bot_that(count)
    update = talk.telegram.send_text(5, "once")

    await talk.feed(update)
    await talk.feed(update)

    assert (await talk.record())["session"]["count"] == 1
    assert (await talk.record())["updates"] == [update["update_id"]]


async def test_a_record_remembers_the_last_hundred_updates(bot_that: Any) -> None:
    talk = bot_that(count)

    for _ in range(105):
        await talk.say("more")

    assert len((await talk.record())["updates"]) == 100


async def test_an_untouched_session_is_not_stored(bot_that: Any) -> None:
    async def look(message: Message, session: Session) -> None: ...

    talk = bot_that(look)
    await talk.say("hello")

    assert await talk.record() is None


async def test_an_unchanged_session_is_not_written(bot_that: Any) -> None:
    async def set_once(message: Message, session: Session) -> None:
        session.count = 1

    talk = bot_that(set_once)
    await talk.say("hello")
    stored = await talk.record()
    await talk.say("hello again")

    assert await talk.record() == stored


async def test_a_deleted_session_is_gone(bot_that: Any) -> None:
    async def forget(message: Message, session: Session, context: BotContext[Session]) -> None:
        if message.text == "forget me":
            del context.session
        else:
            session.count += 1

    talk = bot_that(forget)
    await talk.say("hello")
    await talk.say("forget me")
    assert not await talk.app.session_storage.has("5_5")

    await talk.say("hello")
    assert (await talk.record())["session"]["count"] == 1


async def test_a_session_can_be_replaced(bot_that: Any) -> None:
    async def replace(message: Message, context: BotContext[Session]) -> None:
        context.session = Session(count=7)

    talk = bot_that(replace)
    await talk.say("hello")

    assert (await talk.record())["session"]["count"] == 7


async def test_nothing_is_written_when_the_handler_raises(bot_that: Any) -> None:
    async def fail(message: Message, session: Session) -> None:
        session.count = 9
        raise RuntimeError("boom")

    talk = bot_that(fail)

    with pytest.raises(RuntimeError, match="boom"):
        await talk.say("hello")
    assert await talk.record() is None


async def test_a_session_that_could_not_be_read_again_is_not_written(bot_that: Any) -> None:
    async def forget(message: Message, session: Session) -> None:
        session.count = 7 if message.text == "seven" else None  # type: ignore[assignment]

    talk = bot_that(forget)
    await talk.say("seven")

    with pytest.raises(NotSerializable, match=r"session\.count could not be read again"):
        await talk.say("none")
    assert (await talk.record())["session"]["count"] == 7


async def test_nothing_is_written_when_the_handler_is_cancelled(bot_that: Any) -> None:
    started = asyncio.Event()

    async def hang(message: Message, session: Session) -> None:
        session.count = 9
        started.set()
        await asyncio.Event().wait()

    talk = bot_that(hang)
    task = asyncio.create_task(talk.say("hello"))
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await talk.record() is None
    assert len(talk.app.sessions.checkouts.lock) == 0


async def test_a_handler_has_a_time_limit(bot_that: Any) -> None:
    async def hang(message: Message, session: Session) -> None:
        session.count = 9
        await asyncio.Event().wait()

    talk = bot_that(hang, handler_timeout=0.01)

    with pytest.raises(HandlerTimedOut, match=r"5_5 took longer than 0\.01 s"):
        await talk.say("hello")
    assert await talk.record() is None


async def test_a_handler_that_swallows_its_cancellation_changes_nothing(bot_that: Any) -> None:
    async def go_on(message: Message, session: Session) -> None:
        session.count += 1
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    talk = bot_that(go_on, handler_timeout=0.01)

    with pytest.raises(HandlerTimedOut):
        await talk.say("hello")
    assert await talk.record() is None


async def test_a_handler_that_blocks_the_loop_for_too_long_changes_nothing(bot_that: Any) -> None:
    async def block(message: Message, session: Session) -> None:
        session.count += 1
        time.sleep(0.02)  # noqa: ASYNC251 - a handler should not, but some do

    talk = bot_that(block, handler_timeout=0.01)

    with pytest.raises(HandlerTimedOut):
        await talk.say("hello")
    assert await talk.record() is None


async def test_a_handler_that_cannot_be_ended_loses_its_session_to_the_next(
    bot_that: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, end = asyncio.Event(), asyncio.Event()

    async def stay(message: Message, session: Session) -> None:
        session.count += 1
        while message.text == "stay" and not end.is_set():
            stuck.set()
            with contextlib.suppress(asyncio.CancelledError):
                await end.wait()

    talk = bot_that(stay, handler_timeout=0.01)
    talk.app._limits.deadlines._again.seconds = 0.01
    left_behind = asyncio.create_task(talk.say("stay"))
    await stuck.wait()
    await talk.say("hello")
    end.set()
    with pytest.raises(HandlerTimedOut):
        await left_behind

    assert (await talk.record())["session"]["count"] == 1
    assert "5_5 ignores its cancellation" in caplog.text
    assert len(talk.app.sessions.checkouts.lock) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("updates", 5),
        ("updates", ["x"]),
        ("updates", {"a": 1}),
        ("fsm", "x"),
        ("fsm", {"default": 1}),
        ("fsm", {"default": {"state": 1}}),
        ("fsm", {"default": {"data": []}}),
        ("version", "a"),
        ("session", [1]),
    ],
)
async def test_a_record_of_a_wrong_shape_is_quarantined_and_its_user_served(
    bot_that: Any, field: str, value: Any
) -> None:
    talk = bot_that(count)
    storage = talk.app.session_storage
    record = {"session": {"step": "idle", "count": 7}, field: value}
    await storage.write("5_5", record)

    await talk.say("hello")

    assert (await talk.record())["session"]["count"] == 1
    aside = await storage.read("quarantine:5_5")
    assert aside["raw"] == record
    assert aside["reason"].startswith(f"{field}: ")


async def test_a_session_of_many_chats_knows_the_last_update_of_each(bot_that: Any) -> None:
    talk = bot_that(count, scope="user")
    first = talk.telegram.send_text(5, "first")
    await talk.feed(first)
    for _ in range(150):
        await talk.say("other chat", chat_id=-100)

    await talk.feed(first)

    record = await talk.record()
    assert record["session"]["count"] == 151
    assert len(record["updates"]) == 100


async def test_whatever_a_store_raises_is_an_outage(bot_that: Any) -> None:
    class Broken(MemorySessionStorage):
        never_waits = False

        async def checkin(self, *args: Any, **options: Any) -> None:
            raise RuntimeError("unknown to everybody")

    talk = bot_that(count, storage=Broken())

    with pytest.raises(StorageUnavailable, match="Broken: RuntimeError"):
        await talk.say("hello")


async def test_two_handlers_that_want_each_others_session_both_go_through(bot_that: Any) -> None:
    begun: set[int] = set()
    both = asyncio.Event()

    async def duel(message: Message, session: Session) -> None:
        begun.add(message.chat.id)
        if len(begun) == 2:
            both.set()
        await both.wait()
        rival = 11 - message.chat.id
        async with talk.app.sessions.checkout(f"{rival}_{rival}") as theirs:
            theirs.session.count += 1
        session.count += 10

    talk = bot_that(duel)

    async with asyncio.timeout(10):
        await asyncio.gather(talk.say("duel", 5), talk.say("duel", 6))

    assert (await talk.record("5_5"))["session"]["count"] == 11
    assert (await talk.record("6_6"))["session"]["count"] == 11


async def test_several_sessions_are_checked_out_in_one_order_everywhere(bot_that: Any) -> None:
    sessions = bot_that(count).app.sessions

    async def move(giver: str, taker: str) -> None:
        async with sessions.checkout_all(giver, taker, giver) as (source, target, same):
            assert source is same
            await asyncio.sleep(0)
            source.session.count -= 1
            target.session.count += 1

    async with asyncio.timeout(10):
        await asyncio.gather(move("a", "b"), move("b", "a"), move("b", "c"))

    found = [(await sessions.storage.read(key))["session"]["count"] for key in "abc"]
    assert found == [0, -1, 1]


async def test_what_a_handler_holds_is_among_the_sessions_it_checks_out(bot_that: Any) -> None:
    async def give(message: Message, session: Session, context: BotContext[Session]) -> None:
        async with talk.app.sessions.checkout_all("6_6", context.key) as (theirs, mine):
            assert mine is context
            theirs.session.count += 1
        session.count -= 1

    talk = bot_that(give)
    await talk.say("give")

    assert (await talk.record("5_5"))["session"]["count"] == -1
    assert (await talk.record("6_6"))["session"]["count"] == 1


class AsyncSession:
    """What the middleware of an SQL library gives."""


async def give_own(handler: Handler, event: Any, data: dict[str, Any]) -> Any:
    data["session"] = AsyncSession()
    return await handler(event, data)


@pytest.mark.parametrize("place", ["update", "message", "outer", "router"])
async def test_a_middleware_that_gives_something_else_as_the_session_is_told(
    talk_to: Any, place: str
) -> None:
    app = create_bot("42:fake", initial=Session)
    router = Router()
    handled = []

    @router.message()
    async def handle(message: Message, session: Session) -> None:
        handled.append(session)

    match place:
        case "update":
            app.update.outer_middleware(give_own)
        case "message":
            app.message.middleware(give_own)
        case "outer":
            app.message.outer_middleware(give_own)
        case "router":
            router.message.middleware(give_own)
    app.include_router(router)

    with pytest.raises(RuntimeError, match=r"AsyncSession .* session_name"):
        await talk_to(app).say("hello")
    assert not handled


async def test_the_session_can_have_another_name(talk_to: Any) -> None:
    app = create_bot("42:fake", initial=Session, session_name="talk")
    app.message.middleware(give_own)

    @app.message(in_step(Step.idle))
    async def handle(message: Message, session: AsyncSession, talk: Session) -> None:
        assert isinstance(session, AsyncSession)
        talk.step = Step.named

    @app.message(in_step(Step.named))
    async def go_on(message: Message, talk: Session) -> None:
        talk.count = 7

    talking = talk_to(app)
    await talking.say("hello")
    await talking.say("hello")

    assert (await talking.record())["session"] == {"step": "named", "count": 7}


async def test_a_middleware_may_replace_the_session_by_its_context(talk_to: Any) -> None:
    async def begin_anew(handler: Handler, event: Any, data: dict[str, Any]) -> Any:
        data["context"].session = data["session"] = Session(count=5)
        return await handler(event, data)

    app = create_bot("42:fake", initial=Session)
    app.message.middleware(begin_anew)
    app.message.register(count)
    talk = talk_to(app)
    await talk.say("hello")

    assert (await talk.record())["session"]["count"] == 6


@pytest.mark.parametrize("name", ["session", "context"])
async def test_what_bears_the_name_of_the_session_is_refused_at_start(name: str) -> None:
    with pytest.raises(ValueError, match="session_name="):
        create_bot("42:fake", initial=Session, **{name: 1})  # type: ignore[arg-type]

    app = create_bot("42:fake", initial=Session)
    app[name] = 1
    with pytest.raises(ValueError, match="session_name="):
        async with app.running():
            raise AssertionError("never reached")
    await app.close()


@pytest.mark.parametrize("name", ["", "my talk", "state", "bot", "event_from_user"])
def test_a_name_that_a_session_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="session_name"):
        create_bot("42:fake", initial=Session, session_name=name)


@pytest.mark.parametrize("text", ["look", "forget", "change"])
@pytest.mark.parametrize("recorded", [False, True])
async def test_updates_that_change_nothing_are_recorded_where_that_is_asked_for(
    bot_that: Any, text: str, recorded: bool
) -> None:
    handled = []

    async def pay(message: Message, session: Session, context: BotContext[Session]) -> None:
        handled.append(message.text)
        if message.text == "change":
            session.count += 1
        elif message.text == "forget":
            del context.session

    talk = bot_that(pay, record_every_update=recorded)
    update = talk.telegram.send_text(5, text)
    await talk.feed(update)
    await talk.feed(update)

    assert len(handled) == (1 if recorded or text == "change" else 2)
    record = await talk.record()
    assert (record is not None) is (recorded or text == "change")
    if recorded and text != "change":
        assert record == {"updates": [1]}
        await talk.say("change")
        assert await talk.record() == {
            "session": {"step": "idle", "count": 1},
            "updates": [1, 2],
        }


async def test_a_recorded_update_leaves_the_session_as_it_is(bot_that: Any) -> None:
    async def look(message: Message, session: Session) -> None: ...

    talk = bot_that(look, record_every_update=True)
    await talk.app.session_storage.write("5_5", {"session": {"count": 7, "new": 1}, "timers": {}})
    await talk.say("hello")

    assert await talk.record() == {
        "session": {"step": "idle", "count": 7, "new": 1},
        "timers": {},
        "updates": [1],
    }


async def test_a_handler_that_checks_its_own_session_out_is_told(bot_that: Any) -> None:
    async def reenter(message: Message, context: BotContext[Session]) -> None:
        async with talk.app.sessions.checkout(context.key):
            raise AssertionError("never reached")

    talk = bot_that(reenter)

    with pytest.raises(SessionReentered):
        await talk.say("hello")


async def test_a_session_can_be_changed_outside_an_update(bot_that: Any) -> None:
    talk = bot_that(count)
    await talk.say("hello")

    async with talk.app.sessions.checkout("5_5") as context:
        context.session.count += 10

    assert (await talk.record())["session"]["count"] == 11
    assert (await talk.record())["updates"]


async def test_a_record_that_does_not_fit_is_moved_aside_and_the_user_starts_fresh(
    bot_that: Any, caplog: pytest.LogCaptureFixture
) -> None:
    talk = bot_that(count)
    await talk.app.session_storage.write("5_5", {"session": {"count": "many"}})

    await talk.say("hello")

    assert (await talk.record())["session"]["count"] == 1
    moved = await talk.record("quarantine:5_5")
    assert moved["raw"] == {"session": {"count": "many"}}
    [logged] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "5_5" in logged.getMessage()
    assert "count" in logged.getMessage()


async def test_what_was_moved_aside_before_is_not_overwritten(bot_that: Any) -> None:
    talk = bot_that(count)
    for broken in ("many", "more"):
        await talk.app.session_storage.write("5_5", {"session": {"count": broken}})
        await talk.say("hello")

    assert (await talk.record("quarantine:5_5"))["raw"]["session"]["count"] == "many"
    assert (await talk.record("quarantine:5_5:2"))["raw"]["session"]["count"] == "more"


async def test_a_record_of_a_newer_release_is_left_alone(bot_that: Any) -> None:
    talk = bot_that(count)
    record = {"session": {"count": 3}, "version": 8}
    await talk.app.session_storage.write("5_5", record)

    with pytest.raises(MigrationRefused):
        await talk.say("hello")

    assert await talk.record() == record
    await talk.say("hello", user_id=6)
    assert (await talk.record("6_6"))["session"]["count"] == 1


async def test_a_migrated_session_is_stored_with_its_version(bot_that: Any) -> None:
    talk = bot_that(count, migrations={1: lambda fields: {"count": fields["total"]}})
    await talk.app.session_storage.write("5_5", {"session": {"total": 4}})

    await talk.say("hello")

    record = await talk.record()
    assert record["session"] == {"step": "idle", "count": 5}
    assert record["version"] == 1


async def test_sessions_expire(bot_that: Any) -> None:
    expiries = []

    class Watched(MemorySessionStorage):
        async def checkin(self, lease: Any, value: Any, *, expires_in: float | None = None) -> None:
            expiries.append(expires_in)
            await super().checkin(lease, value, expires_in=expires_in)

    talk = bot_that(count, storage=Watched(), expires_in=3600.0)
    await talk.say("hello")

    assert expiries == [3600.0]


async def test_handlers_are_chosen_by_step(talk_to: Any) -> None:
    router = Router()

    @router.message(in_step(Step.idle))
    async def ask(message: Message, session: Session) -> None:
        session.step = Step.named
        await message.answer("Your name?")

    @router.message(in_step(Step.named))
    async def greet(message: Message, session: Session) -> None:
        await message.answer(f"Hello, {message.text}!")

    talk = talk_to(create_bot("42:fake", initial=Session, routers=[router]))
    await talk.say("hi")
    await talk.say("Ann")

    assert talk.texts == ["Your name?", "Hello, Ann!"]


@pytest.mark.parametrize(
    ("scope", "key"), [("chat_user", "-100_5"), ("chat", "-100_-100"), ("user", "5_5")]
)
async def test_the_scope_decides_who_shares_a_session(bot_that: Any, scope: Any, key: str) -> None:
    talk = bot_that(count, scope=scope)
    talk.telegram.group(-100, "Shop")

    await talk.say("hello", chat_id=-100)

    assert [key async for key in talk.app.session_storage.read_all_keys()] == [key]


async def test_handlers_may_ask_for_the_store(bot_that: Any) -> None:
    async def claim(message: Message, storage: SessionStorage) -> None:
        await storage.add("slot:1", {"by": 5})

    talk = bot_that(claim)
    await talk.say("hello")

    assert await talk.record("slot:1") == {"by": 5}


async def test_a_handler_error_is_logged_once_and_the_user_reads_one_sentence(
    bot_that: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(message: Message) -> None:
        raise RuntimeError("secret detail")

    talk = bot_that(fail)
    with pytest.raises(RuntimeError):
        await talk.say("hello")

    [logged] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "5_5" in logged.getMessage()
    assert logged.exc_info is not None
    [text] = talk.texts
    assert "again" in text
    assert "secret" not in text


async def test_the_callback_of_a_failed_handler_is_answered(talk_to: Any) -> None:
    app: BotApp[Session] = create_bot("42:fake", initial=Session)

    @app.message()
    async def ask(message: Message) -> None:
        from toolkit import button, menu

        await message.answer("Sure?", reply_markup=menu([button("Yes", "yes")]))

    @app.callback_query()
    async def fail(query: Any) -> None:
        raise RuntimeError("boom")

    talk = talk_to(app)
    await talk.say("hello")
    with pytest.raises(RuntimeError):
        await talk.feed(talk.telegram.tap(5, label="Yes"))

    assert [call.method for call in talk.telegram.calls[1:]] == [
        "answerCallbackQuery",
        "sendMessage",
    ]


async def test_on_error_replaces_the_sentence(bot_that: Any) -> None:
    async def fail(message: Message) -> None:
        raise RuntimeError("boom")

    async def say_it_differently(event: Any, bot: Any) -> None:
        await bot.send_message(event.update.message.chat.id, "Oops")

    talk = bot_that(fail, on_error=say_it_differently)
    with pytest.raises(RuntimeError):
        await talk.say("hello")

    assert talk.texts == ["Oops"]


async def test_a_user_who_blocked_the_bot_is_no_crash(
    bot_that: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(message: Message) -> None:
        await message.answer("hello")

    talk = bot_that(answer)
    talk.telegram.faults.forbidden()
    await talk.say("hello")

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert talk.texts == ["hello"]


async def test_an_edit_that_changes_nothing_is_no_error(bot_that: Any) -> None:
    async def edit_twice(message: Message) -> None:
        sent = await message.answer("same")
        await sent.edit_text("same")

    talk = bot_that(edit_twice)
    await talk.say("hello")


async def test_a_tap_answered_too_late_is_no_error(talk_to: Any) -> None:
    app: BotApp[Session] = create_bot("42:fake", initial=Session)

    @app.callback_query()
    async def answer(query: Any, session: Session) -> None:
        session.count += 1
        await query.answer()

    talk = talk_to(app)
    late = {"id": "1", "from": {"id": 5, "is_bot": False, "first_name": "Ann"}, "data": "x"}
    await talk.feed({"update_id": 1, "callback_query": {**late, "chat_instance": "1"}})

    assert "query is too old" in str(talk.telegram.calls[0].error)
    assert (await talk.record())["session"]["count"] == 1


async def test_a_bot_starts_though_telegram_cannot_be_reached(bot_that: Any) -> None:
    talk = bot_that(count, commands={"start": "Begin"})

    async def no_waiting(seconds: float) -> None: ...

    talk.app.bot.sleep = no_waiting
    talk.telegram.faults.add(Fault(error=NetworkFailure("no route to host"), times=None))

    async with talk.app.running():
        pass

    assert {call.method for call in talk.telegram.calls} == {"setMyCommands"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [({"scope": "galaxy"}, "scope is one of"), ({"handler_timeout": 0}, "more than 0 seconds")],
)
def test_arguments_that_cannot_work_are_refused(options: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        create_bot("42:fake", initial=Session, **options)
