"""What a page may ask for: one method a request, named in its ``do``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import StorageError
from toolkit.harness.simulator import session_view
from toolkit.harness.simulator.actions import Actor
from toolkit.harness.simulator.replaying import read_steps, replay
from toolkit.harness.simulator.saving import FOLDER, draft
from toolkit.harness.simulator.simulation import Simulation, SimulatorError
from toolkit.harness.types import Json

PICTURES = (b"\x89PNG", b"\xff\xd8\xff")

REFUSALS = (SimulatorError, StorageError, LookupError, ValueError, OSError)
"""What a person may run into: the message is shown to them. Anything else is a bug."""


class Requests:
    """Does what pages ask for. Every method takes the fields of one request, and may refuse it."""

    def __init__(self, simulation: Simulation, folder: Path = FOLDER) -> None:
        self._simulation = simulation
        self._folder = folder

    async def answer(self, request: Json) -> Json:
        """Do a request; the answer has its ``result``, or an ``error`` in words."""
        fields = dict(request)
        number = fields.pop("id", None)
        name = fields.pop("do", None)
        try:
            if name not in REQUESTS:
                raise SimulatorError(f"there is no request {name!r}")
            result = await getattr(self, name)(**fields)
        except (TypeError, *REFUSALS) as error:
            text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
            return {"type": "answer", "id": number, "error": text or type(error).__name__}
        return {"type": "answer", "id": number, "result": result}

    # What people do.

    async def say(
        self, user: int, chat: int, text: str, thread: int | None = None, reply: int | None = None
    ) -> None:
        """Type a text."""
        self._simulation.act(lambda world: Actor(world, user, chat, thread).say(text, reply))

    async def tap(self, user: int, chat: int, message: int, row: int, column: int) -> None:
        """Tap an inline button."""
        self._simulation.act(lambda world: Actor(world, user, chat).tap(message, row, column))

    async def press(self, user: int, chat: int, label: str) -> None:
        """Press a button of the reply keyboard."""
        self._simulation.act(lambda world: Actor(world, user, chat).tap_label(label))

    async def attach(self, content: bytes, place: Mapping[str, str]) -> None:
        """Send a file: as a photo if it is a picture, else as a document."""
        user, chat, name = int(place["user"]), int(place["chat"]), place["name"]
        thread = int(place["thread"]) if place.get("thread") else None
        kind = "photo" if content.startswith(PICTURES) else "document"
        self._simulation.act(
            lambda world: (world.send_file(user, kind, content, name, chat, thread_id=thread), None)
        )

    async def rewrite(self, user: int, chat: int, message: int, text: str) -> None:
        """Edit one's own message."""
        self._simulation.act(lambda world: (world.edit_text(user, message, text, chat), None))

    async def share(self, user: int, chat: int, what: str) -> None:
        """Share one's contact or a location."""
        if what == "contact":
            self._simulation.act(lambda world: (world.send_contact(user, chat_id=chat), None))
        else:
            self._simulation.act(
                lambda world: (world.send_location(user, 52.52, 13.405, chat), None)
            )

    async def meet(self, name: str) -> int:
        """Let a new person come along; returns their id."""
        return self._simulation.add_person(name)

    async def gather(self, title: str, forum: bool = False) -> int:
        """Open a group with everybody in it; returns its id."""
        return self._simulation.add_group(title, forum=forum)

    async def open_topic(self, user: int, chat: int, name: str) -> int | None:
        """Open a topic in a forum; returns its id."""
        turn = self._simulation.act(lambda world: (world.create_topic(user, chat, name), None))
        return (turn.message or {}).get("message_thread_id")

    # What happens to the bot.

    async def fault(self, name: str, on: bool, user: int | None = None) -> None:
        """Switch a fault."""
        self._simulation.switches.set(name, on, user)

    async def redeliver(self) -> None:
        """Deliver the last update again."""
        self._simulation.redeliver()

    async def restart(self) -> None:
        """Restart the bot."""
        await self._simulation.start("The bot was restarted")

    async def start_over(self) -> None:
        """Forget everything."""
        await self._simulation.start_over()

    async def go_back(self, turn: int) -> None:
        """Restart from just before this turn."""
        await self._simulation.go_back(turn)

    # What the bot remembers.

    async def session(self, user: int, chat: int, thread: int | None = None) -> Json | None:
        """The session of a person in a chat."""
        key = session_view.key_of(self._simulation, user, chat, thread)
        return None if key is None else await session_view.show(self._simulation, key)

    async def edit(self, key: str, name: str, value: Any) -> None:
        """Set a field of a session."""
        await session_view.edit(self._simulation, key, name, value)

    async def reset(self, key: str) -> None:
        """Forget a session."""
        await session_view.reset(self._simulation, key)

    # Specs and transcripts.

    async def draft(self, name: str, **choice: Any) -> Json:
        """A spec as `saving.draft` makes it, and whether it passes now."""
        found = draft(self._simulation, name, **choice)
        path = self._folder / found.file_name
        return {
            "text": found.text,
            "warnings": found.warnings,
            "failure": await found.verify(self._simulation.make_bot),
            "path": str(path),
            "exists": path.exists(),
        }

    async def save(self, name: str, replace: bool = False, **choice: Any) -> str:
        """Write that spec; returns its path."""
        return str(draft(self._simulation, name, **choice).save(self._folder, replace=replace))

    async def specs(self) -> list[Json]:
        """The saved specs by file, and the names of those inside."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                specs = read_steps(path.read_text(encoding="utf-8"), path.name)
            except ValueError:
                continue
            found += [{"file": path.name, "name": name, "steps": len(s)} for name, _, s in specs]
        return found

    async def replay(
        self, file: str | None = None, name: str | None = None, text: str | None = None
    ) -> Json:
        """Start over and do what a saved spec or a transcript's ``text`` says."""
        if file is not None:
            text = (self._folder / Path(file).name).read_text(encoding="utf-8")
        for known, strict, steps in read_steps(text or "", file or "transcript"):
            if name in (None, known):
                await self._simulation.start_over()
                failed = await replay(self._simulation, steps, strict=strict)
                return {"name": known, "steps": len(steps), "failed": failed}
        raise SimulatorError(f"{file} has no spec {name!r}")


REQUESTS = frozenset(
    name for name in vars(Requests) if not name.startswith("_") and name not in ("answer", "attach")
)


def read_request(text: str) -> Json:
    """A request as a page sends it. Raises ValueError for anything but a JSON object."""
    request = json.loads(text)
    if not isinstance(request, dict):
        raise ValueError("a request is a JSON object")  # noqa: TRY004 - as broken JSON is
    return request
