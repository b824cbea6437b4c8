"""Messages of users that are neither text nor files."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.methods.contents import DICE, throw
from toolkit.harness.fake_telegram.model import Chat, PersonError
from toolkit.harness.fake_telegram.people import story_of
from toolkit.harness.fake_telegram.users.messages import Messages
from toolkit.harness.types import Json


class Contents(Messages):
    """What else users send."""

    def send_dice(self, user_id: int, emoji: str = "🎲", **options: Any) -> Json:
        """Throw a dice."""
        if emoji not in DICE:
            raise PersonError(f"{emoji} is no dice; there are {' '.join(DICE)}")
        return self.send(user_id, {"dice": throw(self, emoji)}, **options)

    def send_venue(
        self, user_id: int, latitude: float, longitude: float, title: str, **options: Any
    ) -> Json:
        """Share a place that has a name."""
        place = {"latitude": latitude, "longitude": longitude}
        venue = {"location": place, "title": title, "address": options.pop("address", "")}
        return self.send(user_id, {"location": place, "venue": venue}, **options)

    def send_poll(self, user_id: int, question: str, *answers: str, **options: Any) -> Json:
        """Start a poll; the bot sees it, and no votes in it."""
        made: list[Json] = [
            {"persistent_id": str(number), "text": text, "voter_count": 0}
            for number, text in enumerate(answers)
        ]
        flags: Json = {"is_closed": False, "is_anonymous": True, "allows_multiple_answers": False}
        kind: Json = {"type": "regular", "allows_revoting": True, "members_only": False}
        poll: Json = {
            "id": f"users-{self.number('users_poll')}",
            "question": question,
            "options": made,
        }
        poll |= {"total_voter_count": 0, **flags, **kind}
        return self.send(user_id, {"poll": poll}, **options)

    def post_story(self, user_id: int, content: bytes = b"") -> Json:
        """Post a story with a picture; return the Story."""
        user = self.user(user_id)
        story_id = self.number(f"story {user_id}")
        self.users[user_id].stories[story_id] = self.file_content("photo", content, "story.jpg")
        return story_of(user, story_id)

    def send_story(self, user_id: int, story: Json, **options: Any) -> Json:
        """Forward a Story, of anybody's."""
        return self.send(user_id, {"story": story}, **options)

    def send_checklist(
        self, user_id: int, title: str, *tasks: str, others_can: bool = True, **options: Any
    ) -> Json:
        """Send a checklist; others can add tasks and mark them as done, or only its owner can."""
        made: list[Json] = [{"id": number, "text": text} for number, text in enumerate(tasks, 1)]
        checklist: Json = {"title": title, "tasks": made}
        if others_can:
            checklist |= {"others_can_add_tasks": True, "others_can_mark_tasks_as_done": True}
        return self.send(user_id, {"checklist": checklist}, **options)

    def mark_tasks(
        self,
        user_id: int,
        message_id: int,
        *tasks: int,
        chat_id: int | None = None,
        done: bool = True,
    ) -> Json:
        """Mark tasks of a checklist as done, or as not done; return the update about it."""
        chat, message = self._checklist(user_id, message_id, chat_id, "mark_tasks_as_done")
        checklist = message["checklist"]
        known = {task["id"] for task in checklist["tasks"]}
        for task_id in tasks:
            if task_id not in known:
                raise PersonError(f"checklist {message_id} has no task {task_id}; has {known}")
        by = {"completed_by_user": self.user(user_id), "completion_date": self.now()}
        made = [
            _marked(task, by if done else {}) if task["id"] in tasks else task
            for task in checklist["tasks"]
        ]
        marked = f"marked_as_{'' if done else 'not_'}done_task_ids"
        what = {"checklist_tasks_done": {marked: list(tasks)}}
        return self._changed(user_id, chat, message, made, what)

    def add_tasks(
        self, user_id: int, message_id: int, *texts: str, chat_id: int | None = None
    ) -> Json:
        """Add tasks to a checklist."""
        chat, message = self._checklist(user_id, message_id, chat_id, "add_tasks")
        tasks = message["checklist"]["tasks"]
        first = max((task["id"] for task in tasks), default=0) + 1
        added = [{"id": number, "text": text} for number, text in enumerate(texts, first)]
        what = {"checklist_tasks_added": {"tasks": added}}
        return self._changed(user_id, chat, message, [*tasks, *added], what)

    def _checklist(
        self, user_id: int, message_id: int, chat_id: int | None, right: str
    ) -> tuple[Chat, Json]:
        place = chat_id or user_id  # it may be the chat of a business with a customer
        chat = self.private_chat(place) if place > 0 else self.chat_for(user_id, place)
        message = chat.messages.get(message_id, {})
        if "checklist" not in message:
            raise PersonError(f"message {message_id} in chat {chat.id} is not a checklist")
        own = message.get("from", {}).get("id") == user_id
        if not own and not message["checklist"].get(f"others_can_{right}"):
            raise PersonError(f"only the owner of checklist {message_id} can {right}")
        return chat, message

    def _changed(
        self, user_id: int, chat: Chat, message: Json, tasks: list[Json], what: Json
    ) -> Json:
        """Show a checklist with these tasks, and say what was done to it."""
        new = {**message, "checklist": {**message["checklist"], "tasks": tasks}}
        self.put_message(chat, new)
        ((name, done),) = what.items()
        fields: Json = {}
        if connection_id := message.get("business_connection_id"):
            fields["business_connection_id"] = connection_id
        content = {name: {"checklist_message": new, **done}}
        shown = self.new_message(chat, self.user(user_id), content, **fields)
        if connection_id:
            return self.emit("business_message", shown)
        return self.emit_message(chat, shown)


def _marked(task: Json, by: Json) -> Json:
    return {key: value for key, value in task.items() if not key.startswith("complet")} | by
