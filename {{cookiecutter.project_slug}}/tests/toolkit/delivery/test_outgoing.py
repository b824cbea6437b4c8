"""What a call returns when there was nothing to do, and when it came too late."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from toolkit import create_bot
from toolkit.harness import FakeTelegram

from .bots import TOKEN, Session

MENU = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go")]])
NOT_MODIFIED = "message is not modified"


def connected(**options: Any) -> tuple[Any, FakeTelegram]:
    app = create_bot(TOKEN, initial=Session)
    telegram = FakeTelegram(token=TOKEN, **options)
    telegram.attach(app.bot)
    return app.bot, telegram


@pytest.mark.parametrize(("chat_id", "kind"), [(5, "private"), (-100, "group")])
async def test_an_edit_that_changes_nothing_returns_the_message_that_is_there(
    chat_id: int, kind: str
) -> None:
    bot, telegram = connected()
    telegram.send_text(5, "hello", chat_id=chat_id)
    sent = await bot.send_message(chat_id, "same", reply_markup=MENU)

    again = await bot.edit_message_text("same", None, chat_id, sent.message_id, reply_markup=MENU)
    marked = await sent.edit_reply_markup(reply_markup=MENU)

    assert all(NOT_MODIFIED in str(call.error) for call in telegram.calls[1:])
    for message in (again, marked):
        assert isinstance(message, Message)
        assert (message.message_id, message.chat.id) == (sent.message_id, chat_id)
        assert message.chat.type == kind
        assert message.reply_markup is not None
        assert message.reply_markup.model_dump() == MENU.model_dump()
        # It can be worked on.
        await message.edit_text("other")
        await message.edit_text("same", reply_markup=MENU)
    assert again.text == "same"


@pytest.mark.parametrize(
    ("chat_id", "chat"),
    [
        (-1001234567890, {"id": -1001234567890, "type": "supergroup"}),
        ("-1001234567890", {"id": -1001234567890, "type": "supergroup"}),
        ("@news", {"id": 0, "type": "channel", "username": "@news"}),
    ],
)
async def test_the_chat_of_such_a_message_is_what_its_id_tells(chat_id: Any, chat: Any) -> None:
    bot, telegram = connected()
    telegram.faults.bad_request(NOT_MODIFIED, "editMessageCaption")

    message = await bot.edit_message_caption(chat_id=chat_id, message_id=7, caption="same")

    assert message.model_dump(exclude_none=True, include={"message_id", "caption", "chat"}) == {
        "message_id": 7,
        "caption": "same",
        "chat": chat,
    }


async def test_an_edit_of_an_inline_message_returns_true() -> None:
    bot, telegram = connected()
    telegram.faults.bad_request(NOT_MODIFIED, "editMessageText")

    assert await bot.edit_message_text("same", inline_message_id="m") is True


async def test_what_promises_something_else_raises() -> None:
    bot, telegram = connected()
    telegram.faults.bad_request(NOT_MODIFIED, "stopPoll")

    with pytest.raises(TelegramBadRequest, match="not modified"):
        await bot.stop_poll(5, 7)


async def test_an_answer_to_a_payment_that_comes_too_late_raises() -> None:
    now = 0.0
    bot, telegram = connected(clock=lambda: now)
    telegram.send_text(5, "hello")
    prices = [{"label": "x", "amount": 5}]
    invoice = await bot.send_invoice(5, "t", "d", "p", "XTR", prices)
    payment = telegram.pre_checkout(5, invoice.message_id)["pre_checkout_query"]["id"]
    inline = telegram.inline_query(5, "x")["inline_query"]["id"]

    now = 10.1

    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_pre_checkout_query(payment, ok=True)
    assert await bot.answer_inline_query(inline, []) is True
    assert not telegram.queries[inline].answered
