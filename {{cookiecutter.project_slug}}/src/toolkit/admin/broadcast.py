"""`python -m bot broadcast FILE`: send a text to everybody who has written to the bot."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.redaction import redact, redact_output

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.delivery.broadcast import BroadcastReport
    from toolkit.storage.base import SessionStorage

MakeApp = Callable[["SessionStorage"], "BotApp[Any]"]

DONE, NOT_DONE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130


def add_broadcast_options(parser: argparse.ArgumentParser) -> None:
    """Add FILE and the options to `parser`; what it has parsed is for `run_broadcast`."""
    parser.add_argument("file", metavar="FILE", help="the text, UTF-8, in the bot's parse mode")
    says = "what it is remembered by, and gone on with; default: FILE without its ending"
    parser.add_argument("--name", help=says)
    says = "only to people with this language, such as de; more than once for several"
    parser.add_argument("--language", metavar="CODE", action="append", help=says)
    says = "send it to this chat alone, for a look"
    parser.add_argument("--to", metavar="ID", type=int, help=says)
    says = "count the audience, and send nothing"
    parser.add_argument("--dry-run", action="store_true", help=says)
    says = "send again to those of whom it is unknown whether they have it"
    parser.add_argument("--repeat-unknown", action="store_true", help=says)


def run_broadcast(given: argparse.Namespace, url: str, make_app: MakeApp) -> int:
    """Do what was parsed, with the audience in the store at `url`; return the exit code.

    `make_app(storage)` makes the bot that sends.
    """
    import asyncio

    from toolkit.storage import open_storage
    from toolkit.storage.memory import MemorySessionStorage

    try:
        text = Path(given.file).read_text(encoding="utf-8").strip()
        storage = open_storage(url)
        if isinstance(storage, MemorySessionStorage):
            raise ValueError(  # noqa: TRY004 - the URL is wrong, not a type
                "memory: is known to the bot's process alone, and so is its audience"
            )
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(redact(f"{error}\n"))
        return WRONG_USE
    redact_output()
    try:
        return asyncio.run(_run(given, text, make_app(storage)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write(f"Go on with: {_command(given)}\n")
        return INTERRUPTED


async def _run(given: argparse.Namespace, text: str, app: BotApp[Any]) -> int:
    import asyncio

    from aiogram.exceptions import AiogramError

    from toolkit.delivery.broadcast_content import check_text
    from toolkit.errors import BroadcastRefused, CannotServe, StorageError

    if task := asyncio.current_task():
        with contextlib.suppress(NotImplementedError):  # on Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        check_text(text, app.bot.default.parse_mode)
        if given.to is not None:
            await app.bot.send_message(given.to, text)
            print(f"sent to {given.to} alone")  # noqa: T201
            return DONE
        if app.audience is None:
            words = "this bot keeps no audience: give create_bot audience=True in src/bot/app.py"
            raise BroadcastRefused(words)
        if given.dry_run:
            _print_audience(await app.audience.chats(given.language))
            return DONE
        return await _send(given, text, app)
    except (BroadcastRefused, CannotServe, StorageError, AiogramError, ValueError) as error:
        sys.stderr.write(redact(f"{error}\n"))
        return NOT_DONE
    finally:
        await app.close()


async def _send(given: argparse.Namespace, text: str, app: BotApp[Any]) -> int:
    from toolkit.admin.progress import Progress

    progress = Progress("sent")

    def show(report: BroadcastReport) -> None:
        progress.show(report.sent, 1 - report.left / report.total if report.total else 1.0)

    try:
        report = await app.broadcast(
            text,
            name=_name(given),
            languages=given.language,
            repeat_unknown=given.repeat_unknown,
            progress=show,
        )
    finally:
        progress.close()
    print(report)  # noqa: T201
    for reason, times in report.reasons.most_common():
        print(f"failed {times:,} times: {reason}")  # noqa: T201
    if report.unknown:
        print(f"unknown: {', '.join(map(str, report.unknown_chats))}")  # noqa: T201
        again = f"{_command(given)} --repeat-unknown"
        sys.stderr.write(f"They may have it or not. To send it to them again: {again}\n")
    return NOT_DONE if report.left or report.failed or report.unknown else DONE


def _print_audience(chats: dict[int, str | None]) -> None:
    languages = Counter(language or "-" for language in chats.values())
    for language, number in [*languages.most_common(), ("all", len(chats))]:
        print(f"{number:>9,} {language}")  # noqa: T201


def _name(given: argparse.Namespace) -> str:
    return given.name or Path(given.file).stem


def _command(given: argparse.Namespace) -> str:
    words = ["python", "-m", "bot", "broadcast", given.file, "--name", _name(given)]
    for language in given.language or ():
        words += ["--language", language]
    return shlex.join(words)
