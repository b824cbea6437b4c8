"""The open pages: each gets the world as JSON when it connects, then every change."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from typing import Any

from toolkit.harness.fake_telegram import ApiError, Call, Chat, Event, FakeTelegram
from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.simulator import people, project, session_view
from toolkit.harness.simulator.recorder import headline_of
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn, name_of
from toolkit.harness.types import Json
from toolkit.redaction import redact

MESSAGES = 300
TURNS = 150
UNSENT = frozenset(
    (
        *("changed", "action", "before", "after", "tasks", "point", "caused"),
        *("part_of", "by_hand"),
    )
)
"""Fields of a turn that pages do not use."""


class Hub:
    """Sends one simulation to any number of pages."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str]] = set()
        self._turns: dict[int, Turn] = {}
        self._chats: set[Any] = set()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.simulation: Simulation

    @contextlib.contextmanager
    def joined(self) -> Any:
        """Give a new page the queue of what it is sent while it is connected."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        queue.put_nowait(self.text(_world(self.simulation)))
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def changed(self, kind: str, data: Any) -> None:
        """Note a change. Turns change often, and in any thread: they are sent later."""
        match kind:
            case "turn":
                self._turns[data.number] = data
            case "event":
                for change in _changes_on_screen(data):
                    self._send(change)
                if data.chat_id is not None:
                    self._chats.add(data.chat_id)
            case "status":
                self._send({"type": "status", **_status(self.simulation)})
                self._chats.update(self.simulation.telegram.chats)
            case "people":
                self._send({"type": "people", **_people(self.simulation)})
            case "world":
                self._send(_world(self.simulation))
        self._loop.call_soon_threadsafe(self._wake.set)

    async def send_later(self) -> None:
        """Send turns and chats as they change, and sessions as turns end; for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            turns, self._turns = self._turns, {}
            chats, self._chats = self._chats, set()
            # What a call changes of its chat, its reply keyboard for instance, is no event.
            chats.update(c.payload.get("chat_id") for turn in turns.values() for c in turn.calls)
            world = self.simulation.telegram
            for chat_id in chats & world.chats.keys():
                chat = _chat(world, world.chats[chat_id])
                self._send({"type": "chat", "chat": chat})
            for turn in turns.values():
                self._send({"type": "turn", "turn": _turn(self.simulation, turn)})
                if turn.done and turn.key is not None and self.simulation.recorder.app is not None:
                    session = await session_view.show(self.simulation, turn.key)
                    self._send({"type": "session", "session": session})

    def _send(self, change: Json) -> None:
        text = self.text(change)
        for queue in self._queues:
            queue.put_nowait(text)

    def text(self, change: Json) -> str:
        """Return a change as a page is sent it, without tokens: a bot may log what it finds."""
        text = redact(json.dumps(change, ensure_ascii=False, default=repr))
        return text.replace(self.simulation.telegram.token, "<token>")


def _world(simulation: Simulation) -> Json:
    """Return everything a page needs to begin with."""
    telegram = simulation.telegram
    chats = telegram.chats.values()
    return {
        "type": "world",
        "bot": {"name": name_of(telegram.me), "username": telegram.me["username"]},
        "project": {"name": project.name(), "folder": project.folder()},
        "rights": people.RIGHTS_IN,
        "status": _status(simulation),
        **_people(simulation),
        "chats": [_chat(telegram, chat) for chat in chats],
        "messages": {str(chat.id): _messages(chat) for chat in chats},
        "turns": [_turn(simulation, turn) for turn in simulation.recorder.turns[-TURNS:]],
    }


def _messages(chat: Chat) -> list[Json]:
    return [_readable(message) for message in list(chat.messages.values())[-MESSAGES:]]


def _readable(message: Json) -> Json:
    """Return a message with a text; that of a rich one is what its blocks say."""
    return {**message, "text": text_of(message)} if "rich_message" in message else message


def _status(simulation: Simulation) -> Json:
    """Tell whether the bot runs, and why not."""
    broken = simulation.broken
    headline = broken and headline_of(broken)
    return {
        "running": simulation.recorder.app is not None,
        "broken": broken,
        "headline": headline,
    }


def _people(simulation: Simulation) -> Json:
    """Return all people, and the faults they meet."""
    return {"people": people.shown(simulation), "faults": simulation.faults}


