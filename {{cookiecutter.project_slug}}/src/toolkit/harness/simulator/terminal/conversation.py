"""A bot and the people who talk to it: what each line does."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from toolkit.harness.fake_telegram import PersonError
from toolkit.harness.simulator.hub import commands_of
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.saving import FOLDER, draft
from toolkit.harness.simulator.session_view import ask_again, key_of, show
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.terminal import acting
from toolkit.harness.simulator.terminal.commands import BARE, FAULTS, SENDS, TYPED
from toolkit.harness.simulator.terminal.screens import Screen
from toolkit.harness.simulator.terminal.targets import numbered
from toolkit.harness.simulator.turns import Turn
from toolkit.harness.simulator.waiting import wait, wait_for_timer
from toolkit.storage.base import SharedSessionStorage

REFUSALS = (PersonError, LookupError, SimulatorError, OSError, ValueError)


@contextmanager
def running(
    make_bot: Callable[..., Any],
    storage: SharedSessionStorage,
    screen: Screen,
    *,
    reset: bool = False,
    at_keyboard: bool = False,
) -> Iterator[tuple[asyncio.Runner, Conversation]]:
    """Start a bot on an event loop of its own; in the end stop it, and close the store."""
    with asyncio.Runner() as runner:
        if reset:
            runner.run(_clear(storage))
        conversation = Conversation(make_bot, storage, screen, at_keyboard=at_keyboard)
        try:
            runner.run(conversation.start())
            yield runner, conversation
        finally:
            runner.run(conversation.simulation.close())


async def _clear(storage: SharedSessionStorage) -> None:
    for key in [key async for key in storage.read_all_keys()]:
        await storage.delete(key)


class Conversation:
    """A bot and the people who talk to it. `screen` shows what they would see on theirs.

    With `at_keyboard` a person types the lines: commands explain themselves, and there are more.
    """

    def __init__(
        self,
        make_bot: Callable[..., Any],
        storage: SharedSessionStorage,
        screen: Screen,
        *,
        at_keyboard: bool = False,
    ) -> None:
        self.simulation = Simulation(
            lambda: make_bot, self._notice, storage=storage, people={1: "You"}
        )
        self.person = 1
        self.names = {"you": 1}
        """The ids of those who have talked, by name in lower case."""
        self._screen = screen
        self._at_keyboard = at_keyboard
        self._failed: dict[int, Turn] = {}
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "/tap": self._tap,
            "/as": self._become,
            "/session": self._show_session,
            "/back": self._go_back,
            "/wait": self._wait,
            "/fault": self._switch,
            "/save": self._save,
        }
        if at_keyboard:
            self._commands |= {"/send": self._send, "/why": self._explain}

    async def start(self) -> None:
        """Start the bot. Raises SystemExit with the reason when it does not."""
        if not await self.simulation.start():
            raise SystemExit(self.simulation.broken)

    async def take(self, line: str) -> None:
        """Do what `line` says, and wait until the bot has nothing more to say to it."""
        name, *rest = line.split(maxsplit=1)
        argument = rest[0].strip() if rest else ""
        do = self._commands.get(name)
        try:
            if line.strip() == "/" and self._at_keyboard:
                self._list_commands()
            elif do is None or (argument and name in ("/session", "/why")):
                await self._say(line)
            elif argument or name in BARE:
                await do(argument)
            elif self._at_keyboard and not self._is_declared(name):
                await self._explain_command(name)
            else:
                await self._say(line)
        except REFUSALS as error:
            self._screen.note(f"{error}")

    def _is_declared(self, name: str) -> bool:
        telegram = self.simulation.telegram
        declared = commands_of(telegram, telegram.chats[self.person])
        return name in [f"/{each['command']}" for each in declared]

    async def _say(self, line: str) -> None:
        turn = self.simulation.say(self.person, self.person, line)
        await self.simulation.recorder.settle(turn)

    async def _tap(self, label: str) -> None:
        if not self._at_keyboard:
            turn = self.simulation.tap_label(self.person, self.person, label)
            await self.simulation.recorder.settle(turn)
        elif told := await acting.tap(self.simulation, self.person, label):
            self._screen.note(told)

    async def _send(self, said: str) -> None:
        await acting.send(self.simulation, self.person, said)

    async def _become(self, name: str) -> None:
        # The same name is the same person in the next process too.
        known = name.casefold()
        self.person = self.names.setdefault(known, zlib.crc32(known.encode()) + 2)
        self.simulation.telegram.user(self.person, name)
        self.simulation.telegram.private_chat(self.person)

    async def _show_session(self, _: str) -> None:
        session = await show(self.simulation, self._key())
        for field in session["fields"]:
            self._screen.note(f"{field['name']} = {field['value']!r}")
        if talk := session["talk"]:
            for answer in talk["answers"]:
                given = f"{answer['ended']}" if answer["ended"] else f"{answer['value']!r}"
                self._screen.note(f"{talk['name']}: {answer['name']} = {given}")
            self._screen.note(f"{talk['name']} waits for {talk['waiting']}")

    async def _go_back(self, question: str) -> None:
        turn = await ask_again(self.simulation, self._key(), question)
        await self.simulation.recorder.settle(turn)

    async def _wait(self, duration: str) -> None:
        await (wait(self.simulation, duration) if duration else wait_for_timer(self.simulation))

    def _key(self) -> str:
        # In a private chat there is always one.
        return str(key_of(self.simulation, self.person, self.person, None))

    async def _switch(self, name: str) -> None:
        is_on = self._is_on(name)
        self.simulation.switch(name, not is_on, self.person)
        self._screen.note(f"{name} is {'off' if is_on else 'on'}")

    def _is_on(self, fault: str) -> bool:
        now = self.simulation.faults.get(fault)
        return self.person in now if isinstance(now, list) else bool(now)

    @property
    def faults(self) -> list[str]:
        """The names of the faults that this person meets."""
        return [name for name in FAULTS if self._is_on(name)]

    async def _save(self, name: str) -> None:
        made = draft(self.simulation, name)
        path = made.save(FOLDER)
        failure = await made.verify(self.simulation.make_bot)
        verdict = f"it fails when it is run:\n{failure}" if failure else "it passes when it is run"
        self._screen.note(f"saved {path}; {verdict}")
        for warning in made.warnings:
            self._screen.note(warning)

    def _list_commands(self) -> None:
        width = max(map(len, TYPED))
        for usage, about in TYPED.items():
            self._screen.note(f"{usage:{width}}  {about}")

    async def _explain(self, _: str) -> None:
        if not self._failed:
            raise SimulatorError("no handler has failed yet")
        self._screen.explain(list(self._failed.values())[-1])

    async def _explain_command(self, name: str) -> None:
        for line in await self._explanation(name):
            self._screen.note(line)

    async def _explanation(self, name: str) -> list[str]:
        match name:
            case "/tap":
                there = enumerate(numbered(self.simulation.telegram, self.person), 1)
                listed = [f"/tap {number}  {each.label}" for number, each in there]
                how = "A number will do, and so will the label or its beginning."
                return [*listed, how] if listed else ["There is nothing to tap."]
            case "/as":
                others = ", ".join(name for name, number in self.names.items() if number != 1)
                met = f" You have met: {others}." if others else ""
                return [f"/as Ben lets Ben go on; /as you, yourself again.{met}"]
            case "/back":
                talk = (await show(self.simulation, self._key()))["talk"]
                answered = [each["name"] for each in talk["answers"]] if talk else []
                if not answered:
                    return ["/back QUESTION has the open talk ask again. Nothing was answered yet."]
                return [f"/back {each}" for each in answered]
            case "/fault":
                width = max(map(len, FAULTS))
                return [
                    f"/fault {each:{width}}  {'on ' if self._is_on(each) else 'off'}  {what}"
                    for each, what in FAULTS.items()
                ]
            case "/send":
                width = max(map(len, SENDS))
                return [f"/send {kind:{width}}  {what}" for kind, what in SENDS.items()]
            case _:
                return [f"/save NAME makes this conversation a test: {FOLDER}/name.json."]

    def _notice(self, kind: str, data: Any) -> None:
        if kind == "event":
            self._screen.show(data, self.person)
        elif kind == "turn" and data.done and data.error and data.number not in self._failed:
            self._failed[data.number] = data
            self._screen.fail(data)
