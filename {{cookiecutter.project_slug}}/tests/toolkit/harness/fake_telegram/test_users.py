"""Users act, and the bot receives the updates that Telegram would send."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, NoSuchButton, PersonError
from toolkit.harness.types import Json

GROUP = -(10**12) - 5


async def say(telegram: FakeTelegram, text: str, **payload: Any) -> Json:
    sent: Json = await telegram.call("sendMessage", {"chat_id": 1, "text": text, **payload})
    return sent


def keyboard(*labels: str) -> Json:
    return {"inline_keyboard": [[{"text": label, "callback_data": label}] for label in labels]}


def test_a_command_has_its_entity(telegram: FakeTelegram) -> None:
    message = telegram.send_text(1, "😀 /book now")["message"]
    assert message["entities"] == [{"type": "bot_command", "offset": 3, "length": 5}]
    assert message["chat"] == {"id": 1, "type": "private", "first_name": "User 1"}
    assert "entities" not in telegram.send_text(1, "book now")["message"]


async def test_a_tap_finds_the_newest_button_with_the_label(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    old = await say(telegram, "old", reply_markup=keyboard("Yes"))
    new = await say(telegram, "new", reply_markup=keyboard("Yes", "No"))
    tapped = telegram.tap(1, label="Yes")["callback_query"]
    assert tapped["message"]["message_id"] == new["message_id"]
    again = telegram.tap(1, old["message_id"], label="Yes")["callback_query"]
    assert again["message"]["message_id"] == old["message_id"]


async def test_a_label_that_is_not_there_is_answered_with_those_that_are(
    telegram: FakeTelegram,
) -> None:
    telegram.send_text(1, "/start")
    with pytest.raises(NoSuchButton, match="No button labelled 'X'; there are none"):
        telegram.tap(1, label="X")
    await say(telegram, "?", reply_markup=keyboard("A", "B"))
    with pytest.raises(NoSuchButton, match="No button labelled 'X'; there are 'A', 'B'"):
        telegram.tap(1, label="X")


async def test_a_link_button_does_not_reach_the_bot(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    link = {"inline_keyboard": [[{"text": "Site", "url": "https://example.com"}]]}
    await say(telegram, "?", reply_markup=link)
    with pytest.raises(NoSuchButton, match="the button 'Site' has url"):
        telegram.tap(1, label="Site")


async def test_a_tap_waits_for_its_answer(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    await say(telegram, "?", reply_markup=keyboard("A"))
    query = telegram.tap(1, label="A")["callback_query"]["id"]
    assert [waiting.data for waiting in telegram.unanswered] == ["A"]
    await telegram.call("answerCallbackQuery", {"callback_query_id": query, "text": "ok"})
    assert telegram.unanswered == []
    assert telegram.callbacks[query].answer == {"text": "ok"}


def test_a_tap_on_a_message_that_is_gone_has_only_its_id(telegram: FakeTelegram) -> None:
    message = telegram.tap(1, 77, "x")["callback_query"]["message"]
    assert (message["message_id"], message["date"]) == (77, 0)


async def test_a_button_of_the_reply_keyboard_sends_its_label_or_what_it_asks_for(
    telegram: FakeTelegram,
) -> None:
    telegram.send_text(1, "/start")
    buttons = ["Yes", {"text": "Phone", "request_contact": True}]
    await say(telegram, "?", reply_markup={"keyboard": [buttons], "one_time_keyboard": True})
    assert telegram.tap(1, label="Yes")["message"]["text"] == "Yes"
    assert telegram.buttons(1) == []
    await say(telegram, "?", reply_markup={"keyboard": [buttons]})
    contact = telegram.tap(1, label="Phone")["message"]["contact"]
    assert contact["user_id"] == 1


def test_an_edit_arrives_as_an_edited_message(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "one")
    edited = telegram.edit_text(1, 1, "two")["edited_message"]
    assert (edited["text"], edited["edit_date"]) == ("two", 1_700_000_000)
    assert [message["text"] for message in telegram.messages(1)] == ["two"]


def test_a_reply_shows_what_it_replies_to(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "one")
    reply = telegram.send_text(1, "two", reply_to=1)["message"]
    assert reply["reply_to_message"]["text"] == "one"
    with pytest.raises(PersonError, match="no message 9"):
        telegram.send_text(1, "three", reply_to=9)


async def test_who_blocks_the_bot_cannot_be_written_to_until_they_come_back(
    telegram: FakeTelegram,
) -> None:
    telegram.send_text(1, "/start")
    update = telegram.block(1)["my_chat_member"]
    assert update["new_chat_member"]["status"] == "kicked"
    with pytest.raises(ApiError, match="bot was blocked by the user"):
        await say(telegram, "hi")
    with pytest.raises(PersonError, match="unblock"):
        telegram.send_text(1, "hello?")
    assert telegram.unblock(1)["my_chat_member"]["new_chat_member"]["status"] == "member"
    await say(telegram, "hi")


def test_members_come_and_go(telegram: FakeTelegram) -> None:
    telegram.updates.allow(["message", "chat_member"])
    assert telegram.join(1, GROUP)["message"]["new_chat_members"][0]["id"] == 1
    assert telegram.leave(1, GROUP)["message"]["left_chat_member"]["id"] == 1
    kinds = [next(kind for kind in u if kind != "update_id") for u in telegram.updates.take()]
    assert kinds == ["chat_member", "message"] * 2
    with pytest.raises(PersonError, match="is not in chat"):
        telegram.send_text(1, "hi", GROUP)


def test_the_bot_is_added_and_thrown_out(telegram: FakeTelegram) -> None:
    added = telegram.add_bot(1, GROUP)["my_chat_member"]
    assert [added[f"{age}_chat_member"]["status"] for age in ("old", "new")] == ["left", "member"]
    telegram.remove_bot(1, GROUP)
    telegram.updates.take()
    telegram.send_text(1, "hi", GROUP)
    assert len(telegram.updates) == 0


def test_a_group_becomes_a_supergroup(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "hi", -5)
    moved = telegram.migrate(-5)["message"]
    assert moved["migrate_to_chat_id"] == -(10**12) - 5
    assert telegram.messages(-(10**12) - 5)[0]["migrate_from_chat_id"] == -5


async def test_an_inline_query_is_answered_and_a_result_chosen(telegram: FakeTelegram) -> None:
    query = telegram.inline_query(1, "cats")["inline_query"]["id"]
    result = {"type": "article", "id": "7", "title": "Cat", "reply_markup": keyboard("More")}
    result["input_message_content"] = {"message_text": "*meow*", "parse_mode": "Markdown"}
    await telegram.call("answerInlineQuery", {"inline_query_id": query, "results": [result]})
    telegram.group(GROUP)
    chosen = telegram.choose_result(1, query, "7", GROUP)["chosen_inline_result"]
    assert telegram.messages(GROUP)[0]["text"] == "meow"
    inline = {"inline_message_id": chosen["inline_message_id"]}
    assert await telegram.call("editMessageText", {**inline, "text": "purr"}) is True
    assert telegram.messages(GROUP)[0]["text"] == "purr"


@pytest.mark.parametrize(
    ("currency", "amount", "label"),
    [("EUR", 2500, "25.00 EUR"), ("JPY", 500, "500 JPY"), ("TND", 9005, "9.005 TND")],
)
async def test_the_button_of_an_invoice_has_its_amount_as_users_write_it(
    telegram: FakeTelegram, currency: str, amount: int, label: str
) -> None:
    telegram.send_text(1, "/start")
    price = {"currency": currency, "prices": [{"label": "Tea", "amount": amount}]}
    invoice = {"chat_id": 1, "title": "Tea", "description": "Hot", "payload": "tea", **price}
    sent = await telegram.call("sendInvoice", {**invoice, "provider_token": "1:TEST"})
    assert sent["reply_markup"]["inline_keyboard"][0][0]["text"] == f"Pay {label}"


async def test_a_payment_is_asked_for_approved_and_made(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    prices = {"currency": "XTR", "prices": [{"label": "Tea", "amount": 3}]}
    invoice = {"chat_id": 1, "title": "Tea", "description": "Hot", "payload": "tea", **prices}
    sent = await telegram.call("sendInvoice", invoice)
    query = telegram.pre_checkout(1, sent["message_id"])["pre_checkout_query"]
    assert (query["total_amount"], query["invoice_payload"]) == (3, "tea")
    with pytest.raises(PersonError, match="has not answered"):
        telegram.pay(1, query["id"])
    answer = {"pre_checkout_query_id": query["id"], "ok": True}
    await telegram.call("answerPreCheckoutQuery", answer)
    payment = telegram.pay(1, query["id"])["message"]["successful_payment"]
    refund = {"user_id": 1, "telegram_payment_charge_id": payment["telegram_payment_charge_id"]}
    assert await telegram.call("refundStarPayment", refund)


async def test_votes_are_counted(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    poll = {"chat_id": 1, "question": "Lunch?", "options": ["Yes", "No"], "is_anonymous": False}
    sent = (await telegram.call("sendPoll", poll))["poll"]
    answer = telegram.vote(1, sent["id"], 1)["poll_answer"]
    assert answer["option_ids"] == [1]
    stopped = await telegram.call("stopPoll", {"chat_id": 1, "message_id": 2})
    assert [option["voter_count"] for option in stopped["options"]] == [0, 1]
    with pytest.raises(PersonError, match="closed"):
        telegram.vote(1, sent["id"], 0)


def test_a_reaction_tells_the_old_and_the_new(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "hi")
    telegram.react(1, 1, "👍")
    changed = telegram.react(1, 1, "🔥")["message_reaction"]
    assert changed["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]


async def test_a_raw_update_makes_its_people_and_its_message_known(telegram: FakeTelegram) -> None:
    user = {"id": 9, "is_bot": False, "first_name": "Zoe"}
    chat = {"id": 9, "type": "private", "first_name": "Zoe"}
    message = {"message_id": 50, "date": 1, "chat": chat, "from": user, "text": "hi"}
    query = {"id": "q", "from": user, "message": message, "chat_instance": "1", "data": "d"}
    update = telegram.inject({"callback_query": query})
    assert update["update_id"] == 1
    assert telegram.user(9)["first_name"] == "Zoe"
    await telegram.call("answerCallbackQuery", {"callback_query_id": "q"})
    sent = await telegram.call("sendMessage", {"chat_id": 9, "text": "hello"})
    assert sent["message_id"] == 51


async def test_the_bot_answers_for_a_business_it_is_connected_to(telegram: FakeTelegram) -> None:
    chat = {"id": 9, "type": "private", "first_name": "Zoe"}
    user = {"id": 9, "is_bot": False, "first_name": "Zoe"}
    message = {"message_id": 5, "date": 1, "chat": chat, "from": user, "text": "hi"}
    telegram.inject({"business_message": {**message, "business_connection_id": "shop"}})
    reply = {"chat_id": 9, "business_connection_id": "shop", "text": "hello"}
    sent = await telegram.call("sendMessage", reply)
    assert sent["sender_business_bot"]["id"] == 42


def test_a_message_of_the_bot_can_be_placed_without_a_call(telegram: FakeTelegram) -> None:
    telegram.place(1, "Earlier", 30, keyboard("A"))
    assert telegram.find_button(1, "A").message_id == 30
    assert telegram.send_text(1, "hi")["message"]["message_id"] == 31
    assert telegram.calls == []


async def test_the_bot_answers_in_the_topic_it_was_asked_in(telegram: FakeTelegram) -> None:
    asked = telegram.send_text(1, "hi", GROUP, thread_id=7)["message"]
    place = {"chat_id": GROUP, "message_thread_id": asked["message_thread_id"]}
    assert (await telegram.call("sendMessage", {**place, "text": "hello"}))["is_topic_message"]


def test_a_new_name_shows_in_the_private_chat(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "hi")
    telegram.user(1, "Ann", username="ann")
    message = telegram.send_text(1, "hi")["message"]
    assert message["chat"] == {"id": 1, "type": "private", "first_name": "Ann", "username": "ann"}
    assert message["from"]["first_name"] == "Ann"
    assert telegram.messages(1)[0]["chat"]["first_name"] == "User 1"
