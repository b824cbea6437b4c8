"""Coming and going: groups, blocking, promotion, topics, an upgrade to a supergroup."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import is_member, member
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Membership(World):
    """How users and the bot move between chats."""

    def join(self, user_id: int, chat_id: int) -> Json:
        """Join a group; return the update with the service message."""
        chat, user = self._group(chat_id), self.user(user_id)
        self.change_member(chat, user, member("member", user))
        return self.service_message(chat, user, {"new_chat_members": [user]})

    def leave(self, user_id: int, chat_id: int) -> Json:
        """Leave a group; return the update with the service message."""
        chat, user = self._group(chat_id), self.user(user_id)
        if not is_member(chat.members.get(user_id)):
            raise PersonError(f"user {user_id} is not in chat {chat_id}")
        self.change_member(chat, user, member("left", user))
        return self.service_message(chat, user, {"left_chat_member": user})

    def set_member(self, by: int, user_id: int, chat_id: int, status: str, **rights: Any) -> Json:
        """Let user `by` promote, restrict or ban another; return the chat_member update."""
        new = member(status, self.user(user_id), **rights)
        return self.change_member(self._group(chat_id), self.user(by), new)

    def add_bot(self, by: int, chat_id: int, status: str = "member", **rights: Any) -> Json:
        """Let a user add the bot to a group, or make it `status` there."""
        self.group(chat_id, bot="left")
        return self._set_bot(self.chats[chat_id], by, status, **rights)

    def remove_bot(self, by: int, chat_id: int) -> Json:
        """Let a user remove the bot from a group."""
        return self._set_bot(self._group(chat_id), by, "kicked")

    def block(self, user_id: int) -> Json:
        """Block the bot: it can send nothing more to this user."""
        self.user(user_id)
        self.users[user_id].blocked = True
        return self._set_bot(self.private_chat(user_id), user_id, "kicked")

    def unblock(self, user_id: int) -> Json:
        """Unblock the bot."""
        self.user(user_id)
        self.users[user_id].blocked = False
        return self._set_bot(self.private_chat(user_id), user_id, "member")

    def deactivate(self, user_id: int) -> None:
        """Delete the account; Telegram sends bots no update about it."""
        self.user(user_id)
        self.users[user_id].deactivated = True
        self.private_chat(user_id)

    def hide(self, user_id: int, chat_id: int) -> Json:
        """Make somebody an anonymous admin, who writes as the group; return the update about it."""
        chat, user = self._group(chat_id), self.user(user_id)
        return self.change_member(chat, user, member("administrator", user, is_anonymous=True))

    def ask_to_join(self, user_id: int, chat_id: int, *, guarded: bool = False) -> Json:
        """Ask to join a group that approves its members, or one that is `guarded` by the bot.

        The latter comes with a query, which the bot has to answer.
        """
        chat, user = self._group(chat_id), self.user(user_id)
        request = {"chat": chat.data, "from": user, "user_chat_id": user_id, "date": self.now()}
        request |= {"query_id": str(self.number("query"))} if guarded else {}
        chat.requests[user_id] = request
        self.users[user_id].started = True  # the bot may write to those who ask to join
        return self.emit("chat_join_request", request)

    def create_topic(self, user_id: int, chat_id: int, name: str) -> Json:
        """Open a topic in a forum; its id is the message_id of the update."""
        chat = self._group(chat_id)
        if not chat.data.get("is_forum"):
            raise PersonError(f"chat {chat_id} is not a forum; group(…, forum=True) makes one")
        return self.open_topic(chat, self.user(user_id), {"name": name, "icon_color": 7322096})

    def migrate(self, chat_id: int, new_id: int | None = None) -> Json:
        """Upgrade a basic group to a supergroup; return the update in the old chat."""
        old = self._group(chat_id)
        if old.kind != "group":
            raise PersonError(f"chat {chat_id} is a {old.kind}; only a basic group is upgraded")
        new_id = new_id or -(10**12) + chat_id
        self.group(new_id, old.data["title"], kind="supergroup")
        new = self.chats[new_id]
        new.members = dict(old.members)
        old.migrated_to = new_id
        creator = self.user(next((u for u in old.members if u != self.bot_id), 1))
        update = self.service_message(old, creator, {"migrate_to_chat_id": new_id})
        self.service_message(new, creator, {"migrate_from_chat_id": chat_id})
        return update

    def _group(self, chat_id: int) -> Chat:
        self.group(chat_id)
        return self.chats[chat_id]

    def _set_bot(self, chat: Chat, by: int, status: str, **rights: Any) -> Json:
        return self.change_member(chat, self.user(by), member(status, self.bot_user, **rights))
