"""Faults, switched on in the middle of a conversation."""

from __future__ import annotations

from .tea_house import Desk


async def test_who_blocks_the_bot_gets_nothing_until_they_unblock_it(desk: Desk) -> None:
    await desk.say("hello", user=2)
    await desk.ask("fault", name="blocked", on=True, user=2)
    assert desk.last.title == "Ben blocked the bot"
    assert desk.simulation.faults["blocked"] == [2]
    turn = await desk.say("/tell")
    assert str(turn.calls[0].error) == "Forbidden: bot was blocked by the user"
    assert "has blocked the bot" in await desk.refusal("say", user=2, chat=2, text="hi")
    await desk.ask("fault", name="blocked", on=False, user=2)
    assert desk.last.title == "Ben unblocked the bot"
    assert (await desk.say("hi", user=2)).calls[0].error is None


async def test_a_flooded_server_answers_429_until_it_is_switched_off(desk: Desk) -> None:
    waited: list[float] = []

    async def switch_off(seconds: float) -> None:
        waited.append(seconds)
        await desk.ask_at_once("fault", name="flood", on=False)

    desk.simulation.recorder.running_app.bot.sleep = switch_off
    await desk.ask("fault", name="flood", on=True)
    turn = await desk.say("hello")
    assert [getattr(call.error, "code", None) for call in turn.calls] == [429, None]
    assert waited == [3]


async def test_a_lost_connection_leaves_no_answer(desk: Desk) -> None:
    await desk.ask("fault", name="network", on=True)
    turn = await desk.say("hello")
    assert desk.texts() == ["hello"]
    assert "connection reset by peer" in str(turn.calls[0].error)
    await desk.ask("fault", name="network", on=False)
    await desk.say("hello?")
    assert desk.texts()[-1] == "You said: hello?"


async def test_a_slow_store_is_slow_for_the_bot_and_not_for_the_pages(desk: Desk) -> None:
    await desk.ask("fault", name="slow", on=True)
    turn = desk.say_at_once("/tea")
    session = await desk.ask_at_once("session", user=1, chat=1)
    assert session["fields"][0]["value"] == "idle"
    assert not turn.done
    await desk.ask_at_once("fault", name="slow", on=False)
    await desk.ask_at_once("start_over")


async def test_switching_twice_is_switching_once(desk: Desk) -> None:
    for _ in range(2):
        await desk.ask("fault", name="network", on=True)
    assert len(desk.simulation.telegram.faults.rules) == 1
    for _ in range(2):
        await desk.ask("fault", name="network", on=False)
    assert desk.simulation.telegram.faults.rules == []


async def test_a_fault_that_there_is_not_is_refused(desk: Desk) -> None:
    assert "there is no fault 'flod'" in await desk.refusal("fault", name="flod", on=True)
