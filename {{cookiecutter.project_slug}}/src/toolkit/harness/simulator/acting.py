"""What people do besides writing and tapping, as specs know it: vote, pay, react, forward, ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.turns import Turn, action
from toolkit.harness.specs.place import Place
from toolkit.harness.specs.sending import rounds
from toolkit.harness.specs.sends import Send, read_send
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from toolkit.harness.simulator.simulation import Simulation


async def play(
    simulation: Simulation, sends: Sequence[Send], saved: Callable[[Send], Json | None]
) -> list[Turn]:
    """Have users do it, and wait for the bot; return the turns of all updates that came of it.

    `saved` returns what a spec would send for it; with None its updates are steps of their own.
    """
    turns: list[Turn] = []
    first: dict[int, int] = {}
    going = rounds(simulation.telegram, sends)
    while True:
        point = simulation.point()
        batch = next(going, None)
        if batch is None:
            return turns
        started: list[Turn] = []
        for send, update in batch:
            what = saved(send)
            of = {"action": what, "part_of": first.get(id(send)) if what else None}
            turn = simulation.deliver(update, point=None if started else point, **of)
            first.setdefault(id(send), turn.number)
            started.append(turn)
        for turn in started:
            await settle(simulation, turn)
        turns += started


async def settle(simulation: Simulation, turn: Turn) -> None:
    """Wait for the bot to handle it. Raise `SimulatorError` where it is restarted meanwhile."""
    try:
        await simulation.recorder.settle(turn)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) and task.cancelling():
            raise
        raise SimulatorError("the bot was restarted meanwhile") from None


async def act(
    simulation: Simulation,
    user: int,
    chat: int,
    kind: str,
    value: object,
    message: int | None = None,
    **options: object,
) -> None:
    """Do what a spec would `send`, on the message with this id where it is about one.

    A step says which message it means by what it is, as ids differ when the spec runs: it finds the
    newest. Where that is another one, its updates are saved.
    """
    placed = kind not in ("query", "webAppData")
    wanted = action(kind, value, user, chat if placed else user, **options)
    about = {"messageId": message} if message is not None else {}
    send = read_send({**wanted, **about}, Place("this request"))
    kept = message is None or message == _found(simulation, send)
    await play(simulation, [send], lambda _: wanted if kept else None)


def _found(simulation: Simulation, send: Send) -> int | None:
    """Return the id of the message that a step without an id would mean."""
    meant: dict[str, Callable[[Json], bool]] = {
        "vote": lambda each: "poll" in each,
        "pay": lambda each: each.get("invoice", {}).get("title") == send.value,
        "reaction": lambda each: each.get("from", {}).get("id") == simulation.telegram.bot_id,
    }
    is_meant = meant[send.kind]
    there = simulation.telegram.messages(send.chat_id or send.user_id)
    return next((each["message_id"] for each in reversed(there) if is_meant(each)), None)
