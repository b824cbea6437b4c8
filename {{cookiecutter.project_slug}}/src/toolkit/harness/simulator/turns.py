"""One update with its calls, its handler and its log lines, named for readers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toolkit.harness.specs.matching import label_of
from toolkit.harness.specs.settling import Task
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.fake_telegram import Call
    from toolkit.harness.specs.caused import Caused

LONGEST_TITLE = 60
DONE = {
    "photo": "sent a photo",
    "document": "sent a file",
    "location": "sent a location",
    "contact": "sent a contact",
    "voice": "sent a voice message",
    "audio": "sent audio",
    "video": "sent a video",
    "animation": "sent an animation",
    "sticker": "sent a sticker",
    "poll": "sent a poll",
    "dice": "threw a dice",
    "users_shared": "chose users",
    "chat_shared": "chose a chat",
    "web_app_data": "finished a web app",
    "successful_payment": "paid",
    "forum_topic_created": "opened a topic",
    "new_chat_members": "joined",
    "left_chat_member": "left",
}
ASKED: dict[str, Callable[[Json], str]] = {
    "inline_query": lambda query: f"asked inline: {_short(query['query'])}",
    "chosen_inline_result": lambda chosen: "chose an inline result",
    "pre_checkout_query": lambda query: "wants to pay",
    "shipping_query": lambda query: "entered an address",
    "poll_answer": lambda answer: "voted" if answer["option_ids"] else "retracted a vote",
    "message_reaction": lambda change: _reacted(change["new_reaction"]),
}
"""What people have done with updates that are no messages."""


@dataclass
class Turn:
    """One update and all that came of it; without an `update`, a start of the bot.

    `action` is what a person did, as the `send` of a spec's step; a turn that is `part_of` what
    came of it in an earlier turn names that. `before` and `after` are the
    fields of the session under `key`, None where no handler took the update. `point` makes the
    world what it was before; `again` marks a redelivery, `by_hand` what the person at the simulator
    did to the session; `tasks` are those its handler started;
    `passing` are the seconds that passed in it, where it is about that, and `until` the time of the
    timer that was waited for, if any;
    `caused` are updates that its calls cause, which belong to it, where there are any.
    """

    number: int
    title: str
    at: float
    changed: Callable[[str, Turn], object] = field(repr=False)
    update: Json | None = None
    action: Json | None = None
    key: str | None = None
    before: Json | None = None
    after: Json | None = None
    calls: list[Call] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list, repr=False)
    caused: Caused | None = field(default=None, repr=False)
    handler: str | None = None
    place: str | None = None
    handler_seconds: float | None = None
    seconds: float | None = None
    logs: list[Json] = field(default_factory=list)
    error: str | None = None
    again: bool = False
    by_hand: bool = False
    part_of: int | None = None
    passing: float | None = None
    until: float | None = None
    done: bool = False
    verdict: str | None = None
    point: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.title = self.title or title_of(self.update or {}, self.action)

    @property
    def message(self) -> Json | None:
        """The message that a person sent, if the update is one."""
        update = self.update or {}
        found: Json | None = update.get("message") or update.get("channel_post")
        return found


current: ContextVar[Turn | None] = ContextVar("current_turn", default=None)
"""The turn that the running code belongs to; a task inherits it from the code that starts it."""


class LogLines(logging.Handler):
    """Adds what is logged while a turn is handled to that turn, and drops the rest."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Add one line."""
        turn = current.get()
        if turn is not None and record.name != "aiogram.event":
            line = {"level": record.levelname, "logger": record.name, "text": self.format(record)}
            turn.logs.append(line)
            turn.changed("turn", turn)


def action(kind: str, value: Any, user: int, chat: int, **options: Any) -> Json:
    """Return what a spec would `send` for what a person does."""
    place = {} if chat == user else {"chatId": chat}
    return {kind: value, "userId": user, **place, **{k: v for k, v in options.items() if v}}


def title_of(update: Json, action: Json | None = None) -> str:
    """Return an update in a few words: who did what. `action` is what a spec would send for it."""
    if query := update.get("callback_query"):
        tapped = (action or {}).get("tap")  # in a spec it may be a matcher
        if not isinstance(tapped, str):
            tapped = label_of(query) or query.get("game_short_name", "")
        return f"{name_of(query['from'])} tapped [{_short(tapped)}]"
    if change := update.get("my_chat_member"):
        return f"{name_of(change['from'])} {_moved(change)}"
    if poll := update.get("poll"):
        return f"Votes in “{_short(poll['question'])}”"
    kind = next((kind for kind in update if kind != "update_id"), "an empty update")
    message = update.get(kind)
    if kind in ASKED and isinstance(message, dict):
        return f"{name_of(message.get('from') or message.get('user') or {})} {ASKED[kind](message)}"
    if ("message" not in kind and "post" not in kind) or not isinstance(message, dict):
        return kind
    who = name_of(message.get("from") or message.get("sender_chat") or {})
    if "text" in message:
        return f"{who}{' edited' if 'edited' in kind else ''}: {_short(message['text'])}"
    return f"{who} {next((done for field, done in DONE.items() if field in message), 'wrote')}"


def _reacted(reactions: list[Json]) -> str:
    shown = " ".join(each.get("emoji", "★") for each in reactions)
    return f"reacted {shown}" if shown else "took a reaction back"


def _moved(change: Json) -> str:
    """Return what somebody did to the bot with a change of its membership."""
    status = change["new_chat_member"]["status"]
    if change["chat"]["type"] == "private":
        return "blocked the bot" if status == "kicked" else "unblocked the bot"
    if status in ("kicked", "left"):
        return "removed the bot"
    return f"made the bot {'an' if status[0] in 'aeiou' else 'a'} {status}"


def name_of(user: Json) -> str:
    """Return the display name of a user, or of a chat that speaks."""
    name = f"{user.get('first_name', '')} {user.get('last_name', '')}".strip()
    return name or user.get("title") or "Unknown"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"
