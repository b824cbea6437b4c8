"""Inline queries and reactions."""

from __future__ import annotations

from collections import Counter

from toolkit.harness.fake_telegram.methods.games import play_button
from toolkit.harness.fake_telegram.methods.inline_results import result_content
from toolkit.harness.fake_telegram.model import PersonError
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Queries(World):
    """What users ask the bot for."""

    def inline_query(self, user_id: int, text: str, offset: str = "") -> Json:
        """Type `@bot text` in some chat; the answer is in `queries[id].answer`."""
        return self.emit_query("inline_query", user_id, {"query": text, "offset": offset})

    def choose_result(self, user_id: int, query_id: str, result_id: str, chat_id: int) -> Json:
        """Send a result of an answered inline query to a chat where it shows."""
        query = self.queries[query_id]
        results: list[Json] = (query.answer or {}).get("results", [])
        result = next((known for known in results if str(known["id"]) == result_id), None)
        if result is None:
            there = ", ".join(str(known["id"]) for known in results) or "none"
            raise PersonError(f"there is no result {result_id!r}; there are: {there}")
        content = result_content(Request(self, "", {}, {}), result)
        buttons = {name: result[name] for name in ("reply_markup",) if name in result}
        if "game" in content and not buttons:
            buttons = {"reply_markup": play_button(content["game"])}
        inline_id = self.inline_message(self.chat(chat_id), user_id, content, **buttons)
        asked = query.content["query"]
        chosen = {"from": self.user(user_id), "result_id": result_id, "query": asked}
        chosen |= {"inline_message_id": inline_id} if buttons else {}
        return self.emit("chosen_inline_result", chosen)

    def react(self, user_id: int, message_id: int, *emoji: str, chat_id: int | None = None) -> Json:
        """Put these reactions on a message, in place of those that the user had.

        In a channel nobody sees whose they are: its update has their number.
        """
        chat = self.chat(chat_id or user_id)
        old = chat.reactions.get((message_id, user_id), [])
        new = [{"type": "emoji", "emoji": each} for each in emoji]
        chat.reactions[message_id, user_id] = new
        content: Json = {"chat": chat.data, "message_id": message_id, "date": self.now()}
        if chat.kind == "channel":
            counts = Counter(
                reaction["emoji"]
                for (reacted, _), reactions in chat.reactions.items()
                if reacted == message_id
                for reaction in reactions
            )
            content["reactions"] = [
                {"type": {"type": "emoji", "emoji": each}, "total_count": count}
                for each, count in counts.most_common()
            ]
            return self.emit("message_reaction_count", content)
        content |= {"user": self.user(user_id), "old_reaction": old, "new_reaction": new}
        return self.emit("message_reaction", content)
