"""The clock of specs and tests: dates, `asyncio.sleep`, timers, expiry, limits."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from toolkit import MemorySessionStorage, clock, default_url, open_storage
from toolkit.errors import HandlerTimedOut, SessionBusy
from toolkit.harness.clock import clock_of, moment_of, seconds_of
from toolkit.harness.specs.relations import broken
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.running_bot import RunningBot
from toolkit.harness.specs.spec import BotSpec, parse_specs

MakeBot = Callable[..., Any]
NOW = "2026-11-23T10:30:00+01:00"
HALF_PAST_NINE = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@dataclass
class Visit:
    """What this bot remembers."""

    times: int = 0


def make_bot(storage: Any = None, expires_in: float | None = None, **options: Any) -> Any:
    """A bot that does something with time for every text."""
    from aiogram import F, Router
    from aiogram.types import Message

    from toolkit import create_bot

    router = Router()
    tasks: set[asyncio.Task[Any]] = set()

    def float_a_task(work: Any) -> None:
        tasks.add(asyncio.create_task(work))

    @router.message(F.text == "now")
    async def tell(message: Message) -> None:
        await message.answer(datetime.now(UTC).isoformat())

    @router.message(F.text == "made")
    async def tell_when_it_was_made(message: Message, made: datetime) -> None:
        await message.answer(made.isoformat())

    @router.message(F.text.startswith("sleep"))
    async def sleep(message: Message) -> None:
        await asyncio.sleep(float((message.text or "").split()[1]))
        await message.answer(datetime.now(UTC).isoformat())

    @router.message(F.text == "rest in tasks")
    async def sleep_in_tasks(message: Message) -> None:
        await asyncio.gather(asyncio.sleep(1), asyncio.create_task(asyncio.sleep(2)))
        await asyncio.wait_for(asyncio.create_task(asyncio.sleep(1)), 5)

    @router.message(F.text.startswith("remind"))
    async def remind(message: Message) -> None:
        async def later(minutes: int) -> None:
            await asyncio.sleep(60 * minutes)
            await message.answer(f"{minutes}: {datetime.now(UTC):%d %H:%M:%S.%f}")

        for minutes in (message.text or "").split()[1:]:
            float_a_task(later(int(minutes)))

    @router.message(F.text == "every minute")
    async def tick(message: Message) -> None:
        async def ticking() -> None:
            while True:  # noqa: ASYNC110 - it stands for a bot that looks now and then
                await asyncio.sleep(60)

        float_a_task(ticking())

    @router.message(F.text == "fail later")
    async def fail_later(message: Message) -> None:
        async def failing() -> None:
            await asyncio.sleep(60)
            raise ZeroDivisionError

        float_a_task(failing())

    @router.message(F.text == "call later")
    async def call_later(message: Message) -> None:
        called = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.1, called.set_result, None)
        await called

    @router.message(F.text == "in a thread")
    async def in_a_thread(message: Message) -> None:
        async with asyncio.timeout(0.05):
            await asyncio.to_thread(time.sleep, 0.2)
        await message.answer("done")

    @router.message(F.text == "hang")
    async def hang(message: Message) -> None:
        await asyncio.Event().wait()

    @router.message(F.text == "block")
    async def block(message: Message) -> None:
        await asyncio.get_running_loop().create_future()

    @router.message(F.text)
    async def count(message: Message, session: Visit) -> None:
        session.times += 1
        await message.answer(str(session.times))

    return create_bot(
        "42:offline",
        initial=Visit,
        routers=[router],
        storage=storage,
        expires_in=expires_in,
        made=datetime.now(UTC),
        **options,
    )


@pytest.fixture
async def at_half_past() -> AsyncIterator[RunningBot]:
    async with RunningBot(make_bot, now=NOW) as running:
        yield running


async def say(running: RunningBot, text: str) -> list[Any]:
    calls = await running.deliver(running.telegram.send_text(1, text))
    return [call.payload["text"] for call in calls]


def spec_of(*steps: Any, **more: Any) -> BotSpec:
    (spec,) = parse_specs({"name": "a spec", "steps": [*steps], **more}, "f")
    return spec


def sends(text: str, *answers: str) -> Any:
    return {"send": {"text": text}, "expect": [expected(answer) for answer in answers]}


def expected(text: Any) -> Any:
    return {"method": "sendMessage", "payload": {"text": text}}


async def test_the_date_stands_still_for_everybody(at_half_past: RunningBot) -> None:
    moment = HALF_PAST_NINE.isoformat()
    assert await say(at_half_past, "made") == [moment]
    await asyncio.sleep(0.01)
    assert await say(at_half_past, "now") == [moment]
    assert datetime.now(UTC) == HALF_PAST_NINE
    (answer,) = at_half_past.telegram.messages(1)[-1:]
    assert answer["date"] == HALF_PAST_NINE.timestamp()


async def test_afterwards_it_is_today_again() -> None:
    before, loop = datetime.now(UTC), asyncio.get_running_loop()
    async with RunningBot(make_bot, now="2000-01-01T00:00:00Z") as running:
        await running.advance("30d")
        assert f"{datetime.now(UTC):%F}" == "2000-01-31"
        assert clock.monotonic() > time.monotonic() + 29 * 86_400
    assert timedelta(0) <= datetime.now(UTC) - before < timedelta(minutes=1)
    assert clock.monotonic is time.monotonic
    assert clock_of(loop) is clock_of(loop)


async def test_a_handler_that_sleeps_takes_virtual_time(at_half_past: RunningBot) -> None:
    begun = time.perf_counter()
    assert await say(at_half_past, "sleep 5") == ["2026-11-23T09:30:05+00:00"]
    assert await say(at_half_past, "sleep 0.25") == ["2026-11-23T09:30:05.250000+00:00"]
    await say(at_half_past, "rest in tasks")
    assert datetime.now(UTC) == HALF_PAST_NINE + timedelta(seconds=8.25)
    assert time.perf_counter() - begun < 5


async def test_without_a_date_the_present_moves_on(running_bot: RunningBot) -> None:
    before = datetime.now(UTC)
    await running_bot.advance("1d12h")
    passed = datetime.now(UTC) - before
    assert timedelta(hours=36) <= passed < timedelta(hours=36, minutes=1)


@pytest.fixture(name="make_bot")
def _make_bot() -> MakeBot:
    return make_bot


async def test_timers_are_due_in_order_and_at_their_time(at_half_past: RunningBot) -> None:
    assert await say(at_half_past, "remind 90 30 1440") == []
    calls = await at_half_past.advance("2h")
    texts = [call.payload["text"] for call in calls]
    assert texts == ["30: 23 10:00:00.000000", "90: 23 11:00:00.000000"]
    assert [call.at - HALF_PAST_NINE.timestamp() for call in calls] == [1800, 5400]
    assert await at_half_past.advance(timedelta(hours=21)) == []
    (call,) = await at_half_past.advance("1h")
    assert call.payload["text"] == "1440: 24 09:30:00.000000"


async def test_timers_without_a_task_are_due_as_well(at_half_past: RunningBot) -> None:
    loop, seen = asyncio.get_running_loop(), list[float]()

    def note() -> None:
        # The first hour begins after that of the spec, by what the test itself takes.
        seen.append(round((datetime.now(UTC) - HALF_PAST_NINE) / timedelta(hours=1), 2))

    def wake_up(left: int) -> None:
        # As schedulers do: by way of the loop, and then for the next time.
        loop.call_soon_threadsafe(note)
        if left:
            loop.call_soon(lambda: loop.call_later(3600, wake_up, left - 1))

    loop.call_later(3600, wake_up, 2)
    await at_half_past.advance("1d")
    assert seen == [1, 2, 3]


async def test_what_fails_meanwhile_is_raised(at_half_past: RunningBot) -> None:
    await say(at_half_past, "fail later")
    with pytest.raises(ZeroDivisionError):
        await at_half_past.advance("1h")
    assert await at_half_past.advance("1h") == []


async def test_a_bot_that_wakes_up_too_often_is_named(
    at_half_past: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.harness.specs.running_bot.STEP_LIMIT", 0.05)
    await say(at_half_past, "every minute")
    with pytest.raises(TimeoutError, match=r"timers took 0\.05 seconds, and \d+ of 31536000 sec"):
        await at_half_past.advance("365d")


async def test_sessions_expire(at_half_past: RunningBot) -> None:
    async with RunningBot(lambda: make_bot(expires_in=3600)) as running:
        assert await say(running, "hello") == ["1"]
        await running.advance("59m")
        assert await say(running, "hello") == ["2"]
        await running.advance("1h")
        assert await say(running, "hello") == ["1"]


async def test_so_does_what_the_default_store_keeps(tmp_path: Path) -> None:
    kind, of_a_file, _ = default_url().partition(":///")
    storage = open_storage(f"{kind}:///{tmp_path}/it") if of_a_file else MemorySessionStorage()
    async with RunningBot(lambda: make_bot(storage, expires_in=3600), now=NOW) as running:
        assert [await say(running, "hello") for _ in range(3)] == [["1"], ["2"], ["3"]]
        assert datetime.now(UTC) == HALF_PAST_NINE
        await running.advance("59m")
        assert await say(running, "sleep 1") == ["2026-11-23T10:29:01+00:00"]
        await running.advance("1m")
        assert await say(running, "hello") == ["1"]


async def test_leases_in_memory_end_with_virtual_time(at_half_past: RunningBot) -> None:
    storage = MemorySessionStorage()
    await storage.checkout("1_1", holder="Ann", lease_for=30)
    await at_half_past.advance("31s")
    lease = await storage.checkout("1_1", holder="Ben", lease_for=30)
    assert lease.holder == "Ben"


async def test_taps_grow_old(at_half_past: RunningBot) -> None:
    from toolkit.harness import ApiError

    telegram = at_half_past.telegram
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    telegram.send_text(1, "hello")
    await telegram.call("sendMessage", {"chat_id": 1, "text": "?", "reply_markup": keyboard})
    query = telegram.tap(1, label="Yes")["callback_query"]["id"]
    await at_half_past.advance("1h")
    with pytest.raises(ApiError, match="query is too old"):
        await telegram.call("answerCallbackQuery", {"callback_query_id": query})


async def test_a_handler_that_waits_too_long_meets_its_limit_at_once(
    at_half_past: RunningBot,
) -> None:
    with pytest.raises(HandlerTimedOut):
        await say(at_half_past, "hang")
    assert datetime.now(UTC) == HALF_PAST_NINE + timedelta(minutes=1)


async def test_one_that_waits_for_something_outside_is_given_real_seconds(
    at_half_past: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.harness.specs.running_bot.STEP_LIMIT", 0.05)
    with pytest.raises(TimeoutError, match=r"no handler ended within 0\.05 seconds"):
        await say(at_half_past, "block")
    assert datetime.now(UTC) == HALF_PAST_NINE
    assert await say(at_half_past, "hello") == ["1"]


async def test_a_thread_has_the_time_that_it_takes(at_half_past: RunningBot) -> None:
    assert await say(at_half_past, "in a thread") == ["done"]
    assert datetime.now(UTC) == HALF_PAST_NINE


async def test_a_timer_that_nobody_sees_passes_as_it_does_outside(
    at_half_past: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("toolkit.harness.specs.settling.GRACE", 0.05)
    assert await say(at_half_past, "call later") == []


async def test_faults_that_delay_take_virtual_time(at_half_past: RunningBot) -> None:
    at_half_past.telegram.faults.delay(40, "sendMessage")
    assert await say(at_half_past, "hello") == ["1"]
    assert datetime.now(UTC) == HALF_PAST_NINE + timedelta(seconds=40)


async def test_updates_at_once_share_the_clock(at_half_past: RunningBot) -> None:
    texts = ("sleep 2", "sleep 1", "sleep 3")
    updates = [at_half_past.telegram.send_text(n, text) for n, text in enumerate(texts, 1)]
    await asyncio.gather(*map(at_half_past.deliver, updates))
    seconds = [call.payload["text"][17:19] for call in at_half_past.telegram.calls]
    assert seconds == ["01", "02", "03"]


async def test_a_session_that_is_waited_for_is_given_up_in_virtual_time(
    at_half_past: RunningBot,
) -> None:
    texts = ("sleep 2", "sleep 1")
    updates = [at_half_past.telegram.send_text(1, text) for text in texts]
    await asyncio.gather(*map(at_half_past.deliver, updates))
    assert datetime.now(UTC) == HALF_PAST_NINE + timedelta(seconds=3)
    key = at_half_past.app.sessions.checkout("1_1")
    async with key:
        waiting = asyncio.create_task(say(at_half_past, "hello"))
        with pytest.raises(SessionBusy):
            await waiting


async def test_a_spec_sets_the_date_and_lets_time_pass() -> None:
    steps = (
        sends("now", HALF_PAST_NINE.isoformat()),
        sends("remind 30"),
        {"advance": "24h", "expect": [expected("30: 23 10:00:00.000000")]},
        {**sends("now", "2026-11-24T09:30:00+00:00"), "session": {"times": 0}},
    )
    result = await run_spec(spec_of(*steps, given={"now": NOW}, strict=True), make_bot)
    assert result.ok, result.failure
    assert [len(each.calls) for each in result.played] == [1, 0, 1, 1]


async def test_a_spec_says_what_was_missing_when_time_had_passed() -> None:
    step = {"advance": "24h", "expect": [expected("a reminder")], "session": {"times": 7}}
    result = await run_spec(spec_of(sends("remind 30"), step), make_bot)
    assert result.failure is not None
    assert result.failure.startswith('step 2 of 2 sent {"advance": "24h"}')
    assert "a reminder" in result.failure
    assert "times: expected 7" in result.failure


async def test_under_other_circumstances_time_passes_as_well() -> None:
    later = {"advance": "2h", "expect": [{"method": "sendMessage"}]}
    spec = spec_of(sends("hello"), sends("remind 30"), later, sends("now"), given={"now": NOW})
    found = [(each.code, step) async for each, step, _ in broken(spec, make_bot)]
    # Rightly: what a task in the process was to say is not said.
    assert found == [("CHANGED_BY_RESTART", 3)]


async def test_the_date_goes_on_when_the_bot_is_restarted() -> None:
    later = {"advance": "2h", "expect": []}
    spec = spec_of(sends("hello"), later, sends("hello"), sends("now"), given={"now": NOW})

    def make(storage: Any = None) -> Any:
        return make_bot(storage, expires_in=3600)

    assert [each.code async for each, _, _ in broken(spec, make)] == []


async def bots_made_for(spec: BotSpec) -> int:
    """Return how many bots the relations of a spec take, that of a store included; all hold."""
    made: list[Any] = []

    def make(storage: Any = None) -> Any:
        made.append(storage)
        return make_bot(storage)

    assert [each.code async for each, _, _ in broken(spec, make, "memory:")] == []
    return len(made)


async def test_a_store_with_a_clock_of_its_own_is_left_out_where_time_passes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbers = []
    for own, step in ((False, "1h"), (True, "1h"), (True, None)):
        monkeypatch.setattr(MemorySessionStorage, "has_own_clock", own, raising=False)
        later = [{"advance": step, "expect": []}] if step else []
        spec = spec_of(sends("hello"), *later, sends("hello"))
        numbers.append(await bots_made_for(spec))
    # A restart more for each step.
    assert numbers == [numbers[0], numbers[0] - 1, numbers[0] - 1]


async def test_a_store_that_needs_the_date_is_left_out_where_it_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = spec_of(sends("hello"), given={"now": "2026-11-23T10:30:00+01:00"})
    numbers = []
    for needs in (False, True):
        monkeypatch.setattr(MemorySessionStorage, "needs_the_date", needs, raising=False)
        numbers.append(await bots_made_for(spec))
    assert numbers == [numbers[0], numbers[0] - 1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000), ("1d12h", 129_600)],
)
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "5", "h", "-1h", "12h1d", "1.5h", "1h 5m", "1234567d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is like 90s, 15m, 24h, 30d or 1d12h, not"):
        seconds_of(text)


@pytest.mark.parametrize(
    "moment",
    ["2026-11-23T10:30:00", "2026-11-23", "2026-13-23T10:30Z", "noon", datetime(2026, 11, 23)],
)
def test_what_is_no_moment_is_refused(moment: Any) -> None:
    with pytest.raises(ValueError, match=r"a moment is like 2026-11-23T10:30:00\+01:00, not"):
        moment_of(moment)


async def test_without_time_machine_the_date_cannot_be_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "time_machine", None)
    with pytest.raises(ValueError, match="needs the package time-machine: install the extra `dev`"):
        RunningBot(make_bot, now=NOW)
    result = await run_spec(spec_of({"advance": "1h", "expect": []}), make_bot)
    assert "needs the package time-machine" in (result.failure or "")
    async with RunningBot(make_bot) as running:
        begun = time.perf_counter()
        await say(running, "sleep 30")
        assert time.perf_counter() - begun < 20


async def test_what_is_given_sets_the_date_before_the_bot_is_made() -> None:
    async with RunningBot(make_bot, given={"now": NOW}) as running:
        assert await say(running, "made") == [HALF_PAST_NINE.isoformat()]
    spec = spec_of(sends("now", HALF_PAST_NINE.isoformat()), given={"now": NOW})
    assert spec.given.as_json() == {"now": NOW}


async def test_users_who_wait_at_the_same_time_wait_together() -> None:
    moments = [HALF_PAST_NINE + timedelta(seconds=number) for number in (20, 40)]
    several = {
        "concurrently": [{"text": "sleep 40"}, {"text": "sleep 20", "userId": 2}],
        "expect": [expected({"$contains": f"{each:%H:%M:%S}"}) for each in moments],
    }
    spec = spec_of(several, sends("now"), given={"now": NOW})
    result = await run_spec(spec, make_bot)
    assert result.failure is None
    assert str(result.played[1].calls[0].payload["text"]).startswith("2026-11-23T09:30:40")
    assert [relation.code async for relation, _, _ in broken(spec, make_bot, "memory:")] == []


async def test_several_that_do_not_end_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.harness.specs.running_bot.STEP_LIMIT", 0.01)
    async with RunningBot(make_bot) as running:
        updates = [running.telegram.send_text(user, "block") for user in (1, 2)]
        with pytest.raises(TimeoutError, match=r"no handler ended within 0\.01 seconds"):
            await running.deliver(*updates)
        assert await say(running, "hello") == ["1"]


async def test_a_task_may_fail_as_a_step_says_while_time_passes() -> None:
    later = {"advance": "2m", "expect": [], "fails": "ZeroDivisionError"}
    spec = spec_of(sends("hello"), sends("fail later"), later, sends("hello", "2"))
    assert (await run_spec(spec, make_bot)).failure is None
    assert [relation.code async for relation, _, _ in broken(spec, make_bot)] == []
    failure = (await run_spec(spec_of(sends("hello"), later), make_bot)).failure
    assert failure is not None
    assert "should have raised" in failure
