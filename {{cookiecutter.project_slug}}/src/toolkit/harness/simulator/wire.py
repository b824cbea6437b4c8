"""The simulation as JSON for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from toolkit.harness.fake_telegram import ApiError, Call, Chat, Event, FakeTelegram
from toolkit.harness.simulator.actions import name_of
from toolkit.harness.simulator.recorder import Turn
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation

MESSAGES = 300
TURNS = 150


def world(simulation: Simulation) -> Json:
    """Everything a page needs to begin with."""
    telegram = simulation.telegram
    chats = telegram.chats.values()
    return {
        "type": "world",
        "bot": {"name": name_of(telegram.me), "username": telegram.me["username"]},
        "status": status(simulation),
        **people(simulation),
        "chats": [chat_json(telegram, chat) for chat in chats],
        "messages": {str(chat.id): list(chat.messages.values())[-MESSAGES:] for chat in chats},
        "turns": [turn_json(turn) for turn in simulation.recorder.turns[-TURNS:]],
    }


def status(simulation: Simulation) -> Json:
    """Whether the bot runs, and why not."""
    return {"running": simulation.app is not None, "broken": simulation.broken}


def people(simulation: Simulation) -> Json:
    """Everybody who can be spoken as, and the faults they meet."""
    users = [user.data for user in simulation.telegram.users.values() if not user.data["is_bot"]]
    return {
        "people": [{"id": user["id"], "name": name_of(user)} for user in users],
        "faults": simulation.switches.as_json(),
    }


def chat_json(telegram: FakeTelegram, chat: Chat) -> Json:
    """A chat without its messages."""
    return {
        **chat.data,
        "name": name_of(chat.data),
        "keyboard": chat.reply_keyboard,
        "commands": _commands(telegram, chat),
        "topics": [
            {"id": thread_id, "name": topic.get("name", str(thread_id))}
            for thread_id, topic in chat.topics.items()
        ],
        "pinned": chat.pinned[-1:],
        "reactions": {
            str(message_id): [reaction.get("emoji", "★") for reaction in reactions]
            for (message_id, _), reactions in chat.reactions.items()
        },
    }


def changes(event: Event) -> Iterator[Json]:
    """What an event of the fake Telegram changes on screen."""
    place = {"chat": event.chat_id}
    match event.kind:
        case "message":
            yield {"type": "message", **place, "message": event.data}
        case "deleted":
            yield {"type": "deleted", **place, "message": event.data}
        case "action" | "draft":
            yield {"type": event.kind, **place, "text": event.data}
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


def _commands(telegram: FakeTelegram, chat: Chat) -> list[Json]:
    """The command list that the chat's members see: the most special one that is not empty.

    https://core.telegram.org/bots/api#determining-list-of-commands
    """
    every = "all_private_chats" if chat.is_private else "all_group_chats"
    for scope in (f"chat:{chat.id}", every, "default"):
        if commands := telegram.commands.get((scope, "")):
            return commands
    return []


def turn_json(turn: Turn) -> Json:
    """A turn with its calls, and the message that began it."""
    event = (turn.update or {}).get("callback_query") or {}
    message = turn.message or event.get("message") or {}
    return {
        "number": turn.number,
        "title": turn.title,
        "at": turn.at,
        "key": turn.key,
        "chat": message.get("chat", {}).get("id"),
        "message": turn.message and turn.message["message_id"],
        "update": turn.update,
        "again": turn.again,
        "returns": turn.point is not None,
        "calls": [call_json(call) for call in turn.calls],
        "handler": turn.handler,
        "place": turn.place,
        "handler_seconds": turn.handler_seconds,
        "seconds": turn.seconds,
        "changes": _changes(turn),
        "logs": turn.logs,
        "error": turn.error,
        "verdict": turn.verdict,
        "done": turn.done,
    }


def call_json(call: Call) -> Json:
    """A call with its result, or with the error in Telegram's own words."""
    error = call.error
    code = error.code if isinstance(error, ApiError) else None
    return {
        "method": call.method,
        "payload": call.payload,
        "result": call.result,
        "error": None if error is None else {"code": code, "description": str(error)},
        "at": call.at,
    }


def _changes(turn: Turn) -> list[Json]:
    before, after = turn.before or {}, turn.after or {}
    return [
        {"name": name, "was": before.get(name), "is": after.get(name)}
        for name in {**before, **after}
        if turn.done and before.get(name) != after.get(name)
    ]
