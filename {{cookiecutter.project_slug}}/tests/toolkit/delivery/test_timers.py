"""Timers that are due: handled once, as an update is, or set aside; never lost, never a loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiogram import Bot, F
from aiogram.types import ErrorEvent, Message

from toolkit import Timer, Timers, on_timer
from toolkit.app import BotApp
from toolkit.harness import RunningBot
from toolkit.sessions.checkout import Checkouts

from .bots import Away, Session, counting


def reminding(storage: Any = None, **options: Any) -> BotApp[Session]:
    """A counting bot with timers: "remind" counts and answers, "fail" raises, "send" also sends."""
    app = counting(storage, **options)

    @on_timer(app, "remind")
    async def remind(timer: Timer, session: Session) -> None:
        session.count += 1
        await timer.answer(f"{timer.name} {timer.data} {session.count}")

    @on_timer(app, "fail")
    async def fail(timer: Timer, session: Session) -> None:
        session.count += 100
        if timer.part == "sent":
            await timer.answer("half")
        raise LookupError(timer.name)

    @on_timer(app, "again")
    async def again(timer: Timer, timers: Timers) -> None:
        timers.set("again", after=timedelta(days=1))
        await timer.answer("again")

    @on_timer(app, "counted", F.name == "counted:yes")
    async def counted(timer: Timer, session: Session) -> None:
        session.count += 1

    return app


def meet(serving: Any) -> None:
    """Let the bot write to the user: they have talked before."""
    serving.telegram.private_chat(5)
    serving.telegram.users[5].started = True


async def set_timer(app: BotApp[Session], name: str, key: str = "5_5", **options: Any) -> None:
    """Set a timer as code outside an update does, due at once by default."""
    async with app.sessions.checkout(key) as context:
        context.timers.set(name, **(options if "at" in options else {"after": 0, **options}))


async def record_of(app: BotApp[Session], key: str = "5_5") -> Any:
    return await app.session_storage.read(key)


async def until(what: Callable[[], Any]) -> None:
    """Wait until what is asked holds."""
    async with asyncio.timeout(20):
        while not await what():  # noqa: ASYNC110 - the store tells nobody what was written
            await asyncio.sleep(0.01)


async def test_a_timer_is_handled_and_gone_in_one_commit(polling: Any) -> None:
    app = reminding()
    serving = polling(app)
    meet(serving)
    await serving.until_polling()
    await set_timer(app, "remind:7", data={"visit": 7})
    await serving.until_answered("remind:7 {'visit': 7} 1")
    await until(lambda: is_gone(app, "remind:7"))
    assert await record_of(app) == {"session": {"count": 1}}


async def is_gone(app: BotApp[Session], name: str) -> bool:
    return name not in ((await record_of(app)) or {}).get("timers", {})


async def test_a_timer_that_was_due_while_the_bot_was_down_is_handled_at_start(
    polling: Any,
) -> None:
    app = reminding()
    await set_timer(app, "remind", at=datetime.now(UTC) - timedelta(hours=24))
    await set_timer(
        app,
        "remind:late",
        at=datetime.now(UTC) - timedelta(hours=24),
        misfire_grace=timedelta(hours=23),
    )
    serving = polling(app)
    meet(serving)
    await serving.until_answered("remind None 1")
    await until(lambda: is_gone(app, "remind:late"))
    assert serving.texts == ["remind None 1"]


async def test_a_repeating_timer_fires_once_for_what_it_missed_and_keeps_its_times(
    polling: Any,
) -> None:
    app = reminding()
    begun = datetime.now(UTC) - timedelta(hours=7, minutes=30)
    await set_timer(app, "remind", at=begun, every=timedelta(hours=1))
    serving = polling(app)
    meet(serving)
    await serving.until_answered("remind None 1")

    async def is_moved() -> bool:
        at: float = (await record_of(app))["timers"]["remind"]["at"]
        return at == begun.timestamp() + 8 * 3600

    await until(is_moved)
    assert serving.texts == ["remind None 1"]


async def test_a_timer_that_its_handler_sets_anew_stays(polling: Any) -> None:
    app = reminding()
    serving = polling(app)
    meet(serving)
    await set_timer(app, "again")
    await serving.until_answered("again")

    async def is_set() -> bool:
        at: float = (await record_of(app))["timers"]["again"]["at"]
        return at > time.time() + 80_000

    await until(is_set)


async def test_a_handler_that_fails_is_tried_again_and_the_timer_set_aside(polling: Any) -> None:
    app = reminding()
    app.bot.sleep = no_sleep
    serving = polling(app)
    meet(serving)
    await set_timer(app, "fail")
    await until(lambda: is_gone(app, "fail"))
    letter = await app.session_storage.read("dead:timer:5_5:fail")
    assert letter is not None
    assert letter["key"] == "5_5"
    assert letter["update"]["timer"]["name"] == "fail"
    assert "LookupError: fail" in letter["error"]
    assert await record_of(app) == {"session": {"count": 0}}
    # What has sent something is not tried again.
    await set_timer(app, "fail:sent")
    await until(lambda: is_gone(app, "fail:sent"))
    assert serving.texts.count("half") == 1
    assert await app.session_storage.has("dead:timer:5_5:fail:sent")


async def no_sleep(_: float) -> None:
    """Try again at once."""


async def test_a_name_that_the_code_no_longer_knows_is_a_dead_letter_and_no_loop(
    polling: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = reminding()
    app.bot.sleep = no_sleep
    await app.session_storage.write(
        "5_5",
        {"session": {"count": 3}, "timers": {"gone:1": {"at": 1.0, "data": 4}}, "wake_at": 1.0},
    )
    polling(app)
    await until(lambda: is_gone(app, "gone:1"))
    assert await record_of(app) == {"session": {"count": 3}}
    letter = await app.session_storage.read("dead:timer:5_5:gone:1")
    assert letter is not None
    assert letter["update"]["timer"] == {"name": "gone:1", "key": "5_5", "at": 1.0, "data": 4}
    assert "no handler takes timers named 'gone'" in letter["error"]


async def test_a_filter_may_refuse_a_timer_which_is_done_with_then(polling: Any) -> None:
    app = reminding()
    serving = polling(app)
    meet(serving)
    await set_timer(app, "counted:no")
    await set_timer(app, "counted:yes")
    await until(lambda: is_gone(app, "counted:yes"))
    assert await record_of(app) == {"session": {"count": 1}}
    assert not await app.session_storage.has("dead:timer:5_5:counted:no")


async def test_a_timer_waits_for_the_update_that_is_in_work(polling: Any) -> None:
    app = reminding()
    serving = polling(app)
    serving.telegram.send_text(5, "hang")
    await app.workflow_data["begun"].wait()
    setting = asyncio.create_task(set_timer(app, "remind"))
    await asyncio.sleep(0.05)
    app.workflow_data["go"].set()
    await setting
    await serving.until_answered("remind None 2")


async def test_two_processes_handle_each_timer_once(polling: Any) -> None:
    shared = Shared()
    apps = [reminding(shared) for _ in range(2)]
    servings = [polling(app) for app in apps]
    for serving in servings:
        meet(serving)
        await serving.until_polling()
    for number in range(30):
        await set_timer(apps[number % 2], f"remind:{number}")

    async def are_gone() -> bool:
        return "timers" not in (await record_of(apps[0]))

    await until(are_gone)
    assert await record_of(apps[0]) == {"session": {"count": 30}}
    assert sum(len(serving.texts) for serving in servings) == 30


class Shared(Away):
    """A store that two bots of a test have; the first that stops leaves it to the other."""

    async def close(self) -> None:
        """Stay open."""


async def test_timers_wait_while_the_store_is_away(
    polling: Any, no_backoff: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.delivery.timers.LOOK_EVERY", 0.01)
    app = reminding(storage := Away())
    serving = polling(app)
    meet(serving)
    await serving.until_polling()
    await set_timer(app, "remind", after=0.05)
    storage.away = True
    await asyncio.sleep(0.2)
    assert serving.texts == []
    storage.away = False
    await serving.until_answered("remind None 1")


async def test_a_user_who_has_blocked_the_bot_costs_no_dead_letter(polling: Any) -> None:
    app = reminding()
    serving = polling(app)
    serving.telegram.send_text(5, "hello")
    await serving.until_answered("1 from 5")
    serving.telegram.block(5)
    await set_timer(app, "remind", every=timedelta(hours=1), after=0)

    async def is_moved() -> bool:
        at: float = (await record_of(app))["timers"]["remind"]["at"]
        return at > time.time()

    await until(is_moved)
    assert not await app.session_storage.has("dead:timer:5_5:remind")


async def test_error_handlers_and_on_error_are_those_of_updates(polling: Any) -> None:
    told: list[str] = []

    async def tell(event: ErrorEvent, bot: Bot) -> None:
        told.append(repr(event.exception))

    app = reminding(on_error=tell)
    app.bot.sleep = no_sleep
    polling(app)
    await set_timer(app, "fail")
    await until(lambda: is_gone(app, "fail"))
    assert told == ["LookupError('fail')"]
    told.clear()

    @app.errors()
    async def caught(event: ErrorEvent, session: Session) -> None:
        session.count += 1

    await set_timer(app, "fail")
    await until(lambda: is_gone(app, "fail"))
    assert told == []
    assert await record_of(app) == {"session": {"count": 1}}


async def test_what_is_not_a_session_is_left_alone(
    polling: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = reminding()
    await app.session_storage.write("day:1", {"wake_at": 1})
    await app.session_storage.write("6_6", {"session": {"count": 1}, "wake_at": 1})
    serving = polling(app)
    meet(serving)
    await set_timer(app, "remind")
    await serving.until_answered("remind None 1")

    async def is_corrected() -> bool:
        return bool(await record_of(app, "6_6") == {"session": {"count": 1}})

    await until(is_corrected)
    assert await record_of(app, "day:1") == {"wake_at": 1}
    assert [line.getMessage() for line in caplog.records if "day:1" in line.getMessage()] == [
        "the timers of day:1 are left alone for 30 s"
    ]


async def test_a_stop_lets_a_handler_finish_and_leaves_the_others_due(polling: Any) -> None:
    app = reminding()
    begun, go = asyncio.Event(), asyncio.Event()

    @on_timer(app, "slow")
    async def slow(timer: Timer, session: Session) -> None:
        begun.set()
        await go.wait()
        session.count += 1

    storage = app.session_storage
    closing, storage.close = storage.close, Shared().close  # type: ignore[method-assign]
    serving = polling(app)
    await set_timer(app, "slow")
    await begun.wait()
    await set_timer(app, "remind", key="6_6", after=3600)
    serving.stopping.set()
    await asyncio.sleep(0.05)
    go.set()
    await serving.stop()
    assert await record_of(app) == {"session": {"count": 1}}
    assert "remind" in (await record_of(app, "6_6"))["timers"]
    await closing()


async def test_handlers_see_where_the_session_belongs(polling: Any) -> None:
    app = reminding(scope="chat_user_topic")
    seen: list[Any] = []

    @on_timer(app, "where")
    async def where(timer: Timer, state: Any, context: Any, message: Message | None = None) -> None:
        seen.append((timer.origin.chat, timer.origin.user, timer.origin.topic, context.key))
        await state.set_state("reminded")

    polling(app)
    await set_timer(app, "where", key="-100_5_t7")
    await until(lambda: is_gone_from(app, "-100_5_t7"))
    assert seen == [(-100, 5, 7, "-100_5_t7")]
    assert (await record_of(app, "-100_5_t7"))["fsm"] == {"default": {"state": "reminded"}}


async def is_gone_from(app: BotApp[Session], key: str) -> bool:
    return "timers" not in (await record_of(app, key) or {"timers": 1})


def test_the_lease_outlives_the_wait_of_a_timer() -> None:
    from toolkit.sessions.middleware import TIMER_PATIENCE

    assert Checkouts(Away(), lease_for=30.0).patience > TIMER_PATIENCE


class Asked(Away):
    """A store that counts how often it is asked what is due."""

    times = 0

    async def due(self, before: float, limit: int, *, prefix: str = "") -> Any:
        """Count, and answer."""
        self.times += 1
        return await super().due(before, limit, prefix=prefix)


async def test_the_store_is_asked_when_a_timer_is_due_and_not_as_one_is_set() -> None:
    storage = Asked()
    async with RunningBot(lambda: reminding(storage), now="2026-11-27T12:00:00+01:00") as bot:
        await bot.deliver(bot.telegram.send_text(5, "hello"))
        for hours in range(20, 0, -1):
            await set_timer(bot.app, f"remind:{hours}", after=hours * 3600)
        await bot.deliver(bot.telegram.send_text(5, "hello"))
        assert storage.times == 1
        assert len(await bot.advance("1d")) == 20
        assert storage.times <= 1 + 20


async def test_many_that_are_due_at_once_are_asked_for_by_the_page() -> None:
    storage = Asked()
    async with RunningBot(lambda: reminding(storage), now="2026-11-27T12:00:00+01:00") as bot:
        for user in range(1, 1001):
            await set_timer(bot.app, "counted:yes", key=f"{user}_{user}", after=60)
        await bot.advance("2m")
        keys = [key async for key in bot.app.session_storage.read_all_keys()]
        records = [await record_of(bot.app, key) for key in keys]
        assert records == [{"session": {"count": 1}}] * 1000
        assert storage.times <= 1 + 1000 // 20
