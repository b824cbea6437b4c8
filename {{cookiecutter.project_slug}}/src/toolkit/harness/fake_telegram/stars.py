"""The Stars of the bot: every transaction, from which its balance follows.

https://core.telegram.org/bots/api#startransaction
"""

from __future__ import annotations

from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.types import Json

CURRENCY = "XTR"
MONTH = 2_592_000
"""The one period of subscriptions, in seconds."""


class Stars:
    """The transactions of the bot, oldest first, as StarTransactions."""

    def __init__(self) -> None:
        self.transactions: list[Json] = []

    @property
    def balance(self) -> int:
        """How many Stars there are; below zero where more was refunded."""
        return sum(
            each["amount"] if "source" in each else -each["amount"] for each in self.transactions
        )

    def receive(self, amount: int, source: Json, charge: str, date: int) -> None:
        """Take Stars from a TransactionPartner."""
        self._enter(amount, charge, date, source=source)

    def spend(self, amount: int, receiver: Json, charge: str, date: int) -> None:
        """Pay a TransactionPartner; refuse where there are not enough Stars."""
        if self.balance < amount:
            raise bad_request("BALANCE_TOO_LOW")
        self._enter(amount, charge, date, receiver=receiver)

    def refund(self, charge: str, date: int) -> None:
        """Give back what came with a charge."""
        paid = next(each for each in self.transactions if each["id"] == charge)
        self._enter(paid["amount"], charge, date, receiver=paid["source"])

    def _enter(self, amount: int, charge: str, date: int, **partner: Json) -> None:
        self.transactions.append({"id": charge, "date": date, **partner, "amount": amount})


def user_partner(user: Json, kind: str, **fields: object) -> Json:
    """Return a TransactionPartnerUser, with those of the fields that say something."""
    given = {name: value for name, value in fields.items() if value}
    return {"transaction_type": kind, "type": "user", "user": user, **given}
