"""What `tasks.start` runs belongs to the update that has started it, and to its time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolkit.harness import RunningBot
from toolkit.harness.specs.runner import run_spec
from toolkit.harness.specs.settling import _waits_for_others
from toolkit.harness.specs.spec import parse_specs


def make_bot() -> Any:
    """A bot that answers at once, and once more later."""
    from aiogram.types import Message

    from toolkit import BotApp, BotContext, Tasks, create_bot

    app: BotApp[dict[str, Any]] = create_bot("42:fake", initial=dict, ended=[])

    async def work(message: Message, key: str, ended: list[str]) -> None:
        try:
            await asyncio.sleep(60 if message.text == "later" else 0)
            if message.text == "bad":
                raise ZeroDivisionError("while nobody looks")
            async with app.sessions.checkout(key) as context:
                context.session["done"] = True
            await message.answer("done")
        finally:
            ended.append(message.text or "")

    @app.message()
    async def begin(
        message: Message,
        session: dict[str, Any],
        context: BotContext[dict[str, Any]],
        tasks: Tasks,
        ended: list[str],
    ) -> None:
        session["begun"] = True
        tasks.start(work(message, context.key, ended))
        await asyncio.sleep(3)
        await message.answer("begun")
        if message.text == "fail":
            raise ValueError("in the handler")

    return app


async def say(bot: RunningBot, text: str) -> list[Any]:
    calls = await bot.deliver(bot.telegram.send_text(1, text))
    return [call.payload["text"] for call in calls]


async def test_what_a_task_does_counts_to_its_update() -> None:
    async with RunningBot(make_bot) as bot:
        assert await say(bot, "now") == ["begun", "done"]
        assert await bot.session() == {"begun": True, "done": True}


async def test_a_task_that_waits_for_time_goes_on_when_it_passes() -> None:
    async with RunningBot(make_bot) as bot:
        assert await say(bot, "later") == ["begun"]
        assert await bot.session() == {"begun": True}
        assert [call.payload["text"] for call in await bot.advance("1m")] == ["done"]
        assert await bot.session() == {"begun": True, "done": True}


async def test_an_error_in_a_task_is_raised_as_one_of_its_update(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RunningBot(make_bot) as bot:
        with pytest.raises(ZeroDivisionError):
            await say(bot, "bad")
        assert await say(bot, "now") == ["begun", "done"]
    assert [each.message.partition(" of ")[2] for each in caplog.records if each.exc_info] == [
        "update 1 of 1_1 failed"
    ]


async def test_the_task_of_a_handler_that_fails_never_begins() -> None:
    async with RunningBot(make_bot) as bot:
        with pytest.raises(ValueError, match="in the handler"):
            await say(bot, "fail")
        assert bot.app["ended"] == []


async def test_what_still_waits_for_time_at_the_end_is_cancelled_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RunningBot(make_bot) as bot:
        await say(bot, "later")
    assert bot.app["ended"] == ["later"]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("text", "texts", "failure"),
    [("now", ["begun", "done"], None), ("bad", ["begun"], "ZeroDivisionError: while nobody looks")],
)
async def test_a_spec_sees_it_and_fails_where_a_task_does(
    text: str, texts: list[str], failure: str | None
) -> None:
    expect = [{"method": "sendMessage", "payload": {"text": each}} for each in texts]
    spec = {"name": text, "steps": [{"send": {"text": text}, "expect": expect}]}
    result = await run_spec(parse_specs(spec, "tasks.json")[0], make_bot)
    assert result.ok is (failure is None)
    assert (failure or "") in (result.failure or "")


async def test_a_task_does_not_wait_for_what_has_come() -> None:
    awaited = asyncio.gather(asyncio.sleep(0))

    async def wait() -> None:
        await awaited

    task = asyncio.create_task(wait())
    seen = []
    while not task.done():
        seen.append((awaited.done(), _waits_for_others(task)))
        await asyncio.sleep(0)

    assert (False, True) in seen
    assert [waits for has_come, waits in seen if has_come] == [False]
