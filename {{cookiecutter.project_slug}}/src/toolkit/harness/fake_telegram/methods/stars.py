"""What the bot has earned and spent, https://core.telegram.org/bots/api#getmystarbalance."""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import check_user
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.stars import CURRENCY
from toolkit.harness.types import Json


@method("getMyStarBalance")
def get_my_star_balance(request: Request) -> Json:
    return {"amount": request.world.stars.balance}


@method("getStarTransactions")
def get_star_transactions(request: Request) -> Json:
    offset, limit = request.integer("offset", 0, 0), request.integer("limit", 100, 1, 100)
    return {"transactions": request.world.stars.transactions[offset : offset + limit]}


@method("refundStarPayment")
def refund_star_payment(request: Request) -> bool:
    user_id, world = request.user_id(), request.world
    paid = _charge(request, user_id, request.required("telegram_payment_charge_id"))
    if paid.get("refunded"):
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    paid["refunded"] = True
    world.stars.refund(paid["telegram_payment_charge_id"], world.now())
    names = ("currency", "total_amount", "invoice_payload", "telegram_payment_charge_id")
    content = {"refunded_payment": {name: paid[name] for name in names}}
    world.service_message(world.private_chat(user_id), world.bot_user, content)
    return True


@method("editUserStarSubscription")
def edit_user_star_subscription(request: Request) -> bool:
    """End a subscription after the time that is paid for, or let it go on."""
    user_id = request.user_id()
    check_user(request, user_id)
    paid = _charge(request, user_id, request.text("telegram_payment_charge_id"))
    if "subscription_period" not in paid:
        raise bad_request("CHARGE_NOT_FOUND")
    paid["canceled"] = request.flag("is_canceled")
    return True


def _charge(request: Request, user_id: int, charge: str) -> Json:
    """Return the payment in Stars that a user made with this charge."""
    paid: Json = request.world.invoices.get(f"charge:{charge}", {})
    if paid.get("user_id") != user_id or paid["currency"] != CURRENCY:
        raise bad_request("CHARGE_NOT_FOUND")
    return paid
