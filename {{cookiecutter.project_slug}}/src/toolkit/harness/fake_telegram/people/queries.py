"""Inline queries, payments, votes and reactions."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.methods.answers import result_content
from toolkit.harness.fake_telegram.model import PersonError, Query
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Asking(World):
    """What people ask the bot for."""

    def inline_query(self, user_id: int, text: str, offset: str = "") -> Json:
        """Type `@bot text` in some chat; the answer is in `queries[id].answer`."""
        content = {"from": self.user(user_id), "query": text, "offset": offset}
        return self._ask("inline_query", user_id, content)

    def choose_result(self, user_id: int, query_id: str, result_id: str, chat_id: int) -> Json:
        """Send a result of an answered inline query to a chat where it shows."""
        query = self.queries[query_id]
        results: list[Json] = (query.answer or {}).get("results", [])
        result = next((one for one in results if str(one["id"]) == result_id), None)
        if result is None:
            there = ", ".join(str(one["id"]) for one in results) or "none"
            raise PersonError(f"there is no result {result_id!r}; there are: {there}")
        chat = self.private_chat(chat_id) if chat_id > 0 else self.chats[chat_id]
        fields: Json = {"via_bot": self.bot_user}
        chosen: Json = {"result_id": result_id, "query": query.content["query"]}
        if "reply_markup" in result:
            fields["reply_markup"] = result["reply_markup"]
            chosen["inline_message_id"] = f"inline-{self.number('inline_message')}"
        user = self.user(user_id)
        message = self.new_message(chat, user, result_content(result), **fields)
        if "inline_message_id" in chosen:
            place = (chat.id, message["message_id"])
            self.inline_messages[chosen["inline_message_id"]] = place
        return self.emit("chosen_inline_result", {"from": user, **chosen})

    def tap_inline(self, user_id: int, inline_message_id: str, callback_data: str) -> Json:
        """Tap a button under a message that was sent through an inline query."""
        content = {
            "from": self.user(user_id),
            "inline_message_id": inline_message_id,
            "chat_instance": inline_message_id,
            "data": callback_data,
        }
        return self._ask("callback_query", user_id, content)

    def pre_checkout(self, user_id: int, message_id: int, chat_id: int | None = None) -> Json:
        """Press Pay under an invoice; the bot has to answer the query."""
        invoice = self._invoice(chat_id or user_id, message_id)
        return self._ask("pre_checkout_query", user_id, self._order(user_id, invoice))

    def shipping(self, user_id: int, message_id: int, address: Json) -> Json:
        """Enter an address for an invoice with a flexible price."""
        invoice = self._invoice(user_id, message_id)
        content = {
            "from": self.user(user_id),
            "invoice_payload": str(invoice["payload"]),
            "shipping_address": address,
        }
        return self._ask("shipping_query", user_id, content)

    def pay(self, user_id: int, pre_checkout_query_id: str) -> Json:
        """Complete a payment whose pre-checkout query the bot has approved."""
        query = self.queries[pre_checkout_query_id]
        if query.answer is None:
            raise PersonError("the bot has not answered the pre-checkout query")
        if not query.answer["ok"]:
            raise PersonError(f"the bot refused: {query.answer['error_message']}")
        charge = f"charge-{self.number('charge')}"
        names = ("currency", "total_amount", "invoice_payload")
        payment = {name: query.content[name] for name in names}
        payment |= {"telegram_payment_charge_id": charge, "provider_payment_charge_id": charge}
        self.invoices[f"charge:{charge}"] = dict(payment)
        message = self.new_message(
            self.private_chat(user_id), self.user(user_id), {"successful_payment": payment}
        )
        return self.emit("message", message)

    def vote(self, user_id: int, poll_id: str, *options: int) -> Json:
        """Vote in a poll; no options take the vote back. Returns the poll_answer or poll update."""
        chat_id, message_id = self.polls[poll_id]
        chat = self.chats[chat_id]
        message = chat.messages[message_id]
        poll = message["poll"]
        if poll["is_closed"]:
            raise PersonError(f"poll {poll_id} is closed")
        votes = chat.details.setdefault(f"votes:{poll_id}", {})
        votes[user_id] = options
        counted = [
            {**option, "voter_count": sum(number in chosen for chosen in votes.values())}
            for number, option in enumerate(poll["options"])
        ]
        total = sum(bool(chosen) for chosen in votes.values())
        poll = {**poll, "options": counted, "total_voter_count": total}
        self.put_message(chat, {**message, "poll": poll})
        update = self.emit("poll", poll)
        if poll["is_anonymous"]:
            return update
        ids = [str(counted[number]["persistent_id"]) for number in options]
        answer: Json = {"poll_id": poll_id, "user": self.user(user_id)}
        answer |= {"option_ids": list(options), "option_persistent_ids": ids}
        return self.emit("poll_answer", answer)

    def react(self, user_id: int, message_id: int, *emoji: str, chat_id: int | None = None) -> Json:
        """Put reactions on a message; none take them away."""
        place = chat_id or user_id
        chat = self.private_chat(user_id) if place == user_id else self.chats[place]
        old = chat.reactions.get((message_id, user_id), [])
        new = [{"type": "emoji", "emoji": one} for one in emoji]
        chat.reactions[message_id, user_id] = new
        content: Json = {"chat": chat.data, "message_id": message_id, "date": self.now()}
        content |= {"user": self.user(user_id), "old_reaction": old, "new_reaction": new}
        return self.emit("message_reaction", content)

    def _ask(self, kind: str, user_id: int, content: Json) -> Json:
        query_id = str(self.number("query"))
        content = {"id": query_id, **content}
        return self.ask(Query(kind, query_id, user_id, content, self.clock(), user_id))

    def _invoice(self, chat_id: int, message_id: int) -> Json:
        invoice = self.invoices.get(f"{chat_id}:{message_id}")
        if invoice is None:
            raise PersonError(f"message {message_id} in chat {chat_id} is not an invoice")
        return invoice

    def _order(self, user_id: int, invoice: Json) -> Json:
        prices: list[Any] = invoice["prices"]
        return {
            "from": self.user(user_id),
            "currency": invoice["currency"],
            "total_amount": sum(int(price["amount"]) for price in prices),
            "invoice_payload": str(invoice["payload"]),
        }
