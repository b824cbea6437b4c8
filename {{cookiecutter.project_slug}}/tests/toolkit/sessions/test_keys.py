"""Each kind of update has one stated key under each scope."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.types import Update

from toolkit.sessions.keys import Scope, origin_of

ANN = {"id": 5, "is_bot": False, "first_name": "Ann"}
TECHNICAL = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
PRIVATE = {"id": 5, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Shop", "is_forum": True}
CHANNEL = {"id": -200, "type": "channel", "title": "News"}


def message(chat: Any = PRIVATE, sender: Any = ANN, **fields: Any) -> dict[str, Any]:
    return {"message_id": 1, "date": 1, "chat": chat, "from": sender, "text": "hi", **fields}


def query(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "from": ANN, "chat_instance": "1", "data": "x", **fields}


TOPIC = {"message_thread_id": 7, "is_topic_message": True}
PAYMENT = {"id": "1", "from": ANN, "invoice_payload": "x"}
MEMBER = {
    "chat": GROUP,
    "from": ANN,
    "date": 1,
    "old_chat_member": {"status": "left", "user": ANN},
    "new_chat_member": {"status": "member", "user": ANN},
}
BOOST = {"boost_id": "b", "add_date": 1, "expiration_date": 2}


@pytest.mark.parametrize(
    ("kind", "event", "scope", "key"),
    [
        ("message", message(), "chat_user", "5_5"),
        ("message", message(), "chat", "5_5"),
        ("message", message(), "user", "5_5"),
        ("message", message(GROUP), "chat_user", "-100_5"),
        ("message", message(GROUP), "chat", "-100_-100"),
        ("message", message(GROUP), "user", "5_5"),
        ("message", message(GROUP, **TOPIC), "chat_user", "-100_5"),
        ("message", message(GROUP, **TOPIC), "chat_user_topic", "-100_5_t7"),
        ("message", message(GROUP, **TOPIC), "chat_topic", "-100_-100_t7"),
        ("message", message(GROUP, TECHNICAL, sender_chat=GROUP), "chat_user", "-100_-100"),
        ("message", message(GROUP, TECHNICAL, sender_chat=CHANNEL), "chat_user", "-100_-200"),
        ("edited_message", message(GROUP, edit_date=2), "chat_user", "-100_5"),
        ("channel_post", message(CHANNEL, None, sender_chat=CHANNEL), "chat_user", "-200_-200"),
        ("callback_query", query(message=message(GROUP, TECHNICAL)), "chat_user", "-100_5"),
        ("callback_query", query(message=message(GROUP, **TOPIC)), "chat_topic", "-100_-100_t7"),
        (
            "callback_query",
            query(message={"message_id": 1, "date": 0, "chat": GROUP}),
            "chat_user",
            "-100_5",
        ),
        ("callback_query", query(inline_message_id="m"), "chat_user", "5_5"),
        ("inline_query", {"id": "1", "from": ANN, "query": "", "offset": ""}, "chat_user", "5_5"),
        ("chosen_inline_result", {"result_id": "1", "from": ANN, "query": ""}, "chat_user", "5_5"),
        (
            "pre_checkout_query",
            {**PAYMENT, "currency": "XTR", "total_amount": 1},
            "chat_user",
            "5_5",
        ),
        (
            "shipping_query",
            {
                **PAYMENT,
                "shipping_address": {
                    "country_code": "DE",
                    "state": "",
                    "city": "B",
                    "street_line1": "1",
                    "street_line2": "",
                    "post_code": "1",
                },
            },
            "chat_user",
            "5_5",
        ),
        (
            "poll_answer",
            {"poll_id": "1", "user": ANN, "option_ids": [0], "option_persistent_ids": ["a"]},
            "chat_user",
            "5_5",
        ),
        ("my_chat_member", MEMBER, "chat_user", "-100_5"),
        ("chat_member", MEMBER, "chat", "-100_-100"),
        (
            "chat_join_request",
            {"chat": GROUP, "from": ANN, "date": 1, "user_chat_id": 5},
            "chat_user",
            "5_5",
        ),
        (
            "message_reaction",
            {
                "chat": GROUP,
                "message_id": 1,
                "user": ANN,
                "date": 1,
                "old_reaction": [],
                "new_reaction": [],
            },
            "chat_user",
            "-100_5",
        ),
        (
            "message_reaction",
            {
                "chat": GROUP,
                "message_id": 1,
                "actor_chat": CHANNEL,
                "date": 1,
                "old_reaction": [],
                "new_reaction": [],
            },
            "chat_user",
            "-100_-200",
        ),
        (
            "message_reaction_count",
            {"chat": GROUP, "message_id": 1, "date": 1, "reactions": []},
            "chat_user",
            "-100_-100",
        ),
        (
            "chat_boost",
            {"chat": GROUP, "boost": {**BOOST, "source": {"source": "premium", "user": ANN}}},
            "chat_user",
            "-100_5",
        ),
        ("business_message", message(business_connection_id="b1"), "chat_user", "5_5_bb1"),
        (
            "business_connection",
            {"id": "b1", "user": ANN, "user_chat_id": 5, "date": 1, "is_enabled": True},
            "chat_user",
            "5_5",
        ),
        (
            "deleted_business_messages",
            {"business_connection_id": "b1", "chat": PRIVATE, "message_ids": [1]},
            "chat_user",
            "5_5_bb1",
        ),
        (
            "poll",
            {
                "id": "1",
                "question": "?",
                "options": [],
                "total_voter_count": 0,
                "is_closed": False,
                "is_anonymous": True,
                "type": "regular",
                "allows_multiple_answers": False,
                "allows_revoting": False,
                "members_only": False,
            },
            "chat_user",
            None,
        ),
    ],
)
def test_key_of(kind: str, event: dict[str, Any], scope: Scope, key: str | None) -> None:
    update = Update.model_validate({"update_id": 1, kind: event})

    assert origin_of(update).key(scope) == key
