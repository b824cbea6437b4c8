"""Run a conversation: lines come from a pipe, or from a person at a keyboard."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from toolkit.harness.simulator.terminal.commands import WELCOME
from toolkit.harness.simulator.terminal.conversation import running
from toolkit.harness.simulator.terminal.screens import PlainScreen
from toolkit.storage import default_url
from toolkit.storage.base import SharedSessionStorage


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
    if on_terminal and os.environ.get("TERM") != "dumb":
        try:
            from toolkit.harness.simulator.terminal.prompt import Prompt
        except ImportError:  # a project need not install what its developers do
            pass
        else:
            Prompt().converse(make_bot, storage, reset=reset)
            return
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
    screen = PlainScreen(write, mark_edits=mark_edits)
    try:
        with running(make_bot, storage, screen, reset=reset) as (runner, conversation):
            # input() cannot be interrupted while a loop runs around it: the loop runs line by line.
            for line in lines:
                if line.strip():
                    runner.run(conversation.take(line.rstrip("\r\n")))
    except KeyboardInterrupt:
        write("\n")


def _echoed(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        _write(f"> {line.rstrip()}\n")
        yield line


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
