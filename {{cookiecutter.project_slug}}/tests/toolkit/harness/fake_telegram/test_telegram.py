"""Chats keep what was sent, and ids depend on nothing but the order of events."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import ApiError, Event, FakeTelegram, NotModelled
from toolkit.harness.types import Json

BUTTONS = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}


def text_of(chat: list[Json]) -> list[str]:
    return [message["text"] for message in chat]


async def test_a_message_is_edited_in_place(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    sent = await telegram.call("sendMessage", {"chat_id": 1, "text": "a", "reply_markup": BUTTONS})
    place = {"chat_id": 1, "message_id": sent["message_id"]}
    edited = await telegram.call("editMessageText", {**place, "text": "b"})
    assert text_of(telegram.messages(1)) == ["/start", "b"]
    assert edited["edit_date"] == 1_700_000_000
    assert "reply_markup" not in edited
    assert sent["text"] == "a"


async def test_private_chats_share_their_message_ids_and_supergroups_have_their_own(
    telegram: FakeTelegram,
) -> None:
    group = -(10**12) - 7
    ids = [
        telegram.send_text(user_id, "hi", chat_id)["message"]["message_id"]
        for user_id, chat_id in ((1, None), (2, None), (1, group), (2, group), (1, -5))
    ]
    assert ids == [1, 2, 1, 2, 3]


async def test_the_first_ids_can_be_chosen() -> None:
    telegram = FakeTelegram(first_message_id=100, first_update_id=7)
    update = telegram.send_text(1, "hi")
    assert (update["update_id"], update["message"]["message_id"]) == (7, 100)


async def test_a_call_is_kept_with_its_payload_result_and_time(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    await telegram.call("sendMessage", {"chat_id": "1", "text": "a", "reply_markup": "{}"})
    with pytest.raises(ApiError):
        await telegram.call("sendMessage", {"chat_id": 99, "text": "a"})
    sent, refused = telegram.calls
    assert sent.payload == {"chat_id": 1, "text": "a", "reply_markup": {}}
    assert (sent.result["message_id"], sent.error, sent.at) == (2, None, 1_700_000_000.0)
    assert (refused.result, str(refused.error)) == (None, "Bad Request: chat not found")


async def test_the_calls_that_are_kept_can_be_bounded() -> None:
    telegram = FakeTelegram(keep_calls=10, history=5)
    telegram.send_text(1, "/start")
    for number in range(100):
        await telegram.call("sendMessage", {"chat_id": 1, "text": str(number)})
    assert len(telegram.calls) < 20
    assert telegram.call_count == 100
    assert text_of(telegram.messages(1)) == ["95", "96", "97", "98", "99"]


async def test_observers_see_calls_updates_and_changes_of_messages(telegram: FakeTelegram) -> None:
    seen: list[Event] = []
    stop = telegram.observe(seen.append)
    telegram.send_text(1, "/start")
    sent = await telegram.call("sendMessage", {"chat_id": 1, "text": "a"})
    await telegram.call("deleteMessage", {"chat_id": 1, "message_id": sent["message_id"]})
    stop()
    telegram.send_text(1, "unseen")
    kinds = ["message", "update", "message", "call", "deleted", "call"]
    assert [event.kind for event in seen] == kinds
    assert {event.chat_id for event in seen} == {1}


async def test_a_method_that_is_not_modelled_fails_by_name(telegram: FakeTelegram) -> None:
    with pytest.raises(NotModelled, match=r"method not found.*logOut.*fake_telegram/methods"):
        await telegram.call("logOut", {})


async def test_a_reply_keyboard_stays_until_it_is_removed(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    keyboard = {"keyboard": [["Yes", "No"]]}
    await telegram.call("sendMessage", {"chat_id": 1, "text": "a", "reply_markup": keyboard})
    await telegram.call("sendMessage", {"chat_id": 1, "text": "b"})
    assert [button.label for button in telegram.buttons(1)] == ["Yes", "No"]
    remove = {"remove_keyboard": True}
    await telegram.call("sendMessage", {"chat_id": 1, "text": "c", "reply_markup": remove})
    assert telegram.buttons(1) == []


async def test_a_forward_tells_where_it_is_from_and_a_copy_does_not(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "hello")
    telegram.send_text(2, "/start")
    place = {"from_chat_id": 1, "message_id": 1, "chat_id": 2}
    forwarded = await telegram.call("forwardMessage", place)
    copied = await telegram.call("copyMessage", place)
    assert forwarded["forward_origin"]["sender_user"]["id"] == 1
    assert copied == {"message_id": 4}
    shown = telegram.message(2, 4)
    assert shown is not None
    assert (shown["text"], "forward_origin" in shown) == ("hello", False)


async def test_commands_are_kept_by_scope_and_language(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    chat: Json = {"scope": {"type": "chat", "chat_id": 1}, "language_code": "de"}
    everywhere: Json = {}
    for name, where in (("start", everywhere), ("hallo", chat)):
        commands = [{"command": name, "description": "x"}]
        await telegram.call("setMyCommands", {"commands": commands, **where})
    assert (await telegram.call("getMyCommands", {}))[0]["command"] == "start"
    assert (await telegram.call("getMyCommands", chat))[0]["command"] == "hallo"
    await telegram.call("deleteMyCommands", chat)
    assert await telegram.call("getMyCommands", chat) == []


async def test_an_old_query_cannot_be_answered() -> None:
    now = [1000.0]
    telegram = FakeTelegram(clock=lambda: now[0], query_lifetime=60)
    telegram.send_text(1, "/start")
    query = telegram.tap(1, 1, "x")["callback_query"]["id"]
    now[0] += 61
    with pytest.raises(ApiError, match="query is too old"):
        await telegram.call("answerCallbackQuery", {"callback_query_id": query})


async def test_a_file_that_was_uploaded_is_sent_again_by_its_id(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    document = telegram.send_document(1, b"text", "notes.txt")["message"]["document"]
    sent = await telegram.call("sendDocument", {"chat_id": 1, "document": document["file_id"]})
    assert sent["document"] == document
    found = await telegram.call("getFile", {"file_id": document["file_id"]})
    stored = telegram.files.at(found["file_path"])
    assert stored is not None
    assert stored.content == b"text"


async def test_a_topic_is_opened_closed_and_deleted_with_its_messages(
    telegram: FakeTelegram,
) -> None:
    forum = -(10**12) - 9
    telegram.group(forum, forum=True, bot="administrator")
    topic = await telegram.call("createForumTopic", {"chat_id": forum, "name": "News"})
    place = {"chat_id": forum, "message_thread_id": topic["message_thread_id"]}
    sent = await telegram.call("sendMessage", {**place, "text": "a"})
    assert sent["is_topic_message"]
    await telegram.call("closeForumTopic", place)
    await telegram.call("deleteForumTopic", place)
    assert "a" not in text_of([m for m in telegram.messages(forum) if "text" in m])
    with pytest.raises(ApiError, match="message thread not found"):
        await telegram.call("sendMessage", {**place, "text": "b"})


async def test_an_administrator_may_what_a_member_may_not(telegram: FakeTelegram) -> None:
    group = -(10**12) - 5
    telegram.group(group, members=[1], bot="administrator")
    message = telegram.send_text(1, "spam", group)["message"]
    place = {"chat_id": group, "message_id": message["message_id"]}
    assert await telegram.call("pinChatMessage", place)
    assert await telegram.call("deleteMessage", place)
    assert await telegram.call("banChatMember", {"chat_id": group, "user_id": 1})
    assert (await telegram.call("getChatMember", {"chat_id": group, "user_id": 1}))[
        "status"
    ] == "kicked"


async def test_an_answer_in_a_web_app_is_shown_in_its_chat(telegram: FakeTelegram) -> None:
    result: Json = {"type": "article", "id": "1", "title": "x"}
    result |= {"input_message_content": {"message_text": "done"}}
    with pytest.raises(ApiError, match="query is too old"):
        await telegram.call("answerWebAppQuery", {"web_app_query_id": "1", "result": result})


async def test_an_ephemeral_message_is_for_one_member_and_not_in_the_chat(
    telegram: FakeTelegram,
) -> None:
    telegram.send_text(1, "hi", -5)
    only = {"ephemeral_message_parameters": {"receiver_user_id": 1}}
    sent = await telegram.call("sendMessage", {"chat_id": -5, "text": "psst", **only})
    assert (sent["message_id"], sent["ephemeral_message_id"]) == (0, 1)
    assert text_of(telegram.messages(-5)) == ["hi"]
    place = {"chat_id": -5, "receiver_user_id": 1, "ephemeral_message_id": 1}
    assert await telegram.call("editEphemeralMessageText", {**place, "text": "shh"})
    assert telegram.chats[-5].ephemeral[1, 1]["text"] == "shh"
    assert await telegram.call("deleteEphemeralMessage", place)
    with pytest.raises(ApiError, match="message to delete not found"):
        await telegram.call("deleteEphemeralMessage", place)
