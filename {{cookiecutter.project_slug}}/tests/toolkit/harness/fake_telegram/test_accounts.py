"""What users do with accounts, channels and bots of their own is remembered, or not possible."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, PersonError
from toolkit.harness.types import Json

from .acts import CHANNEL, connected


async def test_an_account_is_connected_changed_and_taken_away(telegram: FakeTelegram) -> None:
    connection = connected(telegram)
    changed = telegram.connect_business(7, ["can_reply"])["business_connection"]
    assert (changed["id"], changed["rights"]) == (connection, {"can_reply": True})
    assert not telegram.disconnect_business(7)["business_connection"]["is_enabled"]
    with pytest.raises(PersonError, match="no business connection 'business-1'"):
        telegram.send_business(1, connection, "hello")
    with pytest.raises(PersonError, match="not connected to the account of user 9"):
        telegram.disconnect_business(9)


async def test_a_customer_is_answered_by_the_owner_and_by_the_bot(telegram: FakeTelegram) -> None:
    connection = connected(telegram)
    telegram.send_business(1, connection, "hello")
    owner = telegram.send_business(7, connection, "hi", 1)["business_message"]
    assert (owner["chat"]["id"], owner["from"]["id"]) == (1, 7)
    with pytest.raises(PersonError, match="name the customer"):
        telegram.send_business(7, connection, "hi")
    place = {"business_connection_id": connection, "chat_id": 1}
    keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    await telegram.call("sendMessage", {**place, "text": "?", "reply_markup": keyboard})
    tapped = telegram.tap(1, label="Yes")["callback_query"]
    assert tapped["message"]["business_connection_id"] == connection


def test_what_is_written_to_an_account_is_edited_and_deleted_there(telegram: FakeTelegram) -> None:
    connection = connected(telegram)
    own = telegram.send_text(1, "to the bot")["message"]["message_id"]
    with pytest.raises(PersonError, match=f"{own} is not a message of user 1"):
        telegram.edit_business(1, connection, own, "x")
    sent = telegram.send_business(1, connection, "a")["business_message"]["message_id"]
    telegram.edit_business(1, connection, sent, "b")
    assert telegram.messages(1)[-1]["text"] == "b"
    telegram.delete_business(connection, 1, sent)
    assert [message["message_id"] for message in telegram.messages(1)] == [own]
    with pytest.raises(PersonError, match=f"there is no message {sent}"):
        telegram.delete_business(connection, 1, sent)


async def test_an_account_that_an_update_names_can_be_answered_for(telegram: FakeTelegram) -> None:
    chat = {"id": 9, "type": "private", "first_name": "Zoe"}
    user = {"id": 9, "is_bot": False, "first_name": "Zoe"}
    message = {"message_id": 5, "date": 1, "chat": chat, "from": user, "text": "hi"}
    telegram.inject({"business_message": {**message, "business_connection_id": "shop"}})
    known = await telegram.call("getBusinessConnection", {"business_connection_id": "shop"})
    assert known["is_enabled"]
    assert known["user"]["id"] != 9


async def test_stars_of_an_account_come_to_the_bot(telegram: FakeTelegram) -> None:
    connection = telegram.connect_business(7, stars=100)["business_connection"]["id"]
    place = {"business_connection_id": connection}

    await telegram.call("transferBusinessAccountStars", {**place, "star_count": 60})

    left = await telegram.call("getBusinessAccountStarBalance", place)
    assert left["amount"] == 40
    assert (await telegram.call("getMyStarBalance", {}))["amount"] == 60
    found = await telegram.call("getStarTransactions", {})
    assert found["transactions"][0]["source"]["transaction_type"] == "business_account_transfer"


async def test_tasks_are_marked_by_others_where_they_may(telegram: FakeTelegram) -> None:
    group = -5
    own = telegram.send_checklist(1, "Mine", "Milk", others_can=False, chat_id=group)["message"]
    with pytest.raises(PersonError, match="only the owner of checklist 1 can mark_tasks_as_done"):
        telegram.mark_tasks(2, own["message_id"], 1, chat_id=group)
    sent = telegram.send_checklist(1, "Ours", "Milk", "Tea", chat_id=group)["message"]
    done = telegram.mark_tasks(2, sent["message_id"], 2, chat_id=group)["message"]
    assert done["checklist_tasks_done"]["marked_as_done_task_ids"] == [2]
    task = telegram.message(group, sent["message_id"])["checklist"]["tasks"][1]  # type: ignore[index]
    assert task["completed_by_user"]["id"] == 2
    telegram.mark_tasks(1, sent["message_id"], 2, chat_id=group, done=False)
    shown: Json = telegram.message(group, sent["message_id"]) or {}
    assert shown["checklist"]["tasks"][1] == {"id": 2, "text": "Tea"}
    with pytest.raises(PersonError, match="has no task 9"):
        telegram.mark_tasks(1, sent["message_id"], 9, chat_id=group)
    with pytest.raises(PersonError, match="is not a checklist"):
        telegram.add_tasks(1, 99, "Bread", chat_id=group)


async def test_a_customer_marks_tasks_of_a_business(telegram: FakeTelegram) -> None:
    connection = connected(telegram)
    checklist = {"title": "Order", "tasks": [{"id": 1, "text": "Pay"}]}
    payload = {"business_connection_id": connection, "chat_id": 1, "checklist": checklist}
    with pytest.raises(ApiError, match="BUSINESS_PEER_INVALID"):
        await telegram.call("sendChecklist", payload)
    telegram.send_business(1, connection, "hello")
    payload["checklist"] = {**checklist, "others_can_mark_tasks_as_done": True}
    sent = await telegram.call("sendChecklist", payload)
    update = telegram.mark_tasks(1, sent["message_id"], 1)
    assert update["business_message"]["business_connection_id"] == connection


async def test_a_suggested_post_is_answered_once(telegram: FakeTelegram) -> None:
    post = telegram.suggest_post(1, CHANNEL, "Buy tea")["message"]
    assert post["suggested_post_info"] == {"state": "pending"}
    place = {"chat_id": post["chat"]["id"], "message_id": post["message_id"]}
    with pytest.raises(PersonError, match="is not an approved post with a price"):
        telegram.end_suggested_post(CHANNEL, post["message_id"], "paid")
    await telegram.call("approveSuggestedPost", place)
    published = telegram.messages(CHANNEL)[-1]
    assert (published["text"], published["sender_chat"]["id"]) == ("Buy tea", CHANNEL)
    with pytest.raises(ApiError, match="can't be used in the method"):
        await telegram.call("approveSuggestedPost", place)


def test_a_managed_bot_is_its_owners(telegram: FakeTelegram) -> None:
    bot = telegram.create_managed_bot(1, "Helper", "helper_bot")["managed_bot"]["bot"]
    assert (bot["is_bot"], bot["username"]) == (True, "helper_bot")
    assert telegram.messages(1) == []
    telegram.give_managed_bot(1, bot["id"], 2)
    token = telegram.managed_bots[bot["id"]].token
    with pytest.raises(PersonError, match="user 1 has no managed bot"):
        telegram.replace_managed_bot_token(1, bot["id"])
    telegram.replace_managed_bot_token(2, bot["id"])
    assert telegram.managed_bots[bot["id"]].token != token


async def test_a_managed_bot_and_a_join_request_of_raw_updates_are_known(
    telegram: FakeTelegram,
) -> None:
    user = {"id": 9, "is_bot": False, "first_name": "Zoe"}
    bot = {"id": 99, "is_bot": True, "first_name": "Helper", "username": "helper_bot"}
    telegram.inject({"managed_bot": {"user": user, "bot": bot}})
    assert await telegram.call("getManagedBotToken", {"user_id": 99}) == "99:managed-1"
    chat = {"id": -(10**12) - 5, "type": "supergroup", "title": "Tea"}
    asked = {"chat": chat, "from": user, "user_chat_id": 9, "date": 1, "query_id": "7"}
    telegram.inject({"chat_join_request": asked})
    answer = {"chat_join_request_query_id": "7", "result": "decline"}
    assert await telegram.call("answerChatJoinRequestQuery", answer)


async def test_a_group_that_the_bot_guards_is_asked_with_a_query(telegram: FakeTelegram) -> None:
    group = -(10**12) - 5
    query = telegram.ask_to_join(1, group, guarded=True)["chat_join_request"]["query_id"]
    answer = {"chat_join_request_query_id": query, "result": "approve"}
    assert await telegram.call("answerChatJoinRequestQuery", answer)
    assert telegram.chats[group].status_of(1) == "member"
    with pytest.raises(ApiError, match="QUERY_ID_INVALID"):
        await telegram.call("answerChatJoinRequestQuery", answer)


async def test_a_bot_has_other_bots_after_it_took_another_token(telegram: FakeTelegram) -> None:
    telegram.adopt("77:token")
    bot = telegram.create_managed_bot(1, "Helper", "helper_bot")["managed_bot"]["bot"]
    token = await telegram.call("getManagedBotToken", {"user_id": bot["id"]})
    assert token.startswith(f"{bot['id']}:")
