"""A bot on a fake Telegram: what `deliver` waits for and what it raises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from toolkit.errors import HandlerTimedOut
from toolkit.harness.specs.running_bot import RunningBot, load_factory
from toolkit.harness.specs.settling import noting_tasks, settle, started

MakeBot = Callable[[], Any]


def texts(calls: list[Any]) -> list[Any]:
    return [call.payload.get("text") for call in calls]


async def say(running_bot: RunningBot, text: str, user_id: int = 1) -> list[Any]:
    """Deliver a message; returns the texts that the bot sent."""
    return texts(await running_bot.deliver(running_bot.telegram.send_text(user_id, text)))


async def test_an_update_brings_the_calls_that_the_bot_made(running_bot: RunningBot) -> None:
    assert await say(running_bot, "hello") == ["1: hello"]


async def test_a_call_that_nobody_awaits_counts_to_its_update(running_bot: RunningBot) -> None:
    assert await say(running_bot, "float") == ["floated"]


async def test_a_handlers_exception_is_raised(running_bot: RunningBot) -> None:
    with pytest.raises(ValueError, match="the handler is broken"):
        await say(running_bot, "raise")


async def test_a_handler_that_does_not_end_is_ended_by_the_bot(running_bot: RunningBot) -> None:
    with pytest.raises(HandlerTimedOut):
        await say(running_bot, "hang")


async def test_what_a_failing_handler_floated_counts_to_its_update(
    running_bot: RunningBot,
) -> None:
    with pytest.raises(ValueError, match="after floating"):
        await say(running_bot, "float and raise")
    assert "floated" in texts(running_bot.telegram.calls)
    assert await say(running_bot, "hello") == ["1: hello"]


async def test_an_update_that_is_none_is_refused(running_bot: RunningBot) -> None:
    with pytest.raises(ValueError, match="message_id"):
        await running_bot.deliver({"update_id": 1, "message": {"text": "hello"}})


async def test_the_session_is_the_one_of_the_last_update(running_bot: RunningBot) -> None:
    await say(running_bot, "/book")
    assert await running_bot.session() == {"service": None, "times": 1}
    await say(running_bot, "hello", 2)
    assert await running_bot.session() == {"service": None, "times": 0}


async def test_waiting_out_a_429_takes_no_time(running_bot: RunningBot) -> None:
    running_bot.telegram.faults.too_many_requests(40, "sendMessage")
    calls = await running_bot.deliver(running_bot.telegram.send_text(1, "hello"))
    assert [call.error is None for call in calls] == [False, True]


async def test_a_worker_that_an_earlier_update_started_counts_to_the_update_it_serves(
    running_bot: RunningBot,
) -> None:
    await say(running_bot, "start a worker")
    assert await say(running_bot, "job") == ["done: job"]


async def test_an_exception_in_a_floated_task_is_raised(running_bot: RunningBot) -> None:
    with pytest.raises(ZeroDivisionError):
        await say(running_bot, "float a failure")
    await say(running_bot, "hello")


async def test_a_tests_own_tasks_are_none_of_the_bots(running_bot: RunningBot) -> None:
    async def fail() -> None:
        raise ValueError("the test's own")

    mine = asyncio.create_task(fail())
    await say(running_bot, "hello")
    with pytest.raises(ValueError, match="the test's own"):
        await mine


async def test_a_bot_that_does_not_start_leaves_the_loop_as_it_was(make_bot: MakeBot) -> None:
    def make_broken_bot() -> Any:
        app = make_bot()

        async def fail() -> None:
            raise RuntimeError("no start")

        app.startup.register(fail)
        return app

    loop = asyncio.get_running_loop()
    before = (loop.get_task_factory(), loop.get_exception_handler())
    with pytest.raises(RuntimeError, match="no start"):
        async with RunningBot(make_broken_bot):
            pass
    assert (loop.get_task_factory(), loop.get_exception_handler()) == before


async def test_nothing_runs_on_after_the_bot_is_closed(make_bot: MakeBot) -> None:
    before = asyncio.all_tasks()
    async with RunningBot(make_bot) as running:
        await running.deliver(running.telegram.send_text(1, "float"))
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


def test_a_factory_is_found_by_module_and_name() -> None:
    found: object = load_factory("toolkit.harness.specs.running_bot:load_factory")
    assert found is load_factory


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("bot.app", "write module:function"),
        ("toolkit.nowhere:make_bot", "No module named 'toolkit.nowhere'"),
        ("toolkit.harness.specs.running_bot:nothing", "no attribute 'nothing'"),
        ("toolkit.harness.specs.running_bot:STEP_LIMIT", "is not a function that makes a bot"),
    ],
)
def test_a_factory_that_is_not_there_is_refused(name: str, problem: str) -> None:
    with pytest.raises((ImportError, AttributeError, TypeError), match=problem):
        load_factory(name)


async def settled(*floated: Coroutine[Any, Any, Any]) -> list[BaseException]:
    """Float these, settle, and clean up."""
    tasks: list[asyncio.Task[Any]] = []
    token = started.set(tasks)
    with noting_tasks():
        for coroutine in floated:
            asyncio.create_task(coroutine)  # noqa: RUF006 - it is noted in tasks
        started.reset(token)
        errors = await settle(tasks)
    for task in tasks:
        task.cancel()
    return errors


async def test_settling_follows_a_task_through_threads_and_tasks_of_its_own() -> None:
    done: list[str] = []

    async def work() -> None:
        await asyncio.to_thread(done.append, "in a thread")
        await asyncio.create_task(asyncio.sleep(0))
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
        done.append("after")

    await settled(work())
    assert done == ["in a thread", "after"]


async def test_settling_lets_one_floated_task_wake_another() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    event = asyncio.Event()
    done: list[str] = []

    async def worker() -> None:
        while True:
            done.append(await queue.get())
            event.set()

    async def waiter() -> None:
        await event.wait()
        done.append("woken")

    async def producer() -> None:
        await asyncio.sleep(0)
        queue.put_nowait("job")

    await settled(waiter(), worker(), producer())
    assert done == ["job", "woken"]


async def test_settling_leaves_reminders_and_workers_alone() -> None:
    async def remind() -> None:
        await asyncio.sleep(3600)

    async def wait_for_a_lock(lock: asyncio.Lock) -> None:
        async with lock:
            pass

    lock = asyncio.Lock()
    async with lock, asyncio.timeout(0.5):
        await settled(remind(), asyncio.Event().wait(), wait_for_a_lock(lock))


async def test_an_exception_that_nobody_saw_is_brought_back() -> None:
    async def fail() -> None:
        raise ValueError("unseen")

    assert [str(error) for error in await settled(fail())] == ["unseen"]


async def test_an_exception_that_was_handled_is_not() -> None:
    async def fail() -> None:
        raise ValueError("seen")

    async def handle() -> None:
        await asyncio.gather(asyncio.create_task(fail()), return_exceptions=True)

    assert await settled(handle()) == []
