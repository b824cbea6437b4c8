"""Coming and going: groups, blocking, promotion, topics, an upgrade to a supergroup."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.membership import is_member, member
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Moving(World):
    """How people and the bot move between chats."""

    def join(self, user_id: int, chat_id: int) -> Json:
        """Join a group; returns the update with the service message."""
        chat = self._chat(chat_id)
        user = self.user(user_id)
        self._change(chat, user_id, user, member("member", user))
        message = self.new_message(chat, user, {"new_chat_members": [user]})
        return self.emit("message", message)

    def leave(self, user_id: int, chat_id: int) -> Json:
        """Leave a group; returns the update with the service message."""
        chat = self._chat(chat_id)
        user = self.user(user_id)
        if not is_member(chat.members.get(user_id)):
            raise PersonError(f"user {user_id} is not in chat {chat_id}")
        self._change(chat, user_id, user, member("left", user))
        message = self.new_message(chat, user, {"left_chat_member": user})
        return self.emit("message", message)

    def set_member(self, by: int, user_id: int, chat_id: int, status: str, **rights: Any) -> Json:
        """Let user `by` promote, restrict or ban somebody; returns the chat_member update."""
        chat = self._chat(chat_id)
        user = self.user(user_id)
        return self._change(chat, user_id, self.user(by), member(status, user, **rights))

    def add_bot(self, by: int, chat_id: int, status: str = "member", **rights: Any) -> Json:
        """Let a person add the bot to a group, or make it `status` there; my_chat_member."""
        self.group(chat_id, bot="left")
        return self._change_bot(self.chats[chat_id], by, member(status, self.bot_user, **rights))

    def remove_bot(self, by: int, chat_id: int) -> Json:
        """Let a person remove the bot from a group."""
        return self._change_bot(self._chat(chat_id), by, member("kicked", self.bot_user))

    def block(self, user_id: int) -> Json:
        """Block the bot: it can send nothing more to this user."""
        return self._block(user_id, blocked=True)

    def unblock(self, user_id: int) -> Json:
        """Take the bot back."""
        return self._block(user_id, blocked=False)

    def _block(self, user_id: int, *, blocked: bool) -> Json:
        self.user(user_id)
        self.users[user_id].blocked = blocked
        status = "kicked" if blocked else "member"
        return self._change_bot(self.private_chat(user_id), user_id, member(status, self.bot_user))

    def deactivate(self, user_id: int) -> None:
        """Delete the account; Telegram tells bots nothing about it."""
        self.user(user_id)
        self.users[user_id].deactivated = True
        self.private_chat(user_id)

    def ask_to_join(self, user_id: int, chat_id: int) -> Json:
        """Ask to join a group that approves its members."""
        chat = self._chat(chat_id)
        request = {
            "chat": chat.data,
            "from": self.user(user_id),
            "user_chat_id": user_id,
            "date": self.now(),
        }
        chat.requests[user_id] = request
        self.users[user_id].started = True  # the bot may write to who asks to join
        return self.emit("chat_join_request", request)

    def create_topic(self, user_id: int, chat_id: int, name: str) -> Json:
        """Open a topic in a forum; its id is the message_id of the update."""
        chat = self._chat(chat_id)
        if not chat.data.get("is_forum"):
            raise PersonError(f"chat {chat_id} is not a forum; group(…, forum=True) makes one")
        created = {"name": name, "icon_color": 7322096}
        message = self.new_message(chat, self.user(user_id), {"forum_topic_created": created})
        thread_id = message["message_id"]
        chat.topics[thread_id] = {"message_thread_id": thread_id, **created}
        thread = {"message_thread_id": thread_id, "is_topic_message": True}
        return self.emit("message", self.put_message(chat, {**message, **thread}))

    def migrate(self, chat_id: int, new_id: int | None = None) -> Json:
        """Upgrade a basic group to a supergroup; returns the update in the old chat."""
        old = self._chat(chat_id)
        if old.kind != "group":
            raise PersonError(f"chat {chat_id} is a {old.kind}; only a basic group is upgraded")
        new_id = new_id or -(10**12) + chat_id
        self.group(new_id, old.data["title"], kind="supergroup")
        new = self.chats[new_id]
        new.members = dict(old.members)
        old.migrated_to = new_id
        creator = self.user(next((u for u in old.members if u != self.me["id"]), 1))
        message = self.new_message(old, creator, {"migrate_to_chat_id": new_id})
        update = self.emit("message", message)
        arrival = self.new_message(new, creator, {"migrate_from_chat_id": chat_id})
        self.emit("message", arrival)
        return update

    def _chat(self, chat_id: int) -> Chat:
        self.group(chat_id)
        return self.chats[chat_id]

    def _change(self, chat: Chat, user_id: int, by: Json, new: Json) -> Json:
        old = chat.members.get(user_id) or member("left", self.user(user_id))
        chat.members[user_id] = new
        self.notify("chat", chat.id, new)
        return self.emit("chat_member", self._changed(chat, by, old, new))

    def _change_bot(self, chat: Chat, by: int, new: Json) -> Json:
        bot_id = self.me["id"]
        old = chat.members.get(bot_id) or member("member", self.bot_user)
        chat.members[bot_id] = new
        self.notify("chat", chat.id, new)
        return self.emit("my_chat_member", self._changed(chat, self.user(by), old, new))

    def _changed(self, chat: Chat, by: Json, old: Json, new: Json) -> Json:
        return {
            "chat": chat.data,
            "from": by,
            "date": self.now(),
            "old_chat_member": old,
            "new_chat_member": new,
        }
