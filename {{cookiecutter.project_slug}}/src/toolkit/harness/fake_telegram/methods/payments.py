"""Invoices and refunds, https://core.telegram.org/bots/api#payments."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.errors import bad_request, cannot_parse
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.methods.sending import deliver
from toolkit.harness.fake_telegram.request import Request, checked_object
from toolkit.harness.types import Json

STARS = "XTR"


@method("sendInvoice")
def send_invoice(request: Request) -> Json:
    invoice = _invoice(request)
    sent = deliver(request, {"invoice": invoice}, "can_send_other_messages", "invoices")
    if "reply_markup" not in sent:
        total = f"{invoice['total_amount']} {invoice['currency']}"
        keyboard = {"inline_keyboard": [[{"text": f"Pay {total}", "pay": True}]]}
        chat = request.world.chats[sent["chat"]["id"]]
        sent = request.world.put_message(chat, {**sent, "reply_markup": keyboard})
    key = f"{sent['chat']['id']}:{sent['message_id']}"
    request.world.invoices[key] = dict(request.payload)
    return sent


@method("createInvoiceLink")
def create_invoice_link(request: Request) -> str:
    _invoice(request)
    link = f"https://t.me/$invoice{request.world.number('invoice')}"
    request.world.invoices[link] = dict(request.payload)
    return link


def _invoice(request: Request) -> Json:
    for name in ("title", "description", "payload", "currency", "prices"):
        request.required(name)
    if not 1 <= len(request.text("title")) <= 32:
        raise bad_request("INVOICE_TITLE_INVALID")
    if len(request.text("payload").encode()) > 128:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    prices = request.array("prices", "expected an Array of labeled prices")
    amounts = [_price(price) for price in prices]
    currency = request.text("currency")
    texts: Json = {name: request.text(name) for name in ("title", "description", "start_parameter")}
    if not amounts:
        raise bad_request("there must be at least one price")
    if currency == STARS and len(amounts) > 1:
        raise bad_request("STARS_INVOICE_INVALID")
    if currency != STARS and not request.text("provider_token"):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    return {**texts, "currency": currency, "total_amount": sum(amounts)}


def _price(value: Any) -> int:
    what = "labeled price"
    price = checked_object(value, what, "label", "amount", wrong="LabeledPrice must be an Object")
    if not price["label"]:
        raise cannot_parse(what, "LabeledPrice label must be non-empty")
    return int(price["amount"])


@method("refundStarPayment")
def refund_star_payment(request: Request) -> bool:
    user_id, world = request.user_id(), request.world
    charge = request.required("telegram_payment_charge_id")
    paid = world.invoices.get(f"charge:{charge}")
    if paid is None:
        raise bad_request("CHARGE_NOT_FOUND")
    if paid.get("refunded"):
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    content = {"refunded_payment": dict(paid)}
    paid["refunded"] = True
    world.service_message(world.private_chat(user_id), world.bot_user, content)
    return True
