"""Direct messages of channels: what users write and suggest there, and what becomes of it."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.direct_messages import in_direct_topic, suggestion
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import member
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class DirectMessages(Messages):
    """What users write to a channel."""

    def direct_messages(self, channel_id: int) -> Json:
        """Return the chat of direct messages of a channel, opened on first mention."""
        self.channel(channel_id)
        channel = self.chats[channel_id]
        known = channel.details.get("direct_messages_chat_id")
        if known is not None:
            return self.chats[known].data
        chat_id = channel_id - 10**9
        title = channel.data["title"]
        extra: Json = {"kind": "supergroup", "is_direct_messages": True}
        data = self.group(chat_id, title, bot="administrator", **extra)
        self.chats[chat_id].details["parent_chat"] = channel.data
        channel.details["direct_messages_chat_id"] = chat_id
        return data

    def send_direct(
        self, user_id: int, channel_id: int, content: Json | str, **fields: Any
    ) -> Json:
        """Write to a channel: a text, or the fields of a Message; return the update."""
        chat = self._direct(channel_id)
        user = self.user(user_id)
        chat.members.setdefault(user_id, member("member", user))
        made = self.text_content(content) if isinstance(content, str) else content
        return self.send(user_id, made, chat.id, **in_direct_topic(user), **fields)

    def suggest_post(
        self,
        user_id: int,
        channel_id: int,
        content: Json | str,
        price: Json | None = None,
        send_date: int | None = None,
    ) -> Json:
        """Suggest a post to a channel, for a SuggestedPostPrice or for nothing."""
        asked: Json = {"price": price} if price else {}
        asked |= {"send_date": send_date} if send_date else {}
        return self.send_direct(user_id, channel_id, content, **suggestion(asked))

    def end_suggested_post(self, channel_id: int, message_id: int, outcome: str) -> Json:
        """Let an approved post with a price be `paid`, `refunded`, or not paid for (`failed`)."""
        chat = self._direct(channel_id)
        post = chat.messages.get(message_id, {})
        info = post.get("suggested_post_info", {})
        if info.get("state") != "approved" or "price" not in info:
            raise PersonError(f"message {message_id} is not an approved post with a price")
        price, about = info["price"], {"suggested_post_message": post}
        stars = price["currency"] == "XTR"
        amount = {"star_amount": {"amount": price["amount"]}} if stars else price
        contents: Json = {
            "paid": {"suggested_post_paid": {**about, "currency": price["currency"], **amount}},
            "refunded": {"suggested_post_refunded": {**about, "reason": "payment_refunded"}},
            "failed": {"suggested_post_approval_failed": {**about, "price": price}},
        }
        if outcome not in contents:
            raise PersonError(f"a post is paid, refunded or failed, not {outcome!r}")
        place = {"direct_messages_topic": post["direct_messages_topic"]}
        return self.service_message(chat, self.bot_user, contents[outcome], **place)

    def set_direct_message_price(self, channel_id: int, stars: int | None) -> Json:
        """Let a channel ask for Stars for its direct messages, or take none at all (None)."""
        self.direct_messages(channel_id)
        channel = self.chats[channel_id]
        changed: Json = {"are_direct_messages_enabled": stars is not None}
        changed |= {"direct_message_star_count": stars} if stars else {}
        content = {"direct_message_price_changed": changed}
        return self.service_message(channel, self.bot_user, content)

    def _direct(self, channel_id: int) -> Chat:
        return self.chats[self.direct_messages(channel_id)["id"]]
