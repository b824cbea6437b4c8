"""The open talk of a session: what was answered, what it waits for, and back to a question."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn, title_of
from toolkit.harness.types import Json
from toolkit.talks.labels import PREFIX
from toolkit.talks.registering import BACK, talk_handlers
from toolkit.talks.run import TIMEOUT
from toolkit.talks.state import FIELD, OpenTalk
from toolkit.timers.events import Timer, TimerNumber, TimerUpdate
from toolkit.timers.timers import FIELD as TIMERS


class _Back(TimerUpdate):
    """Comes to the talk as a timer does, and is none: nothing has set it."""

    never_validated: ClassVar[bool] = True


def shown(record: Json | None) -> Json | None:
    """Return the open talk of a record as people read it, None for none."""
    stored = (record or {}).get(FIELD)
    if stored is None:
        return None
    talk = OpenTalk.of(stored)
    timer = (record or {}).get(TIMERS, {}).get(TIMEOUT, {})
    return {
        "name": talk.name,
        "waiting": talk.waiting,
        "takes": talk.takes,
        "until": timer.get("at"),
        "answers": [
            {"name": name, "value": _readable(each.value), "ended": each.ended}
            for name, each in talk.answers.items()
        ],
    }


def _readable(value: Any) -> Any:
    """Return the value of an answer; of a message, who sent what."""
    if not (isinstance(value, dict) and "message_id" in value and "chat" in value):
        return value
    return title_of({"message": {**value, "from": value.get("from_user")}})


async def ask_again(simulation: Simulation, key: str, question: str) -> Turn:
    """Go back to a question of the open talk: the bot asks it, and all after it, again.

    Raises `SimulatorError` where it was not answered, and where the bot has no such talk any more.
    """
    app, talk = simulation.recorder.running_app, shown(await simulation.recorder.stored(key))
    if talk is None:
        raise SimulatorError("no talk is open")
    answered = [each["name"] for each in talk["answers"]]
    if question not in answered:
        known = ", ".join(answered) or "none"
        raise SimulatorError(f"{question!r} is no question that was answered; there are: {known}")
    if talk["name"] not in talk_handlers(app):
        raise SimulatorError(f"the bot has no talk {talk['name']!r} any more")
    timer = Timer(f"{PREFIX}:{BACK}:{question}", key, time.time(), question, app.bot)
    number = TimerNumber.of(key, timer.name, timer.due_at_seconds)
    update = _Back.model_construct(update_id=number, timer=timer).as_(app.bot)
    title = f"Back to the question {question}"
    turn = simulation.recorder.begin(title, key=key, point=simulation.point(), by_hand=True)
    simulation.recorder.start_timer(turn, update)
    return turn
