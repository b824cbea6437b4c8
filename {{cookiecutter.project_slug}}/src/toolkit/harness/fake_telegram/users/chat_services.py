"""What users do to chats, as the service messages that tell of it."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.media_kinds import describe
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.rights import member
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.fake_telegram.world import in_topic
from toolkit.harness.types import Json

GENERAL = 1


class ChatServices(Messages):
    """How users change the chats they are in."""

    def create_group(self, user_id: int, chat_id: int, title: str) -> Json:
        """Create a basic group with the bot in it."""
        user = self.user(user_id)
        self.group(chat_id, title, kind="group")
        self.chats[chat_id].members[user_id] = member("creator", user)
        return self._tell(user_id, chat_id, {"group_chat_created": True})

    def set_title(self, user_id: int, chat_id: int, title: str) -> Json:
        """Give a group another title."""
        chat = self.chat_for(user_id, chat_id)
        chat.data = {**chat.data, "title": title}
        return self._tell(user_id, chat_id, {"new_chat_title": title})

    def set_photo(self, user_id: int, chat_id: int, content: bytes = b"") -> Json:
        """Give a group another photo."""
        self.chat_for(user_id, chat_id)
        stored = self.files.add("photo", content, "photo.jpg")
        return self._tell(
            user_id, chat_id, {"new_chat_photo": describe(stored, "photo", {})["photo"]}
        )

    def delete_photo(self, user_id: int, chat_id: int) -> Json:
        """Take the photo of a group away."""
        self.chat_for(user_id, chat_id).details.pop("photo", None)
        return self._tell(user_id, chat_id, {"delete_chat_photo": True})

    def pin(self, user_id: int, message_id: int, chat_id: int | None = None) -> Json:
        """Pin a message."""
        chat = self.chat_for(user_id, chat_id)
        message = chat.messages.get(message_id)
        if message is None:
            raise PersonError(f"there is no message {message_id} in chat {chat.id} to pin")
        chat.pinned = [*(each for each in chat.pinned if each != message_id), message_id]
        return self._tell(user_id, chat_id, {"pinned_message": message})

    def set_auto_delete(self, user_id: int, seconds: int, chat_id: int | None = None) -> Json:
        """Let messages be deleted after a time, or never (0)."""
        self.chat_for(user_id, chat_id).details["message_auto_delete_time"] = seconds
        changed = {"message_auto_delete_time": seconds}
        return self._tell(user_id, chat_id, {"message_auto_delete_timer_changed": changed})

    def set_background(self, user_id: int, color: int, chat_id: int | None = None) -> Json:
        """Give a chat a background of one color, as 0xRRGGBB."""
        fill = {"type": "solid", "color": color}
        kind = {"type": "fill", "fill": fill, "dark_theme_dimming": 0}
        return self._tell(user_id, chat_id, {"chat_background_set": {"type": kind}})

    def come_near(self, user_id: int, chat_id: int, watcher_id: int, distance: int) -> Json:
        """Come as near as somebody wanted to be told of, while both share their live locations."""
        met = {"traveler": self.user(user_id), "watcher": self.user(watcher_id)}
        alert = {**met, "distance": distance}
        return self._tell(user_id, chat_id, {"proximity_alert_triggered": alert})

    def change_owner(self, user_id: int, chat_id: int, new_owner: int) -> Json:
        """Let the owner of a group give it to somebody else."""
        chat = self._own_chat(user_id, chat_id)
        chat.members[user_id] = member("administrator", self.user(user_id))
        chat.members[new_owner] = member("creator", self.user(new_owner))
        content = {"chat_owner_changed": {"new_owner": self.user(new_owner)}}
        return self._tell(user_id, chat_id, content)

    def leave_as_owner(self, user_id: int, chat_id: int, new_owner: int | None = None) -> Json:
        """Let the owner of a group leave it; it will be that of `new_owner`, if there is one."""
        chat = self._own_chat(user_id, chat_id)
        chat.members[user_id] = member("left", self.user(user_id))
        left = {} if new_owner is None else {"new_owner": self.user(new_owner)}
        return self.service_message(chat, self.user(user_id), {"chat_owner_left": left})

    def set_message_price(self, user_id: int, chat_id: int, stars: int) -> Json:
        """Ask for Stars for each message to a group."""
        self.chat_for(user_id, chat_id).details["paid_message_star_count"] = stars
        changed = {"paid_message_star_count": stars}
        return self._tell(user_id, chat_id, {"paid_message_price_changed": changed})

    def edit_topic(self, user_id: int, chat_id: int, thread_id: int, name: str) -> Json:
        """Rename a topic of a forum."""
        topic = self._topic(user_id, chat_id, thread_id)
        topic["name"] = name
        return self._tell(
            user_id, chat_id, {"forum_topic_edited": {"name": name}}, **in_topic(thread_id)
        )

    def close_topic(
        self, user_id: int, chat_id: int, thread_id: int, *, closed: bool = True
    ) -> Json:
        """Close a topic of a forum, or open it again."""
        self._topic(user_id, chat_id, thread_id)["closed"] = closed
        what = "forum_topic_closed" if closed else "forum_topic_reopened"
        return self._tell(user_id, chat_id, {what: {}}, **in_topic(thread_id))

    def hide_general(self, user_id: int, chat_id: int, *, hidden: bool = True) -> Json:
        """Hide the topic that every forum has, or show it again."""
        self.chat_for(user_id, chat_id).topic(GENERAL, "General")["hidden"] = hidden
        what = f"general_forum_topic_{'hidden' if hidden else 'unhidden'}"
        return self._tell(user_id, chat_id, {what: {}})

    def video_chat(
        self, user_id: int, chat_id: int, what: str = "started", *invited: int, at: int = 0
    ) -> Json:
        """Tell of a video chat: it is scheduled (for `at`), started or ended (after `at` seconds).

        With "participants_invited", users are invited to it.
        """
        contents: Json = {
            "scheduled": {"start_date": at},
            "started": {},
            "ended": {"duration": at},
            "participants_invited": {"users": [self.user(each) for each in invited]},
        }
        if what not in contents:
            raise PersonError(f"a video chat is {', '.join(contents)}, not {what!r}")
        return self._tell(user_id, chat_id, {f"video_chat_{what}": contents[what]})

    def join_community(self, user_id: int, chat_id: int, name: str) -> Json:
        """Add a group to a community."""
        chat = self.chat_for(user_id, chat_id)
        community = {"id": self.number("community"), "name": name}
        chat.details["community"] = community
        return self._tell(user_id, chat_id, {"community_chat_added": {"community": community}})

    def join_through_community(self, user_id: int, chat_id: int) -> Json:
        """Join a group as somebody who is in its community."""
        self.group(chat_id)
        chat = self.chats[chat_id]
        community = chat.details.get("community")
        if community is None:
            raise PersonError(f"chat {chat_id} is in no community; join_community(…) adds it")
        user = self.user(user_id)
        self.change_member(chat, user, member("member", user))
        return self._tell(user_id, chat_id, {"community_chat_joined": {"community": community}})

    def leave_community(self, user_id: int, chat_id: int) -> Json:
        """Remove a group from its community."""
        self.chat_for(user_id, chat_id).details.pop("community", None)
        return self._tell(user_id, chat_id, {"community_chat_removed": {}})

    def _own_chat(self, user_id: int, chat_id: int) -> Chat:
        chat = self.chat_for(user_id, chat_id)
        if chat.status_of(user_id) != "creator":
            raise PersonError(f"user {user_id} is not the owner of chat {chat_id}")
        return chat

    def _topic(self, user_id: int, chat_id: int, thread_id: int) -> Json:
        topics = self.chat_for(user_id, chat_id).topics
        if thread_id not in topics:
            raise PersonError(f"chat {chat_id} has no topic {thread_id}")
        topics[thread_id] = dict(topics[thread_id])
        return topics[thread_id]

    def _tell(self, user_id: int, chat_id: int | None, content: Json, **fields: Any) -> Json:
        chat = self.chat_for(user_id, chat_id)
        return self.service_message(chat, self.user(user_id), content, **fields)
