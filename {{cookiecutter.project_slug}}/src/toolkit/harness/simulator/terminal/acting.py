"""What people at a keyboard do besides writing: everything that a step of a spec can send."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.harness.fake_telegram import PersonError
from toolkit.harness.simulator.acting import act
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.terminal.commands import SENDS
from toolkit.harness.simulator.terminal.targets import OPENS, Target, find
from toolkit.harness.simulator.turns import Turn, action
from toolkit.harness.types import Json

FILES = ("photo", "document", "voice")
DEFAULTS: dict[str, Any] = {"location": "52.52 13.405", "contact": "+10000000000"}


async def tap(simulation: Simulation, person: int, wanted: str) -> str | None:
    """Tap what is meant; return what it does where the bot is not told of it."""
    telegram = simulation.telegram
    if len(numbers := wanted.replace(",", " ").split()) > 1 and all(map(str.isdecimal, numbers)):
        await _vote(simulation, person, [find(telegram, person, each) for each in numbers])
        return None
    target = find(telegram, person, wanted)
    match target.kind:
        case "vote":
            await _vote(simulation, person, [target])
        case "pay":
            title = (target.message or {})["invoice"]["title"]
            await _do(simulation, person, "pay", title, target)
        case "key":
            await simulation.recorder.settle(simulation.tap_label(person, person, target.label))
        case "callback":
            number = (target.message or {})["message_id"]
            turn = simulation.tap(person, person, number, target.row, target.column)
            await simulation.recorder.settle(turn)
        case kind:
            words = OPENS[kind].format(target.data[kind], bot=telegram.me["username"])
            return f"[{target.label}] {words}. The bot is not told."
    return None


async def _vote(simulation: Simulation, person: int, chosen: list[Target]) -> None:
    if any(each.kind != "vote" for each in chosen):
        raise PersonError("several can be tapped at once in a poll only")
    labels = [each.label for each in chosen]
    await _do(simulation, person, "vote", labels if len(labels) > 1 else labels[0], chosen[0])


async def _do(simulation: Simulation, person: int, kind: str, value: Any, target: Target) -> None:
    about = target.message["message_id"] if target.message else None
    await act(simulation, person, person, kind, value, about)


async def send(simulation: Simulation, person: int, said: str) -> None:
    """Send what the words of `/send` say."""
    kind, _, rest = said.partition(" ")
    value = rest.strip() or DEFAULTS.get(kind, "")
    if kind not in SENDS:
        raise SimulatorError(f"nobody can send {kind!r}; there are: {', '.join(SENDS)}")
    if not value:
        raise SimulatorError(f"/send {kind} wants more: {SENDS[kind]}")
    if kind in FILES:
        await simulation.recorder.settle(_send_file(simulation, person, kind, Path(value)))
    elif kind == "location":
        await act(simulation, person, person, kind, _place(value))
    else:
        await act(simulation, person, person, kind, value)


def _place(value: str) -> Json:
    try:
        latitude, longitude = map(float, value.replace(",", " ").split())
    except ValueError:
        here = DEFAULTS["location"]
        raise SimulatorError(f"a location is a latitude and a longitude, like {here}") from None
    return {"latitude": latitude, "longitude": longitude}


def _send_file(simulation: Simulation, person: int, kind: str, path: Path) -> Turn:
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise SimulatorError(f"{path}: {error.strerror}") from None
    return simulation.act(
        lambda world: world.send_file(person, kind, content, path.name, person),
        action(kind, path.name, person, person),
    )
