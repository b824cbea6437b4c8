"""What a page may ask for. A request is JSON with the name of a method in `do`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.errors import StorageError
from toolkit.harness.clock import dated
from toolkit.harness.simulator import (
    acting,
    people,
    queries,
    session_view,
    sharing,
    timer_view,
    web_apps,
)
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.replaying import read_dialogues, replay
from toolkit.harness.simulator.saving import FOLDER, draft
from toolkit.harness.simulator.sharing import Sent
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.turns import Turn, action
from toolkit.harness.simulator.waiting import wait, wait_for_timer
from toolkit.harness.types import Json

PHONE = "+10000000000"
HERE = {"latitude": 52.52, "longitude": 13.405}
SHARED: Json = {"contact": PHONE, "location": HERE}

REFUSALS = (SimulatorError, StorageError, LookupError, ValueError, OSError)
"""Errors whose message is shown to the user. Anything else is a bug."""


class PageApi:
    """Does what pages ask for: a request names a method, its fields are the arguments."""

    def __init__(self, simulation: Simulation, folder: Path = FOLDER) -> None:
        self._simulation = simulation
        self._folder = folder
        self._methods: dict[str, Callable[..., Any]] = {
            # What people do
            "say": simulation.say,
            "tap": simulation.tap,
            "press": simulation.tap_label,
            "rewrite": self._rewrite,
            "share": self._share,
            "act": partial(acting.act, simulation),
            "delete": partial(sharing.delete, simulation),
            "forward": partial(sharing.forward, simulation),
            "answer_button": partial(sharing.answer_button, simulation),
            "send_poll": partial(sharing.send_poll, simulation),
            "throw_dice": partial(sharing.throw_dice, simulation),
            "ask_inline": partial(queries.ask_inline, simulation),
            "choose": partial(queries.choose, simulation),
            "pay": partial(queries.pay, simulation),
            "play_game": partial(queries.play_game, simulation),
            "open_app": partial(web_apps.open_app, simulation),
            "log_in": partial(web_apps.log_in, simulation),
            "meet": partial(people.meet, simulation),
            "describe": partial(people.describe, simulation),
            "gather": partial(people.gather, simulation),
            "grant": partial(people.grant, simulation),
            "open_topic": self._open_topic,
            # What happens to the bot
            "fault": simulation.switch,
            "redeliver": simulation.redeliver,
            "restart": partial(simulation.start, "The bot was restarted"),
            "start_over": simulation.start_over,
            "go_back": simulation.go_back,
            "wait": partial(wait, simulation),
            "wait_for_timer": partial(wait_for_timer, simulation),
            # What the bot remembers
            "session": self._session,
            "timers": partial(timer_view.timers, simulation),
            "edit": partial(session_view.edit, simulation),
            "reset": partial(session_view.reset, simulation),
            "ask_again": partial(session_view.ask_again, simulation),
            # Specs and transcripts
            "draft": self._draft,
            "check": self._check,
            "save": self._save,
            "specs": self._specs,
            "replay": self._replay,
        }

    async def answer(self, request: Json) -> Json:
        """Do a request; answer with its `result`, or an `error` in words."""
        fields = dict(request)
        number, name = fields.pop("id", None), fields.pop("do", None)
        try:
            if name not in self._methods:
                raise SimulatorError(f"there is no request {name!r}")
            result = self._methods[name](**fields)
            if inspect.isawaitable(result):
                result = await result
        except (TypeError, *REFUSALS) as error:
            text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
            return {"type": "answer", "id": number, "error": text or type(error).__name__}
        # A turn is sent to every page anyway.
        shown = None if isinstance(result, Turn) else result
        return {"type": "answer", "id": number, "result": shown}

    async def attach(self, place: Mapping[str, str], files: Sequence[Sent]) -> None:
        """Send files to a place: `user`, `chat` and perhaps `thread`."""
        thread = int(place["thread"]) if place.get("thread") else None
        user, chat = int(place["user"]), int(place["chat"])
        sharing.send_files(self._simulation, user, chat, thread, files)

    def _rewrite(self, user: int, chat: int, message: int, text: str) -> Turn:
        newest = self._simulation.telegram.newest(chat, user) or {}
        # Messages have other ids when the spec runs.
        mine = newest.get("message_id") == message
        send = action("edit", text, user, chat) if mine else None
        return self._simulation.act(lambda world: world.edit_text(user, message, text, chat), send)

    def _share(self, user: int, chat: int, what: str) -> Turn:
        send = action(what, SHARED[what], user, chat)
        if what == "contact":
            return self._simulation.act(lambda world: world.send_contact(user, PHONE, chat), send)
        return self._simulation.act(
            lambda world: world.send_location(user, **HERE, chat_id=chat), send
        )

    def _open_topic(self, user: int, chat: int, name: str) -> int | None:
        turn = self._simulation.act(lambda world: world.create_topic(user, chat, name))
        return (turn.message or {}).get("message_thread_id")

    async def _session(self, user: int, chat: int, thread: int | None = None) -> Json | None:
        key = session_view.key_of(self._simulation, user, chat, thread)
        return None if key is None else await session_view.show(self._simulation, key)

    async def _draft(self, name: str, **choice: Any) -> Json:
        found = draft(self._simulation, name, **choice)
        path = self._folder / found.file_name
        return {
            "text": found.text,
            "warnings": found.warnings,
            "failure": await found.verify(self._simulation.make_bot),
            "path": str(path),
            "exists": path.exists(),
        }

    async def _check(self, name: str, **choice: Any) -> Json:
        found = draft(self._simulation, name, **choice)
        return await found.check(self._simulation.make_bot)

    def _save(self, name: str, replace: bool = False, **choice: Any) -> str:
        return str(draft(self._simulation, name, **choice).save(self._folder, replace=replace))

    def _specs(self) -> list[Json]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                specs = read_dialogues(path.read_text(encoding="utf-8"), path.name)
            except ValueError:
                continue
            found += [{"file": path.name, "name": s.name, "steps": len(s.steps)} for s in specs]
        return found

    async def _replay(
        self, file: str | None = None, name: str | None = None, text: str | None = None
    ) -> Json:
        if file is not None:
            text = (self._folder / Path(file).name).read_text(encoding="utf-8")
        for spec in read_dialogues(text or "", file or "transcript"):
            if name in (None, spec.name):
                with dated(spec.given.now, tick=True):
                    failed = await replay(self._simulation, spec)
                return {"name": spec.name, "steps": len(spec.steps), "failed": failed}
        raise SimulatorError(f"{file} has no spec {name!r}")


def read_request(text: str) -> Json:
    """Parse a request as a page sends it. Raises ValueError for anything but a JSON object."""
    request = json.loads(text)
    if not isinstance(request, dict):
        raise ValueError("a request is a JSON object")  # noqa: TRY004 - as broken JSON is
    return request
