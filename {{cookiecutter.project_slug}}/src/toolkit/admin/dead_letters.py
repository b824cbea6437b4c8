"""`python -m bot dead …`: list, show, retry and drop updates that could not be handled."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.app import BotApp
    from toolkit.storage.base import SessionStorage, Value

MakeApp = Callable[["SessionStorage"], "BotApp[Any]"]

DONE, NOT_DONE, WRONG_USE = 0, 1, 2


def add_dead_verbs(parser: argparse.ArgumentParser) -> None:
    """Add `list`, `show`, … to `parser`; what it has parsed is for `run_dead_verb`."""
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="verb")
    verbs.add_parser("list", help="print a line per update: its id, when, whose, why")
    for name, says in {
        "show": "print one as JSON, with its traceback",
        "retry": "handle updates again, now, with the bot's present code",
        "drop": "delete updates for good",
    }.items():
        verb = verbs.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        verb.add_argument("ids", metavar="ID", nargs="+", help="an id as `list` prints it, or all")


def run_dead_verb(
    given: argparse.Namespace, url: str, make_app: MakeApp, bot_id: int | None = None
) -> int:
    """Do what was parsed, with the bot's records in the store at `url`; return the exit code.

    `make_app(storage)` makes the bot that handles an update again.
    """
    import asyncio

    from toolkit.errors import StorageError
    from toolkit.storage import open_storage
    from toolkit.storage.per_bot import BotStorage

    try:
        storage: SessionStorage = open_storage(url)
        if bot_id is not None:
            storage = BotStorage(storage, bot_id, claims=False)
    except (ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_USE
    try:
        return asyncio.run(_run(given, storage, make_app))
    except (StorageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_DONE


async def _run(given: argparse.Namespace, storage: SessionStorage, make_app: MakeApp) -> int:
    from toolkit.delivery.dead_letters import PREFIX

    try:
        names = sorted([key.removeprefix(PREFIX) async for key in storage.read_all_keys(PREFIX)])
        wanted = names if given.verb == "list" or given.ids == ["all"] else given.ids
        if missing := [name for name in wanted if name not in names]:
            sys.stderr.write(f"there is no dead letter {', '.join(missing)}; `list` shows all\n")
            return NOT_DONE
        letters = {name: await storage.read(f"{PREFIX}{name}") or {} for name in wanted}
        if given.verb == "retry":
            return await _retry(letters, storage, make_app)
        for name, letter in letters.items():
            if given.verb == "drop":
                await storage.delete(f"{PREFIX}{name}")
            print(_line(name, letter) if given.verb != "show" else _readable(letter))  # noqa: T201
    finally:
        await storage.close()
    return DONE


async def _retry(letters: dict[str, Value], storage: SessionStorage, make_app: MakeApp) -> int:
    from aiogram.types import Update
    from pydantic import ValidationError

    from toolkit.delivery.attempts import Attempts
    from toolkit.delivery.dead_letters import PREFIX

    app, code = make_app(storage), DONE
    async with app.running():
        attempts = Attempts(app)
        for name, letter in letters.items():
            raw = letter.get("update")
            if isinstance(raw, dict) and isinstance(timer := raw.get("timer"), dict):
                try:
                    await _set_again(app, timer)
                except ValueError as error:
                    sys.stderr.write(f"{name} failed again: {error}\n")
                    code = NOT_DONE
                    continue
                await storage.delete(f"{PREFIX}{name}")
                print(f"{name} is due again, for the bot that runs")  # noqa: T201
                continue
            try:
                update = Update.model_validate(letter.get("update"), context={"bot": app.bot})
            except ValidationError as error:
                sys.stderr.write(
                    f"{name} cannot be read as an update: {error.errors()[0]['msg']}\n"
                )
                code = NOT_DONE
                continue
            if (failure := await attempts.settle(update)) is None:
                await storage.delete(f"{PREFIX}{name}")
                print(f"{name} is handled")  # noqa: T201
            else:
                sys.stderr.write(f"{name} failed again: {failure!r}\n")
                code = NOT_DONE
    return code


async def _set_again(app: BotApp[Any], timer: Value) -> None:
    """Set a timer that was set aside, so that it is due now."""
    async with app.sessions.checkout(timer["key"], holder="dead retry") as context:
        context.timers.set(timer["name"], after=0, data=timer.get("data"))


def _line(name: str, letter: Value) -> str:
    reason = str(letter.get("error", "")).strip().rpartition("\n")[2]
    return f"{name}  {letter.get('at', '')}  {letter.get('key') or '-'}  {reason[:200]}"


def _readable(letter: Value) -> str:
    return json.dumps(letter, indent=2, ensure_ascii=False)
