"""Payments: invoices, subscriptions, paid media, and Stars for the bot."""

from __future__ import annotations

from toolkit.harness.fake_telegram.fields import as_int, as_text
from toolkit.harness.fake_telegram.model import PersonError
from toolkit.harness.fake_telegram.stars import CURRENCY, user_partner
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

STATES = ("canceled", "active", "failed")
_PAYMENT = ("currency", "total_amount", "invoice_payload")


class Payments(World):
    """What users pay for."""

    def pre_checkout(
        self,
        user_id: int,
        message_id: int | None = None,
        chat_id: int | None = None,
        *,
        link: str | None = None,
    ) -> Json:
        """Press Pay under an invoice, or open the `link` of one; the bot has to answer."""
        chat_id = chat_id or user_id
        invoice = self._invoice(link or f"{chat_id}:{message_id}")
        content = {
            "currency": invoice["currency"],
            "total_amount": sum(int(price["amount"]) for price in invoice["prices"]),
            "invoice_payload": str(invoice["payload"]),
        }
        update = self.emit_query("pre_checkout_query", user_id, content, chat_id, message_id)
        self.invoices[f"query:{update['pre_checkout_query']['id']}"] = invoice
        return update

    def shipping(self, user_id: int, message_id: int, address: Json) -> Json:
        """Enter an address for an invoice with a flexible price."""
        invoice = self._invoice(f"{user_id}:{message_id}")
        content = {"invoice_payload": str(invoice["payload"]), "shipping_address": address}
        return self.emit_query("shipping_query", user_id, content)

    def pay(self, user_id: int, pre_checkout_query_id: str) -> Json:
        """Complete a payment whose pre-checkout query the bot has approved."""
        query = self.queries[pre_checkout_query_id]
        if query.answer is None:
            raise PersonError("the bot has not answered the pre-checkout query")
        if not query.answer["ok"]:
            raise PersonError(f"the bot refused: {query.answer['error_message']}")
        paid: Json = {"user_id": user_id, "chat_id": query.chat_id or user_id}
        paid |= {name: query.content[name] for name in _PAYMENT}
        invoice = self.invoices.get(f"query:{query.id}", {})
        if period := as_int(invoice.get("subscription_period")):
            paid["subscription_period"] = period
        return self._charge(paid, is_first_recurring=True)

    def renew_subscription(self, user_id: int, charge: str) -> Json:
        """Let the next period of a subscription begin: it is paid for, unless it was canceled."""
        paid = self._subscription(user_id, charge)
        if paid.get("canceled") or paid.get("state") == "canceled":
            raise PersonError(f"the subscription with the charge {charge} was canceled")
        names = ("user_id", "chat_id", "subscription_period", *_PAYMENT)
        return self._charge({name: paid[name] for name in names})

    def change_subscription(self, user_id: int, charge: str, state: str) -> Json:
        """Cancel a subscription, make it active again, or let its payment fail.

        `state` is canceled, active or failed; return the update about it.
        """
        if state not in STATES:
            raise PersonError(f"a subscription is {', '.join(STATES)}, not {state}")
        paid = self._subscription(user_id, charge)
        self.invoices[f"charge:{charge}"] = {**paid, "state": state}
        content = {"user": self.user(user_id), "invoice_payload": paid["invoice_payload"]}
        return self.emit("subscription", {**content, "state": state})

    def buy_media(self, user_id: int, message_id: int, chat_id: int | None = None) -> Json | None:
        """Unlock paid media; return the update, which is there for media with a payload.

        What is bought in a channel belongs to the channel, and the bot is not told.
        """
        chat = self.chat(chat_id or user_id)
        media = chat.messages.get(message_id, {}).get("paid_media")
        if media is None:
            raise PersonError(f"message {message_id} in chat {chat.id} has no paid media")
        if chat.kind == "channel":
            return None
        user, sold = self.user(user_id), self.invoices[f"media:{chat.id}:{message_id}"]
        payload = as_text(sold.get("payload"))
        shown = {"paid_media": media["paid_media"], "paid_media_payload": payload}
        source = user_partner(user, "paid_media_payment", **shown)
        charge = f"charge-{self.number('charge')}"
        self.stars.receive(media["star_count"], source, charge, self.now())
        if not payload:
            return None
        return self.emit("purchased_paid_media", {"from": user, "paid_media_payload": payload})

    def deposit_stars(self, amount: int) -> None:
        """Give the bot Stars, as its owner can on Fragment."""
        self.stars.receive(
            amount, {"type": "fragment"}, f"deposit-{self.number('deposit')}", self.now()
        )

    def _subscription(self, user_id: int, charge: str) -> Json:
        paid = self.invoices.get(f"charge:{charge}", {})
        if paid.get("user_id") != user_id or "subscription_period" not in paid:
            raise PersonError(f"user {user_id} has no subscription with the charge {charge}")
        return paid

    def _charge(self, paid: Json, **first: bool) -> Json:
        """Take what is to be paid, and show the payment; return its update."""
        charge, user = f"charge-{self.number('charge')}", self.user(paid["user_id"])
        payment: Json = {name: paid[name] for name in _PAYMENT}
        payment |= {"telegram_payment_charge_id": charge, "provider_payment_charge_id": charge}
        self.invoices[f"charge:{charge}"] = paid | payment
        period = paid.get("subscription_period", 0)
        if period:
            until = {"subscription_expiration_date": self.now() + period, "is_recurring": True}
            payment |= until | first
        if paid["currency"] == CURRENCY:
            about = {"invoice_payload": paid["invoice_payload"], "subscription_period": period}
            source = user_partner(user, "invoice_payment", **about)
            self.stars.receive(paid["total_amount"], source, charge, self.now())
        chat = self.chat(paid["chat_id"])
        if chat.is_private:
            self.users[chat.id].started = True
        return self.service_message(chat, user, {"successful_payment": payment})

    def _invoice(self, key: str) -> Json:
        invoice = self.invoices.get(key)
        if invoice is None:
            raise PersonError(f"there is no invoice {key}")
        return invoice
