"""Guest mode: users ask the bot in chats where it is not a member."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import PersonError, Query
from toolkit.harness.fake_telegram.rights import is_member
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class Guests(Messages):
    """Who asks the bot as a guest."""

    def ask_guest(self, user_id: int, chat_id: int, text: str) -> Json:
        """Mention the bot in a chat it is not in; it answers with `answerGuestQuery`."""
        self.group(chat_id, bot="left")
        chat = self.chat_for(user_id, chat_id)
        if is_member(chat.members.get(self.bot_id)):
            raise PersonError(
                f"the bot is in chat {chat_id}: it gets messages there, and no guests'"
            )
        query_id = str(self.number("query"))
        content = {**self.text_content(text), "guest_query_id": query_id}
        message = self.new_message(chat, self.user(user_id), content)
        place = (chat_id, message["message_id"])
        self.remember(Query("guest_query", query_id, user_id, message, self.clock(), *place))
        return self.emit("guest_message", message)
