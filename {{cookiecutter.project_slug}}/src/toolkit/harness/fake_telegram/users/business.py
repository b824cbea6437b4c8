"""Businesses: people connect the bot to their accounts, and customers write to these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from toolkit.harness.fake_telegram.business import RIGHTS, connection_json
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class Business(Messages):
    """What happens in the accounts that the bot answers for."""

    def connect_business(
        self, user_id: int, rights: Iterable[str] = RIGHTS, *, stars: int = 0
    ) -> Json:
        """Connect the bot to the account of a user, or change its rights; return the update.

        `stars` are those of the account, which `transferBusinessAccountStars` takes from.
        """
        user = self.user(user_id)
        self.users[user_id].business_stars += stars
        known = next((one for one in self._connections(user_id)), None)
        connection_id = known["id"] if known else f"business-{self.number('business')}"
        made = connection_json(connection_id, user, self.now(), tuple(rights))
        self.business_connections[connection_id] = made
        return self.emit("business_connection", made)

    def disconnect_business(self, user_id: int) -> Json:
        """Take the account away from the bot."""
        for known in self._connections(user_id):
            kept = {key: value for key, value in known.items() if key != "rights"}
            made = {**kept, "can_reply": False, "is_enabled": False}
            self.business_connections[known["id"]] = made
            return self.emit("business_connection", made)
        raise PersonError(f"the bot is not connected to the account of user {user_id}")

    def send_business(
        self,
        user_id: int,
        connection_id: str,
        content: Json | str,
        customer: int | None = None,
        **fields: Any,
    ) -> Json:
        """Write to the account of a business, or as its owner to a `customer`; return the update.

        `content` is a text, or the fields of a Message.
        """
        chat = self._business_chat(user_id, connection_id, customer)
        made = self.text_content(content) if isinstance(content, str) else content
        fields["business_connection_id"] = connection_id
        message = self.new_message(chat, self.user(user_id), made, **fields)
        return self.emit("business_message", message)

    def edit_business(
        self,
        user_id: int,
        connection_id: str,
        message_id: int,
        text: str,
        customer: int | None = None,
    ) -> Json:
        """Edit a message of one's own in the account of a business."""
        chat = self._business_chat(user_id, connection_id, customer)
        old = chat.messages.get(message_id, {})
        if old.get("business_connection_id") != connection_id or old["from"]["id"] != user_id:
            raise PersonError(f"message {message_id} is not a message of user {user_id}")
        message = self.edited(old, text)
        self.put_message(chat, message)
        return self.emit("edited_business_message", message)

    def delete_business(self, connection_id: str, customer: int, *message_ids: int) -> Json:
        """Delete messages of an account of a business with a customer."""
        chat = self._business_chat(customer, connection_id, None)
        for message_id in message_ids:
            if message_id not in chat.messages:
                raise PersonError(f"there is no message {message_id} in chat {customer}")
            self.remove_message(chat, message_id)
        head: Json = {"business_connection_id": connection_id, "chat": chat.data}
        return self.emit("deleted_business_messages", {**head, "message_ids": list(message_ids)})

    def _connections(self, user_id: int) -> list[Json]:
        known = self.business_connections.values()
        return [connection for connection in known if connection["user"]["id"] == user_id]

    def _business_chat(self, user_id: int, connection_id: str, customer: int | None) -> Chat:
        connection = self.business_connections.get(connection_id)
        if connection is None or not connection["is_enabled"]:
            raise PersonError(f"the bot has no business connection {connection_id!r}")
        self.user(user_id)
        owner = connection["user"]["id"]
        if user_id == owner and customer is None:
            raise PersonError(f"user {user_id} is the business: name the customer to write to")
        return self.private_chat(user_id if customer is None else customer)
