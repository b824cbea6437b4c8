r"""Talk to a bot in the terminal, without a token and without a network.

Every line is a message to the bot, except for a few commands: `/tap LABEL` taps a button,
`/as NAME` switches to another user; `COMMANDS` has them all. A pipe gets the bot's answers alone
on stdout, so a conversation can be scripted:

    printf '/book\n/tap Haircut\n' | python -m bot chat
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toolkit.harness.fake_telegram import CallbackQuery, Event, PersonError
from toolkit.harness.fake_telegram.rich.plain import text_of
from toolkit.harness.simulator.recorder import SimulatorError
from toolkit.harness.simulator.saving import FOLDER, draft
from toolkit.harness.simulator.session_view import ask_again, key_of, show
from toolkit.harness.simulator.simulation import Simulation
from toolkit.harness.simulator.waiting import wait, wait_for_timer
from toolkit.storage import default_url
from toolkit.storage.base import SharedSessionStorage

COMMANDS = {
    "/tap LABEL": "tap a button",
    "/as NAME": "switch to another user",
    "/session": "show your session, and the talk that is open",
    "/back QUESTION": "go back to a question of that talk",
    "/wait 2h": "let time pass at once; without a duration, until the next timer",
    "/fault NAME": "switch flood, network, slow or blocked on or off",
    "/save NAME": "save this conversation as a spec",
}
WELCOME = "Write to the bot; Ctrl-D ends. Commands:\n" + "".join(
    f"  {command:14} {text}\n" for command, text in COMMANDS.items()
)
MEDIA = ("photo", "video", "animation", "audio", "voice", "document", "sticker", "location", "poll")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
REFUSALS = (PersonError, LookupError, SimulatorError, OSError, ValueError)


def chat_url() -> str:
    """Return the URL for simulated users, never that of real ones: a file of its own, or memory."""
    folder, _, name = default_url().rpartition("/")
    return f"{folder}/chat.db" if name == "bot.db" else "memory:"


def converse(
    make_bot: Callable[..., Any],
    storage: SharedSessionStorage,
    *,
    reset: bool = False,
    echo: bool = False,
) -> None:
    """Answer what is typed or piped into this process, until it ends.

    What `storage` has from earlier conversations goes on, unless it is `reset`. With `echo`, what
    is piped in is printed as well.
    """
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    logging.basicConfig(level=logging.WARNING)
    if on_terminal:
        lines: Iterable[str] = _typed()
    else:
        lines = _echoed(sys.stdin) if echo else sys.stdin
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` may stop reading; no fault
    play(make_bot, storage, lines, _write, mark_edits=on_terminal, reset=reset)


def play(
    make_bot: Callable[..., Any],
    storage: SharedSessionStorage,
    lines: Iterable[str],
    write: Callable[[str], object],
    *,
    mark_edits: bool = False,
    reset: bool = False,
) -> None:
    """Feed `lines` to the bot of `make_bot(storage=…)`, `write` its answers, close the store."""
    # input() cannot be interrupted while a loop runs around it, so the loop runs line by line.
    with asyncio.Runner() as runner:
        if reset:
            runner.run(_clear(storage))
        conversation = Conversation(make_bot, storage, write, mark_edits=mark_edits)
        try:
            runner.run(conversation.start())
            for line in lines:
                if line.strip():
                    runner.run(conversation.take(line.rstrip("\r\n")))
        except KeyboardInterrupt:
            write("\n")
        finally:
            runner.run(conversation.simulation.close())


def _echoed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        _write(f"> {line.rstrip()}\n")
        yield line


async def _clear(storage: SharedSessionStorage) -> None:
    for key in [key async for key in storage.read_all_keys()]:
        await storage.delete(key)


class Conversation:
    """A bot and the people who talk to it. `write` gets what they would see on their screens."""

    def __init__(
        self,
        make_bot: Callable[..., Any],
        storage: SharedSessionStorage,
        write: Callable[[str], object],
        *,
        mark_edits: bool = False,
    ) -> None:
        self.simulation = Simulation(
            lambda: make_bot, self._notice, storage=storage, people={1: "You"}
        )
        self._write = write
        self._mark_edits = mark_edits
        self._numbers = {"you": 1}
        self._person = 1

    async def start(self) -> None:
        """Start the bot. Raises SystemExit with the reason when it does not."""
        if not await self.simulation.start():
            raise SystemExit(self.simulation.broken)

    async def take(self, line: str) -> None:
        """Do what `line` says, and wait until the bot has nothing more to say to it."""
        simulation, person = self.simulation, self._person
        settle = simulation.recorder.settle
        try:
            match line.split(maxsplit=1):
                case ["/as", name]:
                    self._become(name.strip())
                case ["/tap", label]:
                    await settle(simulation.tap_label(person, person, label))
                case ["/session"]:
                    await self._show_session()
                case ["/back", question]:
                    key = self._key()
                    await settle(await ask_again(simulation, key, question.strip()))
                case ["/wait", duration]:
                    await wait(simulation, duration.strip())
                case ["/wait"]:
                    await wait_for_timer(simulation)
                case ["/fault", name]:
                    self._switch(name.strip())
                case ["/save", name]:
                    await self._save(name)
                case _:
                    await settle(simulation.say(person, person, line))
        except REFUSALS as error:
            self._write(f"({error})\n")

    def _become(self, name: str) -> None:
        # The same name is the same person in the next process too.
        known = name.casefold()
        self._person = self._numbers.setdefault(known, zlib.crc32(known.encode()) + 2)
        self.simulation.telegram.user(self._person, name)

    async def _show_session(self) -> None:
        session = await show(self.simulation, self._key())
        for field in session["fields"]:
            self._write(f"({field['name']} = {field['value']!r})\n")
        if talk := session["talk"]:
            for answer in talk["answers"]:
                given = f"{answer['ended']}" if answer["ended"] else f"{answer['value']!r}"
                self._write(f"({talk['name']}: {answer['name']} = {given})\n")
            self._write(f"({talk['name']} waits for {talk['waiting']})\n")

    def _key(self) -> str:
        # In a private chat there is always one.
        return str(key_of(self.simulation, self._person, self._person, None))

    def _switch(self, name: str) -> None:
        now = self.simulation.faults.get(name)
        is_on = self._person in now if isinstance(now, list) else bool(now)
        self.simulation.switch(name, not is_on, self._person)
        self._write(f"({name} is {'off' if is_on else 'on'})\n")

    async def _save(self, name: str) -> None:
        made = draft(self.simulation, name)
        path = made.save(FOLDER)
        failure = await made.verify(self.simulation.make_bot)
        verdict = f"it fails when it is run:\n{failure}" if failure else "it passes when it is run"
        self._write(f"(saved {path}; {verdict})\n")
        self._write("".join(f"({warning})\n" for warning in made.warnings))

    def _notice(self, kind: str, data: Any) -> None:
        if kind == "event":
            self._show(data)

    def _show(self, event: Event) -> None:
        if event.kind == "message" and event.data.get("from", {}).get("is_bot"):
            self._show_message(event.data)
        elif event.kind == "callback":
            self._show_notice(event.data)

    def _show_message(self, message: dict[str, Any]) -> None:
        chat = message["chat"]
        parts = [f"({kind})" for kind in MEDIA if kind in message]
        if chat["id"] != self._person:
            parts.insert(0, f"(to {chat.get('first_name') or chat.get('title')})")
        if self._mark_edits and "edit_date" in message:
            parts.insert(0, "(edited)")
        parts.append(text_of(message))
        rows = message.get("reply_markup", {}).get("inline_keyboard", [])
        lines = [" ".join(parts), *(" ".join(f"[{b['text']}]" for b in row) for row in rows)]
        self._write("".join(f"{CONTROL.sub('�', line)}\n" for line in lines))

    def _show_notice(self, query: CallbackQuery) -> None:
        if query.answer and (text := query.answer.get("text")):
            self._write(f"({CONTROL.sub('�', text)})\n")


def _typed() -> Iterator[str]:
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401 - gives input() line editing and a history
    _write(WELCOME)
    while True:
        try:
            yield input("> ")
        except EOFError:
            _write("\n")
            return


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
