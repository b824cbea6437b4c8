"""Specs against a bot: what passes, what fails, and what the failure says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from toolkit.harness.specs.runner import SpecResult, run_spec, run_specs
from toolkit.harness.specs.spec import BotSpec, parse_specs
from toolkit.harness.types import Json

Run = Callable[..., Any]


def step(send: Json, *expect: Json, **more: Any) -> Json:
    return {"send": send, "expect": list(expect), **more}


def sends(text: Any, method: str = "sendMessage", **payload: Any) -> Json:
    return {"method": method, "payload": {"text": text, **payload}}


def spec(*steps: Json, strict: bool = False) -> BotSpec:
    return parse_specs({"name": "a dialogue", "strict": strict, "steps": list(steps)}, "f")[0]


@pytest.fixture
def run(make_bot: Callable[[], Any]) -> Run:
    async def run(*steps: Json, strict: bool = False) -> SpecResult:
        return await run_spec(spec(*steps, strict=strict), make_bot)

    return run


BOOK = step({"text": "/book"}, sends("What service?"))


async def test_a_dialogue_passes(run: Run) -> None:
    result = await run(
        BOOK,
        step({"tap": "Haircut"}, sends("When, for a haircut?", "editMessageText")),
        step({"text": "2pm"}, sends({"$regex": "2pm$"}), session={"service": "haircut"}),
    )
    assert result.failure is None
    assert result.commands == {"book": "Book a visit"}


async def test_every_spec_meets_a_fresh_bot(run: Run) -> None:
    for _ in range(2):
        result = await run(step({"text": "/book"}, session={"times": 1}))
        assert result.ok, result.failure


async def test_a_failure_shows_the_step_the_calls_and_the_nearest(run: Run) -> None:
    result = await run(BOOK, step({"tap": "Shave"}, sends("When?", "editMessageText")))
    assert result.failure == (
        'step 2 of 2 sent {"tap": "Shave"}\n'
        "\n"
        "expected these calls, in this order (- missing, = found, + any other):\n"
        '  - editMessageText {"text": "When?"}\n'
        '  + answerCallbackQuery {"callback_query_id": "1", "text": "Noted"}\n'
        '  + editMessageText {"text": "When, for a shave?", "chat_id": 1, "message_id": 2,'
        ' "parse_mode": "HTML"}\n'
        "\n"
        'the nearest to editMessageText {"text": "When?"} is call 2:\n'
        '  payload.text: expected "When?"\n'
        '                captured "When, for a shave?"'
    )


async def test_a_strict_spec_allows_no_other_call(run: Run) -> None:
    answer = {"method": "answerCallbackQuery"}
    edit = {"method": "editMessageText"}
    assert (await run(BOOK, step({"tap": "Shave"}, answer, edit), strict=True)).ok
    result = await run(BOOK, step({"tap": "Shave"}, edit), strict=True)
    assert "expected exactly these calls" in result.failure


async def test_a_call_that_telegram_refused_is_shown_with_its_reason(run: Run) -> None:
    fault = {"error": 400, "text": "message is too long", "method": "sendMessage"}
    result = await run(step({"text": "hello"}, sends("hello"), fault=fault))
    assert "the bot raised" in result.failure
    assert "refused: Bad Request: message is too long" in result.failure
    assert "in echo\n    await message.answer(" in result.failure
    assert "site-packages" not in result.failure


async def test_a_handlers_exception_fails_the_step_though_all_calls_are_there(run: Run) -> None:
    result = await run(step({"text": "raise"}))
    assert "the bot raised ValueError: the handler is broken" in result.failure
    assert "in fail\n" in result.failure


async def test_a_floated_call_counts_to_its_step(run: Run) -> None:
    result = await run(step({"text": "float"}, sends("floated")), BOOK, strict=True)
    assert result.ok, result.failure


async def test_the_session_is_compared_as_a_subset(run: Run) -> None:
    result = await run(step({"text": "/book"}, session={"times": 2}))
    assert "session.times: expected 2\n                 captured 1" in result.failure


async def test_a_session_that_cannot_be_read_fails_the_step(run: Run) -> None:
    result = await run(step({"text": "spoil the session"}, session={"times": 2}))
    assert "step 1 of 1" in result.failure
    assert "SessionUndecodable" in result.failure


async def test_a_tap_without_such_a_button_names_the_buttons_there_are(run: Run) -> None:
    result = await run(BOOK, step({"tap": "Perm"}))
    assert (
        "No button labelled 'Perm'; there are 'Haircut', 'Shave', 'Silence', 'Never mind'"
        in result.failure
    )


async def test_a_tap_may_tell_its_button_by_a_matcher(run: Run) -> None:
    edit = sends("When, for a haircut?", "editMessageText")
    assert (await run(BOOK, step({"tap": {"$regex": "^H.*t$"}}, edit))).ok
    result = await run(BOOK, step({"tap": {"$contains": "Perm"}}))
    assert "No button labelled '{'$contains': 'Perm'}'; there are 'Haircut'" in result.failure


async def test_a_tap_that_is_never_answered_fails(run: Run) -> None:
    result = await run(BOOK, step({"tap": "Silence"}))
    assert "the tap on 'silence' was never answered" in result.failure


async def test_raw_callback_data_may_stay_unanswered(run: Run) -> None:
    assert (await run(BOOK, step({"callback": "silence"}))).ok


async def test_callback_data_finds_the_newest_message_with_its_button(run: Run) -> None:
    result = await run(
        BOOK,
        step({"text": "hm"}, sends("1: hm")),
        step({"callback": "shave"}, {"method": "editMessageText", "payload": {"message_id": 2}}),
    )
    assert result.ok, result.failure


async def test_a_button_of_an_earlier_dialogue_still_works(run: Run) -> None:
    edit = {"method": "editMessageText", "payload": {"message_id": 100}}
    result = await run(step({"callback": "shave", "messageId": 100}, edit), BOOK)
    assert result.ok, result.failure
    result = await run(step({"callback": "shave"}, {"method": "editMessageText"}), BOOK)
    assert result.ok, result.failure


async def test_a_button_of_a_deleted_message_comes_from_a_message_out_of_reach(run: Run) -> None:
    result = await run(
        BOOK,
        step({"tap": "Never mind"}, {"method": "deleteMessage", "payload": {"message_id": 2}}),
        step({"callback": "shave", "messageId": 2}, {"method": "answerCallbackQuery"}),
    )
    assert result.ok, result.failure
    result = await run(
        BOOK,
        step({"tap": "Never mind"}),
        step({"callback": "shave", "messageId": 2}, {"method": "editMessageText"}),
    )
    assert "- editMessageText" in result.failure


async def test_a_message_id_of_the_persons_own_means_the_message_with_the_button(run: Run) -> None:
    edit = {"method": "editMessageText", "payload": {"message_id": 2}}
    result = await run(BOOK, step({"callback": "shave", "messageId": 1}, edit))
    assert result.ok, result.failure


async def test_other_chats_and_users_are_named_by_id(run: Run) -> None:
    result = await run(
        step({"text": "a", "userId": 7}, sends("7: a", chat_id=7)),
        step({"text": "b", "userId": 7, "chatId": -100}, sends("7: b", chat_id=-100)),
        step({"text": "c", "chatId": -100}, sends("1: c", chat_id=-100)),
        step({"text": "/book", "userId": 7, "chatId": -100}, {"method": "sendMessage"}),
        step({"tap": "Shave", "userId": 8, "chatId": -100}, {"method": "editMessageText"}),
    )
    assert result.ok, result.failure


async def test_a_user_may_act_in_any_private_chat(run: Run) -> None:
    here = {"chatId": 42, "userId": 99}
    result = await run(
        step({"text": "a", **here}, sends("99: a", chat_id=42)),
        step({"text": "/book", **here}, sends("What service?", chat_id=42)),
        step({"tap": "Shave", **here}, {"method": "editMessageText"}),
        step({"callback": "old", **here}, {"method": "editMessageText"}),
    )
    assert result.ok, result.failure


ANN = {"id": 5, "is_bot": False, "first_name": "Ann"}


async def test_a_raw_update_is_delivered_as_it_is(run: Run) -> None:
    chat = {"id": -200, "type": "supergroup", "title": "Shop"}
    message = {"message_id": 9, "date": 1, "chat": chat, "from": ANN, "text": "raw"}
    result = await run(
        step({"update": {"update_id": 7, "message": message}}, sends("5: raw", chat_id=-200)),
        step({"update": {"message": {**message, "message_id": 10}}}, sends("5: raw")),
        step({"text": "later", "chatId": -200, "userId": 5}, sends("5: later")),
    )
    assert result.ok, result.failure


async def test_a_raw_update_with_the_same_number_is_a_redelivery(run: Run) -> None:
    message = {"message_id": 9, "date": 1, "chat": {"id": 5, "type": "private"}, "from": ANN}
    send = {"update": {"update_id": 7, "message": {**message, "text": "/book"}}}
    result = await run(step(send, {"method": "sendMessage"}), step(send), strict=True)
    assert result.ok, result.failure


async def test_a_raw_tap_may_be_dated_zero_and_name_another_bot(run: Run) -> None:
    chat = {"id": -200, "type": "supergroup", "title": "Shop"}
    other_bot = {"id": 1000, "is_bot": True, "first_name": "TestBot"}
    message = {"message_id": 10, "date": 0, "chat": chat, "from": other_bot, "text": "(previous)"}
    query = {"id": "2", "from": ANN, "message": message, "chat_instance": "1", "data": "x"}
    edit = sends("When, for a x?", "editMessageText", message_id=10)
    result = await run(step({"update": {"update_id": 2, "callback_query": query}}, edit))
    assert result.ok, result.failure


async def test_a_raw_tap_may_come_from_an_inline_message(run: Run) -> None:
    query = {"id": "77", "from": ANN, "chat_instance": "1", "data": "x", "inline_message_id": "im"}
    answer = {"method": "answerCallbackQuery", "payload": {"callback_query_id": "77"}}
    edit = sends("When, for a x?", "editMessageText", inline_message_id="im")
    result = await run(step({"update": {"callback_query": query}}, answer, edit))
    assert result.ok, result.failure


async def test_a_raw_update_that_telegram_could_not_send_is_refused(run: Run) -> None:
    result = await run(step({"update": {"message": {"text": "hi"}}}))
    assert "this cannot be sent: " in result.failure
    assert "message.message_id\n  Field required" in result.failure


async def test_a_fault_strikes_and_the_bot_goes_on(run: Run) -> None:
    fault = {"error": 429, "retry_after": 30, "method": "sendMessage"}
    again = {"method": "sendMessage"}
    result = await run(step({"text": "hello"}, again, again, fault=fault), BOOK, strict=True)
    assert result.ok, result.failure


async def test_a_fault_that_never_strikes_fails_the_spec(run: Run) -> None:
    for times in (1, "always"):
        fault = {"error": 403, "method": "sendPhoto", "times": times}
        result = await run(step({"text": "hello"}, fault=fault))
        assert result.failure == "the fault of step 1 never struck: the bot made no such call"


async def test_a_fault_may_last(run: Run) -> None:
    fault = {"error": 403, "times": "always"}
    result = await run(step({"text": "hello"}, fault=fault), step({"text": "again"}))
    assert result.ok, result.failure


def test_a_bot_that_does_not_start_fails_its_specs() -> None:
    def make_bot() -> Any:
        raise SystemExit("no settings")

    with asyncio.Runner() as runner:
        (result,) = run_specs(runner, [spec(BOOK)], make_bot)
    assert result.failure is not None
    assert "the bot does not start or stop" in result.failure
    assert "SystemExit: no settings" in result.failure


async def test_buttons_are_expected_by_their_labels(run: Run) -> None:
    def asked(buttons: Any) -> Json:
        return step({"text": "/book"}, {"method": "sendMessage", "buttons": buttons})

    labels = ["Haircut", "Shave", "Silence", "Never mind"]
    like = ["Haircut", {"$regex": "^S"}, {"$contains": "len"}, "Never mind"]
    for fitting in (labels, like, {"$contains": "Shave"}):
        assert (await run(asked(fitting))).failure is None
    for wrong in ([], labels[:1], [*labels, "More"], {"$contains": "More"}):
        failure = (await run(asked(wrong))).failure
        assert failure is not None
        assert "buttons: expected" in failure


async def test_strict_calls_go_to_the_chat_of_the_step_unless_they_say_another(run: Run) -> None:
    there = step({"text": "hi", "userId": 7}, {"method": "sendMessage"})
    elsewhere = step({"text": "/tell 7"}, {"method": "sendMessage"})

    assert (await run(there, elsewhere)).failure is None
    failure = (await run(there, elsewhere, strict=True)).failure
    assert failure is not None
    assert "payload.chat_id: expected 1\n                   captured 7" in failure
    named = step({"text": "/tell 7"}, {"method": "sendMessage", "payload": {"chat_id": 7}})
    assert (await run(there, named, strict=True)).failure is None
