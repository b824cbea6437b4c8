"""The fake server goes back to an earlier point, any number of times."""

from __future__ import annotations

from toolkit.harness.fake_telegram import FakeTelegram, snapshots

KEYBOARD = {"inline_keyboard": [[{"text": "Tea", "callback_data": "tea"}]]}


async def talk(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "hello")
    await telegram.call("sendMessage", {"chat_id": 1, "text": "Tea?", "reply_markup": KEYBOARD})


async def test_messages_edits_answers_and_blocks_are_undone(telegram: FakeTelegram) -> None:
    await talk(telegram)
    before = telegram.messages(1)
    point = snapshots.take(telegram)
    for _ in range(2):
        query = telegram.tap(1, label="Tea")["callback_query"]
        await telegram.call("answerCallbackQuery", {"callback_query_id": query["id"]})
        await telegram.call("editMessageText", {"chat_id": 1, "message_id": 2, "text": "Poured"})
        await telegram.call("deleteMessage", {"chat_id": 1, "message_id": 2})
        telegram.block(1)
        snapshots.restore(telegram, point)
        assert telegram.messages(1) == before
        assert telegram.unanswered == []
        assert not telegram.users[1].blocked


async def test_ids_of_messages_come_again_and_those_of_updates_do_not(
    telegram: FakeTelegram,
) -> None:
    point = snapshots.take(telegram)
    first = telegram.send_text(1, "one")
    snapshots.restore(telegram, point)
    second = telegram.send_text(1, "two")
    assert first["message"]["message_id"] == second["message"]["message_id"]
    assert first["update_id"] < second["update_id"]


async def test_faults_and_observers_belong_to_the_present(telegram: FakeTelegram) -> None:
    point = snapshots.take(telegram)
    seen: list[str] = []
    telegram.observe(lambda event: seen.append(event.kind))
    fault = telegram.faults.network_error()
    snapshots.restore(telegram, point)
    telegram.send_text(1, "hello")
    assert telegram.faults.rules == [fault]
    assert seen == ["message", "update"]
