"""Bots that users create to be managed by the bot."""

from __future__ import annotations

from toolkit.harness.fake_telegram.methods.managed_bots import managed_token
from toolkit.harness.fake_telegram.model import ManagedBot, PersonError
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class ManagedBots(Messages):
    """What owners do with their bots."""

    def create_managed_bot(self, user_id: int, name: str, username: str) -> Json:
        """Create a bot that the bot manages; return the update that tells its id.

        Where a button of the reply keyboard asks for one, its service message comes first.
        """
        bot_id = self.bot_id + 1_000_000 + self.number("managed_bot")
        bot = self.user(bot_id, name, username=username, is_bot=True)
        del bot["language_code"]
        self.managed_bots[bot_id] = ManagedBot(user_id, managed_token(self, bot_id))
        if any("request_managed_bot" in each.data for each in self.buttons(user_id)):
            chat = self.chat_for(user_id)
            created = {"managed_bot_created": {"bot": bot}}
            self.service_message(chat, self.user(user_id), created)
        return self.emit("managed_bot", {"user": self.user(user_id), "bot": bot})

    def replace_managed_bot_token(self, user_id: int, bot_id: int) -> Json:
        """Let the owner of a managed bot make a new token for it."""
        managed = self._owned(user_id, bot_id)
        managed.token = managed_token(self, bot_id)
        return self.emit("managed_bot", {"user": self.user(user_id), "bot": self.user(bot_id)})

    def give_managed_bot(self, user_id: int, bot_id: int, new_owner: int) -> Json:
        """Let the owner of a managed bot give it to somebody else."""
        self._owned(user_id, bot_id).owner = new_owner
        return self.emit("managed_bot", {"user": self.user(new_owner), "bot": self.user(bot_id)})

    def _owned(self, user_id: int, bot_id: int) -> ManagedBot:
        managed = self.managed_bots.get(bot_id)
        if managed is None or managed.owner != user_id:
            raise PersonError(f"user {user_id} has no managed bot {bot_id}")
        return managed
