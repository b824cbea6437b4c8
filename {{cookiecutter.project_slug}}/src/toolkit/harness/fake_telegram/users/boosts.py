"""Boosts of chats."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import is_admin
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

DAYS = 30


class Boosts(World):
    """How users of Telegram Premium boost chats; only admins are told."""

    def boost(self, user_id: int, chat_id: int) -> Json:
        """Boost a supergroup or a channel for thirty days; return the update about it."""
        chat, user = self._boosted(chat_id), self.user(user_id)
        boost = {
            "boost_id": f"boost-{self.number('boost')}",
            "add_date": self.now(),
            "expiration_date": self.now() + DAYS * 86400,
            "source": {"source": "premium", "user": user},
        }
        chat.boosts[str(boost["boost_id"])] = boost
        update = self._tell_admins(chat, "chat_boost", {"boost": boost})
        if chat.kind == "supergroup":
            self.service_message(chat, user, {"boost_added": {"boost_count": 1}})
        return update

    def unboost(self, user_id: int, chat_id: int) -> Json:
        """Take the oldest boost of a user away from a chat; return the update about it."""
        chat = self._boosted(chat_id)
        for boost_id, boost in chat.boosts.items():
            if boost["source"]["user"]["id"] == user_id:
                del chat.boosts[boost_id]
                gone = {"boost_id": boost_id, "remove_date": self.now(), "source": boost["source"]}
                return self._tell_admins(chat, "removed_chat_boost", gone)
        raise PersonError(f"user {user_id} does not boost chat {chat_id}")

    def _tell_admins(self, chat: Chat, kind: str, content: Json) -> Json:
        content = {"chat": chat.data, **content}
        if not is_admin(chat, self.bot_id):
            return {"update_id": 0, kind: content}
        return self.emit(kind, content)

    def _boosted(self, chat_id: int) -> Chat:
        chat = self.chats.get(chat_id)
        if chat is None or not chat.has_own_sequence:
            raise PersonError(f"chat {chat_id} is no supergroup and no channel")
        return chat