def _chat(telegram: FakeTelegram, chat: Chat) -> Json:
    """Return a chat without its messages."""
    return {
        **chat.data,
        "name": name_of(chat.data),
        "keyboard": chat.reply_keyboard,
        "commands": commands_of(telegram, chat),
        "menu_button": _menu_button(telegram, chat),
        "topics": [
            {"id": thread_id, "name": topic.get("name", str(thread_id))}
            for thread_id, topic in chat.topics.items()
        ],
        "pinned": chat.pinned[-1:],
        "bot": people.bot_in(chat, telegram.bot_id),
        "reactions": _reactions(chat),
        "votes": {
            name.removeprefix("votes:"): votes
            for name, votes in chat.details.items()
            if name.startswith("votes:")
        },
    }


def _reactions(chat: Chat) -> dict[int, dict[str, list[int]]]:
    """Return who has put which emoji on which message."""
    found: dict[int, dict[str, list[int]]] = {}
    for (message_id, user_id), reactions in chat.reactions.items():
        for each in reactions:
            emoji = each.get("emoji", "★")
            found.setdefault(message_id, {}).setdefault(emoji, []).append(user_id)
    return found


def _changes_on_screen(event: Event) -> Iterator[Json]:
    """Iterate over what an event of the fake Telegram changes on screen."""
    place = {"chat": event.chat_id}
    match event.kind:
        case "message":
            yield {"type": "message", **place, "message": _readable(event.data)}
        case "deleted":
            yield {"type": "deleted", **place, "message": event.data}
        case "action":
            yield {"type": "action", **place, "text": event.data}
        case "draft":
            yield {"type": "draft", **place, "draft": event.data}
        case "callback":
            query = event.data
            answer = query.answer or {}
            yield {
                "type": "callback",
                **place,
                "user": query.user_id,
                "message": query.message_id,
                "data": query.data,
                "text": answer.get("text"),
                "alert": bool(answer.get("show_alert")),
                "url": answer.get("url"),
            }


def commands_of(telegram: FakeTelegram, chat: Chat) -> list[Json]:
    """Return the commands that the chat's members see: the most special list that is not empty.

    https://core.telegram.org/bots/api#determining-list-of-commands
    """
    every = "all_private_chats" if chat.is_private else "all_group_chats"
    for scope in (f"chat:{chat.id}", every, "default"):
        if commands := telegram.commands.get((scope, "")):
            return commands
    return []


def _menu_button(telegram: FakeTelegram, chat: Chat) -> Json | None:
    """Return the web app that stands beside the message box of a private chat."""
    for owner in (str(chat.id), "") if chat.is_private else ():
        if button := telegram.profile.get(("menu_button", owner)):
            return button if button["type"] == "web_app" else None
    return None


def _turn(simulation: Simulation, turn: Turn) -> Json:
    """Return a turn with its calls, and the message that began it."""
    event = (turn.update or {}).get("callback_query") or {}
    query = simulation.telegram.callbacks.get(event.get("id", ""))
    sent = turn.message
    message = sent or event.get("message") or {}
    return {
        **{name: value for name, value in vars(turn).items() if name not in UNSENT},
        "chat": message.get("chat", {}).get("id"),
        "message": sent and sent["message_id"],
        "unanswered": turn.done and query is not None and not query.answered,
        "returns": turn.point is not None,
        "headline": turn.error and headline_of(turn.error),
        "calls": [_call(call) for call in turn.calls],
        "changes": _changed_fields(turn),
    }


def _call(call: Call) -> Json:
    """Return a call with its result, or with the error in Telegram's own words."""
    error = call.error
    code = error.code if isinstance(error, ApiError) else None
    parameters = (error.parameters if isinstance(error, ApiError) else None) or {}
    return {
        "method": call.method,
        "payload": call.payload,
        "result": call.result,
        "error": None if error is None else {"code": code, "description": str(error), **parameters},
        "at": call.at,
    }


def _changed_fields(turn: Turn) -> list[Json]:
    before, after = turn.before or {}, turn.after or {}
    return [
        {"name": name, "was": before.get(name), "is": after.get(name)}
        for name in {**before, **after}
        if turn.done and before.get(name) != after.get(name)
    ]
