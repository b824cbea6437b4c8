"""Stars: what people pay for is on the balance, and what is refunded is not."""

from __future__ import annotations

import pytest

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, PersonError, Upload, snapshots
from toolkit.harness.types import Json

MONTH = 30 * 86400
TEA = {"title": "Tea", "description": "Hot", "payload": "tea", "currency": "XTR"}
PRICES = {"prices": [{"label": "Tea", "amount": 3}]}


async def pay(telegram: FakeTelegram, query: Json) -> Json:
    """Approve what is to be paid, and return the payment."""
    query_id = query["pre_checkout_query"]["id"]
    answer = {"pre_checkout_query_id": query_id, "ok": True}
    await telegram.call("answerPreCheckoutQuery", answer)
    payment: Json = telegram.pay(1, query_id)["message"]["successful_payment"]
    return payment


async def balance(telegram: FakeTelegram) -> int:
    return int((await telegram.call("getMyStarBalance", {}))["amount"])


async def buy_tea(telegram: FakeTelegram, **other: object) -> str:
    telegram.send_text(1, "/start")
    sent = await telegram.call("sendInvoice", {"chat_id": 1, **TEA, **PRICES, **other})
    payment = await pay(telegram, telegram.pre_checkout(1, sent["message_id"]))
    return str(payment["telegram_payment_charge_id"])


async def test_what_is_paid_is_on_the_balance_until_it_is_refunded(telegram: FakeTelegram) -> None:
    charge = await buy_tea(telegram)
    assert await balance(telegram) == 3
    refund = {"user_id": 1, "telegram_payment_charge_id": charge}
    await telegram.call("refundStarPayment", refund)
    assert await balance(telegram) == 0
    paid, back = (await telegram.call("getStarTransactions", {}))["transactions"]
    assert (paid["id"], back["id"]) == (charge, charge)
    assert paid["source"] == back["receiver"]
    assert paid["source"]["invoice_payload"] == "tea"


async def test_money_is_no_stars(telegram: FakeTelegram) -> None:
    charge = await buy_tea(
        telegram,
        currency="EUR",
        provider_token="1:TEST:x",
        prices=[{"label": "Tea", "amount": 300}],
    )
    assert await balance(telegram) == 0
    refund = {"user_id": 1, "telegram_payment_charge_id": charge}
    with pytest.raises(ApiError, match="CHARGE_NOT_FOUND"):
        await telegram.call("refundStarPayment", refund)


async def test_a_subscription_is_renewed_until_it_is_canceled(telegram: FakeTelegram) -> None:
    period = {"subscription_period": MONTH}
    link = await telegram.call("createInvoiceLink", {**TEA, **PRICES, **period})
    first = await pay(telegram, telegram.pre_checkout(1, link=link))
    assert first["is_recurring"]
    assert first["is_first_recurring"]
    assert first["subscription_expiration_date"] == 1_700_000_000 + MONTH
    charge = first["telegram_payment_charge_id"]
    again = telegram.renew_subscription(1, charge)["message"]["successful_payment"]
    assert again["is_recurring"]
    assert "is_first_recurring" not in again
    assert await balance(telegram) == 6
    found = await telegram.call("getStarTransactions", {})
    assert {each["source"]["subscription_period"] for each in found["transactions"]} == {MONTH}
    change = {"user_id": 1, "telegram_payment_charge_id": charge}
    await telegram.call("editUserStarSubscription", {**change, "is_canceled": True})
    with pytest.raises(PersonError, match="was canceled"):
        telegram.renew_subscription(1, charge)
    await telegram.call("editUserStarSubscription", {**change, "is_canceled": False})
    telegram.renew_subscription(1, charge)
    assert await balance(telegram) == 9


async def test_who_cancels_a_subscription_is_told_of(telegram: FakeTelegram) -> None:
    period = {"subscription_period": MONTH}
    link = await telegram.call("createInvoiceLink", {**TEA, **PRICES, **period})
    first = await pay(telegram, telegram.pre_checkout(1, link=link))
    charge = first["telegram_payment_charge_id"]
    canceled = telegram.change_subscription(1, charge, "canceled")["subscription"]
    expected = {"user": telegram.user(1), "invoice_payload": "tea", "state": "canceled"}
    assert canceled == expected
    with pytest.raises(PersonError, match="was canceled"):
        telegram.renew_subscription(1, charge)
    telegram.change_subscription(1, charge, "active")
    telegram.renew_subscription(1, charge)
    with pytest.raises(PersonError, match="canceled, active, failed"):
        telegram.change_subscription(1, charge, "paused")


async def test_what_was_paid_once_is_no_subscription(telegram: FakeTelegram) -> None:
    charge = await buy_tea(telegram)
    change = {"user_id": 1, "telegram_payment_charge_id": charge, "is_canceled": True}
    with pytest.raises(ApiError, match="CHARGE_NOT_FOUND"):
        await telegram.call("editUserStarSubscription", change)
    with pytest.raises(PersonError, match="has no subscription"):
        telegram.renew_subscription(1, charge)


async def sell(telegram: FakeTelegram, chat_id: int, **other: str) -> int:
    media = {"media": [{"type": "photo", "media": "attach://cat"}], "star_count": 5}
    files = {"cat": Upload("cat.png", b"\x89PNG cat")}
    sent = await telegram.call("sendPaidMedia", {"chat_id": chat_id, **media, **other}, files)
    return int(sent["message_id"])


async def test_paid_media_is_paid_for_and_told_of_by_its_payload(telegram: FakeTelegram) -> None:
    telegram.send_text(1, "/start")
    update = telegram.buy_media(1, await sell(telegram, 1, payload="cat"))
    assert update is not None
    bought = update["purchased_paid_media"]
    assert (bought["from"]["id"], bought["paid_media_payload"]) == (1, "cat")
    assert telegram.buy_media(1, await sell(telegram, 1)) is None
    told, untold = (await telegram.call("getStarTransactions", {}))["transactions"]
    assert told["source"]["paid_media_payload"] == "cat"
    assert "paid_media_payload" not in untold["source"]
    assert await balance(telegram) == 10
    with pytest.raises(PersonError, match="no paid media"):
        telegram.buy_media(1, 1)


async def test_what_a_channel_sells_belongs_to_the_channel(telegram: FakeTelegram) -> None:
    telegram.channel(-(10**12) - 3)
    message_id = await sell(telegram, -(10**12) - 3, payload="cat")
    assert telegram.buy_media(1, message_id, -(10**12) - 3) is None
    assert await balance(telegram) == 0


async def test_a_snapshot_has_the_balance(telegram: FakeTelegram) -> None:
    telegram.deposit_stars(10)
    point = snapshots.take(telegram)
    telegram.deposit_stars(5)
    snapshots.restore(telegram, point)
    assert await balance(telegram) == 10
