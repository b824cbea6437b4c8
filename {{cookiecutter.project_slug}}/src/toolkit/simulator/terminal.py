"""Talk to a bot in the terminal, without a token and without a network.

Every line is a message to the bot, except two: ``/tap LABEL`` taps a button, and ``/as NAME`` goes
on as somebody else. A pipe gets the bot's answers alone on stdout, so talks can be scripted::

    printf '/book\\n/tap Haircut\\n' | python -m bot chat
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toolkit.app import BotApp
from toolkit.fake_telegram import CallbackQuery, Event, FakeTelegram, NoSuchButton
from toolkit.fake_telegram.client import FakeTelegramClient
from toolkit.harness.settling import settle
from toolkit.storage import default_url

WELCOME = "Write to the bot. /tap LABEL taps a button, /as NAME is somebody else, Ctrl-D ends.\n"
MEDIA = ("photo", "video", "animation", "audio", "voice", "document", "sticker", "location", "poll")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def chat_url() -> str:
    """Where simulated people are kept: never in the project's own store, where slots are real.

    A file beside the project's own where it has one, else memory.
    """
    folder, _, name = default_url().rpartition("/")
    return f"{folder}/chat.db" if name == "bot.db" else "memory:"


def converse(app: BotApp[Any]) -> None:
    """Have ``app`` answer what is typed or piped into this process, until it ends."""
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    logging.basicConfig(level=logging.WARNING if on_terminal else logging.INFO)
    if on_terminal:
        play(app, _typed(), _write, mark_edits=True)
    else:
        if hasattr(signal, "SIGPIPE"):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` may stop reading; no fault
        play(app, sys.stdin, _write)


def play(
    app: BotApp[Any],
    lines: Iterable[str],
    write: Callable[[str], object],
    *,
    mark_edits: bool = False,
) -> None:
    """Start ``app``, feed it ``lines`` one after another, ``write`` its answers, and stop it."""
    conversation = Conversation(app, write, mark_edits=mark_edits)
    stack = contextlib.AsyncExitStack()
    # input() cannot be interrupted while a loop runs around it, so the loop runs line by line.
    with asyncio.Runner() as runner:
        try:
            runner.run(stack.enter_async_context(app.running()))
            for line in lines:
                if line.strip():
                    runner.run(conversation.take(line.rstrip("\r\n")))
        except KeyboardInterrupt:
            write("\n")
        finally:
            runner.run(stack.aclose())


class Conversation:
    """A bot and the people who talk to it. ``write`` gets what they would see on their screens."""

    def __init__(
        self, app: BotApp[Any], write: Callable[[str], object], *, mark_edits: bool = False
    ) -> None:
        # A bot knows update ids and message ids of earlier runs, so those must not come again.
        first = time.time_ns() // 1_000_000
        self.telegram = FakeTelegram(
            token=app.bot.token, first_message_id=first, first_update_id=first
        )
        self.telegram.observe(self._show)
        app.bot.session = FakeTelegramClient(self.telegram)
        self._app = app
        self._write = write
        self._mark_edits = mark_edits
        self._numbers = {"you": 1}
        self._become("You")

    async def take(self, line: str) -> None:
        """Do what ``line`` says, and wait until the bot has nothing more to say to it."""
        match line.split(maxsplit=1):
            case ["/as", name]:
                self._become(name)
                return
            case ["/tap", label]:
                try:
                    update = self.telegram.tap(self._person, label=label)
                except NoSuchButton as error:
                    self._write(f"({error})\n")
                    return
            case _:
                update = self.telegram.send_text(self._person, line)
        before = asyncio.all_tasks()
        with contextlib.suppress(Exception):  # the app has logged it and told the person
            await self._app.feed_raw_update(self._app.bot, update)
        await settle(before)

    def _become(self, name: str) -> None:
        # The same name is the same person in the next process too.
        known = name.strip().casefold()
        self._person = self._numbers.setdefault(known, zlib.crc32(known.encode()) + 2)
        self.telegram.user(self._person, name.strip())

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
        parts.append(message.get("text") or message.get("caption") or "")
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
