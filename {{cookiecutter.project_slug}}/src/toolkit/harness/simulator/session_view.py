"""The session of a chat to read and edit: typed fields, what changed last, and the open talk."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from toolkit.errors import StorageError
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.sessions.middleware import BotContext


def key_of(simulation: Simulation, user_id: int, chat_id: int, thread_id: int | None) -> str | None:
    """Return the key of the session that a person has in a chat."""
    from toolkit.sessions.keys import Origin

    return Origin(chat_id, user_id, thread_id).key(simulation.recorder.running_app.scope)


async def show(simulation: Simulation, key: str) -> Json:
    """Return the session under `key`: fields with types, values and last changes, FSM state, talk.

    `problem` says why a stored record cannot be read; its raw `record` is there then.
    """
    from toolkit.harness.simulator import talk_view

    codec = simulation.recorder.running_app.sessions.codec
    record = await simulation.recorder.stored(key)
    shown: Json = {"key": key, "stored": record is not None, "fields": [], "fsm": {}}
    shown["talk"] = talk_view.shown(record)
    try:
        values = codec.load(key, record)[1]
    except StorageError as error:
        return {**shown, "problem": str(error), "record": record}
    initial = codec.dump(key, codec.initial())
    hints = typing.get_type_hints(codec.type)
    before = _before_the_last_change(simulation.recorder.turns, key)
    shown["fsm"] = (record or {}).get("fsm") or {}
    shown["fields"] = [
        {
            "name": name,
            "value": value,
            "initial": initial.get(name),
            "type": _name_of(hints[name]) if name in hints else "unknown to this code",
            "choices": _choices(hints.get(name)),
            **({"was": before.get(name)} if before and before.get(name) != value else {}),
        }
        for name, value in values.items()
    ]
    return shown


async def edit(simulation: Simulation, key: str, name: str, value: Any) -> None:
    """Set one field. Raises SessionUndecodable, which names what does not fit."""
    sessions = simulation.recorder.running_app.sessions
    async with _by_hand(simulation, f"{name} was set by hand", key) as context:
        fields = sessions.codec.dump(key, context.session)
        record = {"session": {**fields, name: value}, "version": sessions.codec.version}
        context.session = sessions.codec.load(key, record)[0]


async def reset(simulation: Simulation, key: str) -> None:
    """Forget the session: the next update begins a new one."""
    async with _by_hand(simulation, "The session was reset by hand", key) as context:
        del context.session


async def ask_again(simulation: Simulation, key: str, question: str) -> Turn:
    """Go back to a question of the open talk; `talk_view.ask_again` does it."""
    # It imports aiogram, which takes seconds that pages need not wait for.
    from toolkit.harness.simulator import talk_view

    return await talk_view.ask_again(simulation, key, question)


@asynccontextmanager
async def _by_hand(simulation: Simulation, title: str, key: str) -> AsyncIterator[BotContext[Any]]:
    """Check a session out; what is done to it becomes a turn, unless it is refused."""
    point, before = simulation.point(), await simulation.recorder.fields(key)
    sessions = simulation.recorder.running_app.sessions
    async with sessions.checkout(key, holder="the simulator") as context:
        yield context
    turn = simulation.recorder.begin(title, key=key, point=point, before=before, by_hand=True)
    turn.after = await simulation.recorder.fields(key)
    simulation.recorder.finish(turn)


def _before_the_last_change(turns: list[Turn], key: str) -> Json | None:
    for turn in reversed(turns):
        if turn.key == key and turn.done:
            return turn.before
    return None


def _name_of(hint: Any) -> str:
    if hint is type(None):
        return "None"
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " | ".join(map(_name_of, arguments))
    if typing.get_origin(hint) is typing.Annotated:
        return _name_of(arguments[0])
    name = getattr(typing.get_origin(hint) or hint, "__name__", str(hint))
    if not arguments:
        return name
    inner = (_name_of(a) if not isinstance(a, str | int) else repr(a) for a in arguments)
    return f"{name}[{', '.join(inner)}]"


def _choices(hint: Any) -> list[Any] | None:
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [member.value for member in hint]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Literal:
        return list(arguments)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        lists = [[None] if each is type(None) else _choices(each) for each in arguments]
        if all(found is not None for found in lists):
            return [choice for found in lists for choice in found or ()]
    return None
