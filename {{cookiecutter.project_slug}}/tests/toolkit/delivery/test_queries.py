"""Queries that expire do not wait for the slow handler of the same user."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiogram import F
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import InlineQuery, LabeledPrice, Message, PreCheckoutQuery, ShippingQuery

from toolkit import SessionConflict, create_bot
from toolkit.app import BotApp

from .bots import TOKEN, Session

ADDRESS = {
    **{"country_code": "DE", "state": "", "city": "B", "post_code": "1"},
    **{"street_line1": "1", "street_line2": ""},
}


class Form(StatesGroup):
    paying = State()


def shop(**options: Any) -> BotApp[Session]:
    """A bot with a slow handler, which counts 10, and queries, which count 1 where told to."""
    go, begun = asyncio.Event(), asyncio.Event()
    app = create_bot(TOKEN, initial=Session, go=go, begun=begun, **options)

    @app.message(F.text == "slow")
    async def report(message: Message, session: Session) -> None:
        begun.set()
        await go.wait()
        session.count += 10
        await message.answer("done")

    @app.message(F.text == "slow, and changes nothing")
    async def look(message: Message) -> None:
        begun.set()
        await go.wait()
        await message.answer("done")

    @app.message(F.text == "buy")
    async def buy(message: Message, session: Session) -> None:
        session.count = 1
        price = LabeledPrice(label="x", amount=5)
        await message.answer_invoice("t", "d", "count", "XTR", [price])

    @app.pre_checkout_query()
    async def check(query: PreCheckoutQuery, session: Session, state: FSMContext) -> None:
        await query.answer(ok=session.count > 0, error_message="Nothing is in your cart")
        session.count += 1
        await state.set_state(Form.paying)

    @app.shipping_query()
    async def ship(query: ShippingQuery) -> None:
        await query.answer(ok=False, error_message="We are closed")

    @app.inline_query()
    async def find(query: InlineQuery) -> None:
        await query.answer([])

    return app


async def ask(serving: Any, kind: str) -> str:
    """Have the user ask something that expires, and return the id of the query."""
    telegram = serving.telegram
    if kind == "inline_query":
        update = telegram.inline_query(5, "x")
    else:
        invoice = next(m["message_id"] for m in telegram.messages(5) if "invoice" in m)
        pre = kind == "pre_checkout_query"
        update = (
            telegram.pre_checkout(5, invoice) if pre else telegram.shipping(5, invoice, ADDRESS)
        )
    return str(update[kind]["id"])


async def bought(serving: Any) -> None:
    serving.telegram.send_text(5, "buy")
    await serving.until(lambda: serving.telegram.invoices)
    await serving.until_confirmed()


@pytest.mark.parametrize("kind", ["pre_checkout_query", "shipping_query", "inline_query"])
async def test_a_query_that_expires_is_answered_while_the_users_handler_is_busy(
    polling: Any, kind: str
) -> None:
    serving = polling(shop())
    await bought(serving)
    serving.telegram.send_text(5, "slow")
    await serving.app["begun"].wait()

    query = await ask(serving, kind)
    await serving.until(lambda: serving.telegram.queries[query].answered)

    assert "done" not in serving.texts
    serving.app["go"].set()
    await serving.until_confirmed()


async def test_behind_a_webhook_it_is_answered_as_well(webhook: Any) -> None:
    serving = await webhook(shop())
    slow = asyncio.create_task(serving.post(serving.telegram.send_text(5, "slow")))
    await serving.app["begun"].wait()

    update = serving.telegram.inline_query(5, "x")
    assert await serving.post(update) == 200

    assert serving.telegram.queries[update["inline_query"]["id"]].answered
    serving.app["go"].set()
    assert await slow == 200


async def test_what_its_handler_changes_is_committed_after_the_slow_one(polling: Any) -> None:
    serving = polling(shop())
    await bought(serving)
    serving.telegram.send_text(5, "slow, and changes nothing")
    await serving.app["begun"].wait()

    query = await ask(serving, "pre_checkout_query")
    await serving.until(lambda: serving.telegram.queries[query].answered)
    assert serving.telegram.queries[query].answer["ok"]
    serving.app["go"].set()
    await serving.until_confirmed()

    record = await serving.app.session_storage.read("5_5")
    assert record["session"]["count"] == 2
    assert record["fsm"] == {"default": {"state": "Form:paying"}}
    assert len(serving.methods("answerPreCheckoutQuery")) == 1


@pytest.mark.usefixtures("no_backoff")
async def test_where_both_change_the_session_the_query_is_handled_again_on_top(
    polling: Any,
) -> None:
    serving = polling(shop())
    await bought(serving)
    serving.telegram.send_text(5, "slow")
    await serving.app["begun"].wait()

    query = await ask(serving, "pre_checkout_query")
    await serving.until(lambda: serving.telegram.queries[query].answered)
    serving.app["go"].set()
    await serving.until_confirmed()

    record = await serving.app.session_storage.read("5_5")
    assert record["session"]["count"] == 12
    assert [key async for key in serving.app.session_storage.read_all_keys("dead:")] == []


async def test_a_query_that_comes_again_is_applied_once(talk_to: Any) -> None:
    talk = talk_to(shop())
    await talk.say("buy")
    invoice = next(m["message_id"] for m in talk.telegram.messages(5) if "invoice" in m)
    update = talk.telegram.pre_checkout(5, invoice)

    await talk.feed(update)
    await talk.feed(update)

    assert (await talk.record())["session"]["count"] == 2
    assert len(talk.app.sessions.checkouts.lock) == 0


async def test_nothing_of_a_session_that_was_changed_meanwhile_is_overwritten() -> None:
    app = shop()
    context = await app.sessions.peek("5_5", "a query")
    async with app.sessions.checkout("5_5") as other:
        other.session.count = 1

    context.session.count = 7
    with pytest.raises(SessionConflict):
        await app.sessions.commit(context)

    record = await app.session_storage.read("5_5")
    assert record is not None
    assert record["session"]["count"] == 1
    assert len(app.sessions.checkouts.lock) == 0


async def test_a_record_that_cannot_be_read_is_quarantined_by_a_query_too(talk_to: Any) -> None:
    talk = talk_to(shop())
    await talk.app.session_storage.write("5_5", {"session": {"count": "many"}})

    await talk.feed(talk.telegram.inline_query(5, "x"))

    assert await talk.app.session_storage.has("quarantine:5_5")
    assert len(talk.app.sessions.checkouts.lock) == 0
