"""Votes in the polls of the bot, and options that users add to them."""

from __future__ import annotations

from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.world import World
from toolkit.harness.types import Json


class Polls(World):
    """What users do with polls."""

    def vote(self, user_id: int, poll_id: str, *options: int) -> Json:
        """Vote in a poll, or retract; return the poll_answer, or poll where it is anonymous."""
        chat, message = self._poll(poll_id)
        poll = message["poll"]
        if len(options) > 1 and not poll["allows_multiple_answers"]:
            raise PersonError(f"poll {poll_id} takes one answer, not {len(options)}")
        votes = chat.details.setdefault(f"votes:{poll_id}", {})
        if votes.get(user_id) and not poll["allows_revoting"]:
            raise PersonError(f"user {user_id} has answered, and poll {poll_id} is a quiz")
        votes[user_id] = options
        counted = [
            {**option, "voter_count": sum(number in chosen for chosen in votes.values())}
            for number, option in enumerate(poll["options"])
        ]
        total = sum(bool(chosen) for chosen in votes.values())
        poll = {**poll, "options": counted, "total_voter_count": total}
        self.put_message(chat, {**message, "poll": poll})
        update = self.emit("poll", poll)
        if poll["is_anonymous"]:
            return update
        ids = [str(counted[number]["persistent_id"]) for number in options]
        answer: Json = {"poll_id": poll_id, "user": self.user(user_id)}
        answer |= {"option_ids": list(options), "option_persistent_ids": ids}
        return self.emit("poll_answer", answer)

    def add_poll_option(self, user_id: int, poll_id: str, text: str) -> Json:
        """Add an option to a poll that allows it; return the update with the service message."""
        chat, message = self._poll(poll_id)
        if poll_id not in chat.details.get("open_polls", []):
            raise PersonError(f"poll {poll_id} takes no options: send it with allow_adding_options")
        options = message["poll"]["options"]
        option: Json = {"persistent_id": str(len(options)), "text": text, "voter_count": 0}
        option |= {"added_by_user": self.user(user_id), "addition_date": self.now()}
        return self._set_options(user_id, chat, message, [*options, option], "added", option)

    def delete_poll_option(self, user_id: int, poll_id: str, number: int) -> Json:
        """Delete an option of a poll that a user has added: the first one is number 0."""
        chat, message = self._poll(poll_id)
        options = message["poll"]["options"]
        option = options[number] if number < len(options) else {}
        if option.get("added_by_user", {}).get("id") != user_id:
            raise PersonError(f"option {number} of poll {poll_id} is not one of user {user_id}")
        kept = [each for each in options if each is not option]
        return self._set_options(user_id, chat, message, kept, "deleted", option)

    def _set_options(
        self, user_id: int, chat: Chat, message: Json, options: list[Json], what: str, option: Json
    ) -> Json:
        poll = {**message["poll"], "options": options}
        shown = self.put_message(chat, {**message, "poll": poll})
        self.emit("poll", poll)
        about = {"poll_message": shown, "option_persistent_id": option["persistent_id"]}
        content = {f"poll_option_{what}": {**about, "option_text": option["text"]}}
        return self.service_message(chat, self.user(user_id), content)

    def _poll(self, poll_id: str) -> tuple[Chat, Json]:
        chat_id, message_id = self.polls[poll_id]
        chat = self.chats[chat_id]
        message = chat.messages[message_id]
        if message["poll"]["is_closed"]:
            raise PersonError(f"poll {poll_id} is closed")
        return chat, message
