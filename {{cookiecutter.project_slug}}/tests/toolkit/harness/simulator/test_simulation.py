"""People, updates, and what is recorded of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from toolkit.harness.fake_telegram import ApiError, Fault
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import LogLines

from .tea_house import Desk, make_tea_house


@pytest.fixture
def log_lines() -> Iterator[None]:
    """Log lines go to the turns that cause them, as the server has it."""
    handler, root = LogLines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.usefixtures("log_lines")
async def test_a_turn_has_its_handler_calls_session_changes_and_log_lines(desk: Desk) -> None:
    turn = await desk.say("/tea")
    assert turn.title == "Ann: /tea"
    assert (turn.key, turn.done, turn.error) == ("1_1", True, None)
    assert [call.method for call in turn.calls] == ["sendMessage"]
    assert turn.handler is not None
    assert turn.handler.endswith("tea_house.offer")
    assert turn.place is not None
    assert "tea_house.py:" in turn.place
    assert turn.before is not None
    assert turn.after is not None
    assert (turn.before["step"], turn.after["step"]) == ("idle", "choosing")
    assert [line["text"] for line in turn.logs] == ["offering tea"]
    assert turn.seconds is not None
    assert turn.handler_seconds is not None
    assert turn.seconds >= turn.handler_seconds


async def test_the_start_is_a_turn_with_its_own_calls(desk: Desk) -> None:
    (started,) = desk.simulation.recorder.turns
    assert started.update is None
    assert [call.method for call in started.calls] == ["setMyCommands"]


async def test_calls_of_updates_handled_at_once_land_where_they_belong(desk: Desk) -> None:
    simulation = desk.simulation
    turns = [desk.say_at_once(f"I am {user}", user) for user in (1, 2, 3)]
    for turn in turns:
        await simulation.recorder.settle(turn)
    said = [[call.payload["text"] for call in turn.calls] for turn in turns]
    assert said == [[f"You said: I am {user}"] for user in (1, 2, 3)]


async def test_updates_of_one_session_see_each_other_in_order(desk: Desk) -> None:
    simulation = desk.simulation
    first = desk.say_at_once("/tea")
    second = desk.say_at_once("hello")
    await simulation.recorder.settle(second)
    assert first.after == second.before == second.after
    assert first.after is not None
    assert first.after["step"] == "choosing"


async def test_a_call_that_is_not_awaited_belongs_to_its_update(desk: Desk) -> None:
    turn = await desk.say("/later")
    assert [call.payload["text"] for call in turn.calls] == ["here it is"]


@pytest.mark.parametrize("text", ["/crash", "/crash_later"])
async def test_an_exception_is_kept_with_its_turn_and_the_talk_goes_on(
    desk: Desk, text: str
) -> None:
    turn = await desk.say(text)
    assert turn.error is not None
    assert turn.error.rstrip().endswith("RuntimeError: the kettle broke")
    assert (await desk.say("hello")).error is None


async def test_a_refused_call_has_telegrams_own_error(desk: Desk) -> None:
    turn = await desk.say("/refused")
    error = turn.calls[0].error
    assert isinstance(error, ApiError)
    assert error.description.startswith(
        'Bad Request: can\'t parse entities: Unsupported start tag "p"'
    )


async def test_an_edited_message_and_a_shared_contact_reach_the_bot(desk: Desk) -> None:
    turn = await desk.say("helo")
    message_id = (turn.message or {})["message_id"]
    await desk.ask("rewrite", user=1, chat=1, message=message_id, text="hello")
    assert desk.last.title == "Ann edited: hello"
    await desk.ask("share", user=1, chat=1, what="contact")
    assert desk.last.title == "Ann sent a contact"


async def test_a_topic_is_opened_and_answered_in(desk: Desk) -> None:
    chat = await desk.ask("gather", title="Club", kind="forum")
    thread = await desk.ask("open_topic", user=2, chat=chat, name="Plans")
    turn = await desk.say("hi", 2, chat, thread=thread)
    assert turn.calls[0].payload["message_thread_id"] == thread


async def test_a_new_person_is_in_every_group(desk: Desk) -> None:
    user = await desk.ask("meet", name="Dora")
    chat = min(desk.simulation.telegram.chats)
    turn = await desk.say("hello", user, chat)
    assert turn.title == "Dora: hello"
    assert turn.key == f"{chat}_{user}"


async def test_a_restart_keeps_sessions_and_delivers_again_what_was_being_handled(
    desk: Desk,
) -> None:
    simulation = desk.simulation
    await desk.say("/tea")
    hung = desk.say_at_once("/hang")
    await desk.until(lambda: len(hung.calls) == 1)
    crashed = simulation.recorder.running_app
    await desk.ask_at_once("restart")
    assert simulation.recorder.running_app is not crashed
    await desk.until(lambda: len(hung.calls) == 2)
    assert (hung.before or {})["notes"] == []  # nothing of the first try was kept
    assert (await simulation.recorder.fields("1_1") or {})["step"] == "choosing"


async def test_a_restart_while_a_question_is_asked_again_leaves_the_talk_as_it_was(
    desk: Desk,
) -> None:
    await desk.say("/order")
    await desk.tap("Black")
    desk.simulation.telegram.faults.add(Fault(method="sendMessage", delay=3600))
    await desk.ask_at_once("ask_again", key="1_1", question="kind")
    turn = desk.last
    while turn.handler is None:  # noqa: ASYNC110 - nothing tells that it begins
        await asyncio.sleep(0)

    await desk.ask("restart")

    assert (turn.done, turn.error) == (True, None)
    assert desk.last.title == "The bot was restarted"
    talk = (await desk.ask("session", user=1, chat=1))["talk"]
    assert (talk["waiting"], [each["name"] for each in talk["answers"]]) == ("cups", ["kind"])


async def test_a_turn_of_a_talk_has_the_talks_function_as_its_handler(desk: Desk) -> None:
    turns = [await desk.say("/order"), await desk.tap("Black"), await desk.say("2")]
    assert {turn.handler for turn in turns} == {f"{make_tea_house.__module__}.order"}
    assert all("tea_house.py:" in (turn.place or "") for turn in turns)


async def test_an_update_that_comes_again_is_not_applied_twice(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.tap("Green")
    await desk.ask("redeliver")
    assert desk.last.again
    assert desk.last.calls == []
    assert (await desk.simulation.recorder.fields("1_1") or {})["cups"] == 1


async def test_without_an_update_there_is_nothing_to_deliver_again(desk: Desk) -> None:
    assert "no update yet" in await desk.refusal("redeliver")


async def test_going_back_restores_screen_session_and_buttons(desk: Desk) -> None:
    await desk.say("/tea")
    number = (await desk.tap("Green")).number
    await desk.say("thanks")
    await desk.ask("go_back", turn=number)
    assert desk.texts() == ["/tea", "Which tea?"]
    assert (await desk.simulation.recorder.fields("1_1") or {})["step"] == "choosing"
    await desk.tap("Black")
    assert (await desk.simulation.recorder.fields("1_1") or {})["tea"] == "black"
    assert all(
        turn.number > number or turn.title != "Ann: thanks"
        for turn in desk.simulation.recorder.turns
    )


async def test_one_can_go_back_to_the_same_point_twice(desk: Desk) -> None:
    number = (await desk.say("/tea")).number
    for _ in range(2):
        await desk.ask("go_back", turn=number)
        assert desk.texts() == []
        number = (await desk.say("/tea")).number


async def test_there_is_no_way_back_to_a_start_of_the_bot(desk: Desk) -> None:
    assert "no way back" in await desk.refusal("go_back", turn=1)
    assert "no turn 99" in await desk.refusal("go_back", turn=99)


async def test_starting_over_forgets_chats_sessions_faults_and_turns(desk: Desk) -> None:
    await desk.say("/tea")
    await desk.ask("fault", name="network", on=True)
    await desk.ask("start_over")
    assert desk.texts() == []
    assert (await desk.simulation.recorder.fields("1_1") or {})["step"] == "idle"
    assert not desk.simulation.faults["network"]
    assert [turn.title for turn in desk.simulation.recorder.turns] == ["The bot started"]


async def test_code_that_does_not_load_leaves_the_old_bot_running(desk: Desk) -> None:
    simulation = desk.simulation

    def load() -> object:
        raise SyntaxError("a typing mistake")

    simulation._load = load
    assert not await simulation.start()
    assert simulation.broken is not None
    assert "a typing mistake" in simulation.broken
    assert (await desk.say("still there?")).error is None


async def test_a_bot_that_does_not_start_says_why_and_gets_its_updates_later() -> None:
    code = {"make": lambda storage: 1 / 0}
    simulation = Simulation(lambda: code["make"])
    assert not await simulation.start()
    assert "ZeroDivisionError" in (simulation.broken or "")
    turn = simulation.act(lambda world: world.send_text(1, "hello?"))
    with pytest.raises(SimulatorError, match="not running"):
        _ = simulation.recorder.running_app
    code["make"] = make_tea_house  # type: ignore[assignment]
    assert await simulation.start()
    await simulation.recorder.settle(turn)
    assert [call.payload["text"] for call in turn.calls] == ["You said: hello?"]
    await simulation.close()
