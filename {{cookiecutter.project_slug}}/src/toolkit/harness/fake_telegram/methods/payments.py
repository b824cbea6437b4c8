"""Invoices, https://core.telegram.org/bots/api#payments."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import INT64, Problem, parsing, whole_number
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.stars import CURRENCY as STARS
from toolkit.harness.fake_telegram.stars import MONTH
from toolkit.harness.types import Json

MAX_AMOUNT = 999_999_999_999
MAX_TIPS = 4
MAX_PAYLOAD = 128  # bytes
MAX_TITLE = 32
MAX_SUBSCRIPTION = 10_000
# The least that can be charged, about a dollar: the server goes by the day's rates.
LEAST = {"USD": 100, "EUR": 80, "GBP": 70, "RUB": 5000, "UAH": 3000}
# https://core.telegram.org/bots/payments/currencies.json: the three-letter codes in it.
_CURRENCIES = (
    "AED AFN ALL AMD ARS AUD AZN BAM BDT BGN BHD BND BOB BRL BYN CAD CHF CLP CNY COP CRC CZK "
    "DKK DOP DZD EGP ETB EUR GBP GEL GHS GTQ HKD HNL HRK HUF IDR ILS INR IQD IRR ISK JMD JOD "
    "JPY KES KGS KRW KZT LBP LKR MAD MDL MMK MNT MOP MUR MVR MXN MYR MZN NGN NIO NOK NPR NZD "
    "PAB PEN PHP PKR PLN PYG QAR RON RSD RUB SAR SEK SGD SYP THB TJS TND TRY TTD TWD TZS UAH "
    "UGX USD UYU UZS VEF VND YER ZAR"
)
# The digits after the point, where they are not two.
_DIGITS = dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", STARS), 0)
_DIGITS |= dict.fromkeys(("BHD", "IQD", "JOD", "TND"), 3)
CURRENCIES = frozenset((*_CURRENCIES.split(), STARS))


@method("sendInvoice")
def send_invoice(request: Request) -> Json:
    invoice = read_invoice(request)

    def content() -> Json:
        made = check_invoice(invoice)
        _check_sold(request, invoice)
        if _period(request):
            raise bad_request("SUBSCRIPTION_EXPORT_MISSING")
        return {"invoice": made}

    sent = deliver(request, content, what="invoice messages")
    if "reply_markup" not in sent:
        label = f"Pay {price_of(sent['invoice'])}"
        keyboard = {"inline_keyboard": [[{"text": label, "pay": True}]]}
        chat = request.world.chats[sent["chat"]["id"]]
        sent = request.world.put_message(chat, {**sent, "reply_markup": keyboard})
    key = f"{sent['chat']['id']}:{sent['message_id']}"
    request.world.invoices[key] = {**request.payload, "prices": invoice["prices"]}
    return sent


def price_of(invoice: Json) -> str:
    """Return an amount, which counts the smallest unit, as users see it: "25.00 EUR"."""
    digits = _DIGITS.get(invoice["currency"], 2)
    return f"{invoice['total_amount'] / 10**digits:.{digits}f} {invoice['currency']}"


@method("createInvoiceLink")
def create_invoice_link(request: Request) -> str:
    invoice = read_invoice(request)
    check_invoice(invoice)
    _check_sold(request, invoice)
    _check_subscription(request, invoice)
    link = f"https://t.me/$invoice{request.world.number('invoice')}"
    request.world.invoices[link] = {**request.payload, "prices": invoice["prices"]}
    return link


def read_invoice(request: Request) -> Json:
    """Return the fields of an invoice from the parameters of a request."""
    for name in ("title", "description", "payload", "currency", "prices"):
        request.required(name)
    names = ("title", "description", "payload", "currency", "start_parameter")
    invoice: Json = {name: request.text(name) for name in names}
    values = request.json("prices", "prices JSON object", kind=object)
    with parsing():
        invoice["prices"] = read_prices(values)
    invoice["max_tip_amount"] = 0
    if highest := request.text("max_tip_amount"):
        number = whole_number(highest, INT64)
        if number is None:
            raise bad_request('can\'t parse "max_tip_amount" as Number')
        invoice["max_tip_amount"] = number
    tips = request.json("suggested_tip_amounts", "suggested_tip_amounts JSON object", kind=object)
    with parsing():
        invoice["suggested_tip_amounts"] = read_tips([] if tips is None else tips)
    return invoice


def read_prices(values: Any) -> list[Json]:
    """Return LabeledPrices; a Problem for what is none."""
    if not isinstance(values, list):
        raise Problem("Expected an Array of labeled prices")
    prices = []
    with parsing("labeled price"):
        for value in values:
            price = fields.an_object(value, "LabeledPrice must be an Object")
            label = fields.required_text(price, "label")
            if not label:
                raise Problem("LabeledPrice label must be non-empty")
            amount = fields.required_integer(price, "amount", INT64)
            prices.append({"label": label, "amount": amount})
    if not prices:
        raise Problem("There must be at least one price")
    return prices


def read_tips(values: Any) -> list[int]:
    """Return suggested tips; a Problem for what is no number."""
    if not isinstance(values, list):
        raise Problem("Expected an Array of suggested tip amounts")
    tips = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise Problem("Suggested tip amount must be of type Number or String")
        number = whole_number(value, INT64)
        if number is None:
            raise Problem("Can't parse suggested tip amount as Number")
        tips.append(number)
    return tips


def check_invoice(invoice: Json) -> Json:
    """Return the Invoice that a message shows; refuse amounts that cannot be."""
    amounts = [price["amount"] for price in invoice["prices"]]
    if any(abs(amount) > MAX_AMOUNT for amount in amounts):
        raise bad_request("too big amount of the currency specified")
    total = sum(amounts)
    if total <= 0:
        raise bad_request("total price must be positive")
    if total > MAX_AMOUNT:
        raise bad_request("total price is too big")
    highest = invoice["max_tip_amount"]
    if not 0 <= highest <= MAX_AMOUNT:
        raise bad_request("invalid max_tip_amount of the currency specified")
    for tip in invoice["suggested_tip_amounts"]:
        if tip <= 0:
            raise bad_request("suggested tip amount must be positive")
        if tip > highest:
            raise bad_request("suggested tip amount can't be bigger than max_tip_amount")
    if len(invoice["suggested_tip_amounts"]) > MAX_TIPS:
        raise bad_request("there can be at most 4 suggested tip amounts")
    names = ("title", "description", "start_parameter", "currency")
    return {**{name: invoice[name] for name in names}, "total_amount": total}


def _check_sold(request: Request, invoice: Json) -> None:
    """Refuse what the last server refuses of an invoice: its texts, currency and provider."""
    currency, prices = invoice["currency"], invoice["prices"]
    if len(invoice["payload"].encode()) > MAX_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if not 1 <= len(invoice["title"]) <= MAX_TITLE:
        raise bad_request("INVOICE_TITLE_INVALID")
    if currency not in CURRENCIES:
        raise bad_request("CURRENCY_INVALID")
    if currency == STARS and len(prices) > 1:
        raise bad_request("STARS_INVOICE_INVALID")
    if currency != STARS and not request.text("provider_token"):
        raise bad_request("PAYMENT_PROVIDER_INVALID")
    if sum(price["amount"] for price in prices) < LEAST.get(currency, 1):
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")


def _period(request: Request) -> int:
    return request.integer("subscription_period", 0, 0)


def _check_subscription(request: Request, invoice: Json) -> None:
    """Refuse a subscription for anything but a month, and for more than the server lets through."""
    if not _period(request):
        return
    if _period(request) != MONTH:
        raise bad_request("SUBSCRIPTION_PERIOD_INVALID")
    total = sum(price["amount"] for price in invoice["prices"])
    if invoice["currency"] != STARS or total > MAX_SUBSCRIPTION:
        raise bad_request("STARS_INVOICE_INVALID")
