"""Updates that come from outside: what they mention becomes known, as if it had happened here."""

from __future__ import annotations

from toolkit.harness.fake_telegram.business import RIGHTS, connection_json
from toolkit.harness.fake_telegram.media_kinds import KINDS
from toolkit.harness.fake_telegram.methods.managed_bots import managed_token
from toolkit.harness.fake_telegram.model import Chat, ManagedBot, Query
from toolkit.harness.fake_telegram.rights import member
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json

_POSTS = ("message", "channel_post", "business_message", "guest_message")
UNKNOWN_OWNER = 5_000_000_000
"""The account of a business of which an update names the connection and nothing else."""
THUMBNAILS = ("thumbnail", "thumb")
MESSAGES = (*_POSTS, *(f"edited_{kind}" for kind in _POSTS))


class RawUpdates(World):
    """Takes complete updates."""

    def inject(self, update: Json) -> Json:
        """Take an update as it is: its chat and users become known, its message is on screen.

        It is numbered if it has no number, queued for the bot, and returned.
        """
        for kind, content in update.items():
            if isinstance(content, dict):
                self._learn(kind, content)
                self._learn_files(content)
        numbered = self.updates.put_raw(update)
        self.notify("update", None, numbered)
        return numbered

    def _learn(self, kind: str, content: Json) -> None:
        message: Json = content if kind in MESSAGES else content.get("message") or {}
        sender = content.get("from") or content.get("user")
        if sender is not None:
            self.user(sender["id"], **{k: v for k, v in sender.items() if k != "id"})
        chat_data = content.get("chat") or message.get("chat")
        if chat_data is not None:
            chat = self._learn_chat(chat_data)
            if message.get("date") and message["message_id"] not in chat.messages:
                self.put_message(chat, message)
                if "poll" in message:
                    self.polls[message["poll"]["id"]] = (chat.id, message["message_id"])
            if message.get("is_topic_message"):
                chat.topic(message["message_thread_id"])
            if sender is not None and not chat.is_private:
                chat.members.setdefault(sender["id"], member("member", sender))
        if kind == "business_connection":
            self.business_connections[content["id"]] = content
        elif "business_connection_id" in content:
            customer = chat_data["id"] if chat_data else UNKNOWN_OWNER
            writer = sender["id"] if sender is not None else customer
            owner = self.user(UNKNOWN_OWNER if writer == customer else writer)
            connection_id = content["business_connection_id"]
            known = connection_json(connection_id, owner, self.now(), RIGHTS)
            self.business_connections.setdefault(connection_id, known)
        self._learn_of_others(kind, content)
        guest = kind == "guest_message"
        if (guest or kind.endswith("_query")) and sender is not None:
            query_id = str(content["guest_query_id" if guest else "id"])
            name = "guest_query" if guest else kind
            query = Query(name, query_id, int(sender["id"]), content, self.clock())
            query.chat_id = message.get("chat", {}).get("id")
            query.message_id = message.get("message_id")
            self.remember(query)

    def _learn_of_others(self, kind: str, content: Json) -> None:
        """Keep who waits to be let in, and a bot that is to be managed."""
        if kind == "chat_join_request":
            self.chats[content["chat"]["id"]].requests[content["from"]["id"]] = content
        elif kind == "managed_bot":
            bot, owner = content["bot"], content["user"]
            self.user(bot["id"], **{k: v for k, v in bot.items() if k != "id"})
            managed = ManagedBot(owner["id"], managed_token(self, bot["id"]))
            self.managed_bots.setdefault(bot["id"], managed)

    def _learn_files(self, content: Json) -> None:
        """Keep every file that is mentioned, however deep, so that it can be asked for and sent."""
        for field, value in content.items():
            kind = field if field in KINDS else "document"
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    if "file_id" in each and "file_unique_id" in each:
                        self.files.learn("thumbnail" if field in THUMBNAILS else kind, each)
                    self._learn_files(each)

    def _learn_chat(self, data: Json) -> Chat:
        chat_id = int(data["id"])
        if chat_id > 0:
            self.user(chat_id)
            self.users[chat_id].started = True
            return self.private_chat(chat_id)
        extra = {k: v for k, v in data.items() if k not in ("id", "type", "title")}
        self.group(chat_id, str(data.get("title", "Group")), kind=data.get("type"), **extra)
        return self.chats[chat_id]
