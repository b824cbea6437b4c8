"""A conversation with a person at a terminal: prompt_toolkit reads, rich draws."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolkit.harness.simulator.hub import commands_of
from toolkit.harness.simulator.terminal import drawing
from toolkit.harness.simulator.terminal.commands import TYPED
from toolkit.harness.simulator.terminal.completing import Completions
from toolkit.harness.simulator.terminal.conversation import Conversation, running
from toolkit.harness.simulator.terminal.rich_screen import RichScreen
from toolkit.harness.simulator.terminal.screens import printable
from toolkit.harness.simulator.terminal.targets import keyboard_of, numbered
from toolkit.harness.simulator.turns import LogLines, current, name_of
from toolkit.storage.base import SharedSessionStorage

KEYS = "Tab completes · Ctrl-C clears the line · Ctrl-D ends"
PATIENCE = 0.4
"""Seconds that a handler may take before it is said that it is at work."""

STYLE = Style.from_dict(
    {
        "bottom-toolbar": "noreverse",
        "quiet": "ansibrightblack",
        "fault": "ansired bold",
        "person": "ansigreen bold",
    }
)


class Prompt:
    """Talks on a terminal, and keeps what was typed in the file `history`."""

    def __init__(
        self, console: Console | None = None, history: Path = Path("data/chat.history")
    ) -> None:
        self._console = console or Console(highlight=False)
        self._history = history

    def converse(
        self,
        make_bot: Callable[..., Any],
        storage: SharedSessionStorage,
        *,
        reset: bool = False,
    ) -> None:
        """Take lines until Ctrl-D."""
        screen = RichScreen(self._console)
        if reset:
            self._history.unlink(missing_ok=True)
        with (
            unechoed(),
            logged_to(screen),
            suppress(EOFError, KeyboardInterrupt),
            running(make_bot, storage, screen, reset=reset, at_keyboard=True) as (runner, talk),
        ):
            self._welcome(talk)
            session = self._session(talk)
            while True:
                line = runner.run(self._ask(session)).strip()
                try:
                    runner.run(self._take(talk, line))
                except KeyboardInterrupt:
                    screen.note("stopped: the handler was cut off")

    async def _ask(self, session: PromptSession[str]) -> str:
        # What comes of a timer meanwhile is drawn above the line.
        with patch_stdout(raw=True):
            return await session.prompt_async()

    async def _take(self, talk: Conversation, line: str) -> None:
        if not line:
            return
        task = asyncio.ensure_future(talk.take(line))
        try:
            done, _ = await asyncio.wait([task], timeout=PATIENCE)
            if not done:
                with self._console.status("handling… Ctrl-C stops it", spinner="line"):
                    await asyncio.wait([task])
        finally:
            task.cancel()
        await task

    def _session(self, talk: Conversation) -> PromptSession[str]:
        history: History = InMemoryHistory()
        # Where conversations go on next time, so does what was typed.
        if self._history.parent.is_dir():
            history = FileHistory(str(self._history))
        completer = Completions(talk)
        return PromptSession(
            lambda: [("class:person", _name(talk)), ("class:quiet", " › ")],
            completer=completer,
            complete_while_typing=True,
            reserve_space_for_menu=8,
            bottom_toolbar=lambda: self._toolbar(talk),
            key_bindings=_keys(completer),
            style=STYLE,
            history=history,
        )

    def _toolbar(self, talk: Conversation) -> StyleAndTextTuples:
        """Return the reply keyboard, the faults, and else which keys there are."""
        telegram, rows = (
            talk.simulation.telegram,
            keyboard_of(talk.simulation.telegram, talk.person),
        )
        first = len(numbered(telegram, talk.person)) - sum(map(len, rows)) + 1
        lines: StyleAndTextTuples = []
        for row in drawing.chips(rows, first):
            with self._console.capture() as drawn:
                self._console.print(row)
            lines += ANSI(drawn.get()).__pt_formatted_text__()
        faults = [("class:fault", f"{fault} is on  ") for fault in talk.faults]
        return [*lines, *faults, ("class:quiet", KEYS)]

    def _welcome(self, talk: Conversation) -> None:
        telegram = talk.simulation.telegram
        declared = commands_of(telegram, telegram.chats[talk.person])
        table = Table.grid(padding=(0, 2))
        for each in declared:
            about = printable(each["description"])
            table.add_row(Text(f"  /{each['command']}", drawing.BOT), Text(about))
        what = "Its commands:" if declared else "/start for instance."
        self._console.print(Text(f"Write to the bot. {what}"), *([table] if declared else []))
        own = " ".join(usage.split()[0] for usage in TYPED)
        how = f"The terminal adds {own}.\nA line with / alone tells what each does."
        self._console.print(Text(how, drawing.QUIET))


def _name(talk: Conversation) -> str:
    return name_of(talk.simulation.telegram.user(talk.person))


def _keys(completer: Completer) -> KeyBindings:
    keys = KeyBindings()

    @keys.add("tab")
    def complete(event: KeyPressEvent) -> None:
        # Its own way to complete leaves out a Tab that is followed at once by Enter.
        line = event.current_buffer
        found = [*completer.get_completions(line.document, CompleteEvent())]
        if line.complete_state:
            line.complete_next()
        elif len(found) == 1:
            line.apply_completion(found[0])
        else:
            line.start_completion()

    @keys.add("c-c")
    @keys.add("<sigint>")
    def clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    @keys.add("escape", "enter")
    def break_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


@contextmanager
def unechoed() -> Iterator[None]:
    """Keep off the screen what is typed between two prompts: the next one shows it."""
    try:
        import termios
    except ImportError:  # Windows
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    flags = before[3] & ~termios.ECHO
    termios.tcsetattr(number, termios.TCSANOW, [*before[:3], flags, *before[4:]])
    try:
        yield
    finally:
        termios.tcsetattr(number, termios.TCSANOW, before)


class _Log(logging.Handler):
    """Notes what is logged, but for what `/why` tells."""

    def __init__(self, screen: RichScreen) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record in one line."""
        failed = record.exc_info or record.name == "toolkit.delivery.failures"
        if not (failed and current.get()):
            self._screen.note(f"{record.levelname} {record.name}: {record.getMessage()}")


@contextmanager
def logged_to(screen: RichScreen) -> Iterator[None]:
    """Have log lines go to the screen, and to the turn that they belong to."""
    root, handlers = logging.getLogger(), (_Log(screen), LogLines())
    before = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
