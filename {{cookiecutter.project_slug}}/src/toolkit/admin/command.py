"""`python -m bot sessions …`: list, show, delete, forget, export, import what is remembered.

Results go to stdout, everything else to stderr. Exit codes: 0 for success, 1 if something could not
be done, 2 for wrong usage, 130 for Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.storage.base import SessionStorage

Verb = Callable[["SessionStorage", argparse.Namespace], Awaitable[int]]

WRONG_USE, INTERRUPTED = 2, 130


def add_session_verbs(parser: argparse.ArgumentParser) -> None:
    """Add `list`, `show`, … to `parser`; what it has parsed is for `run_session_verb`."""
    verbs = parser.add_subparsers(metavar="VERB", required=True, dest="verb")

    def add(name: str, says: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")
        verb.add_argument("--storage", metavar="URL", help="which store; default: STORAGE_URL")
        says = "of every bot in the store, under the keys that the store has"
        verb.add_argument("--all-bots", action="store_true", help=says)
        # A minus and a digit begin the key of a group, not an option.
        verb._negative_number_matcher = re.compile(r"-\d")
        return verb

    listing = add("list", "print the keys of all sessions")
    listing.add_argument("--all", action="store_true", help="of all records, not only sessions")
    listing.add_argument("--prefix", default="", help="of all records whose keys start so")
    listing.add_argument("--limit", type=_positive, metavar="N", help="a page of N keys, sorted")
    listing.add_argument("--after", metavar="KEY", help="begin the page after this key")
    showing = add("show", "print one record as JSON")
    showing.add_argument("key", metavar="KEY", help="a key as `list` prints it")
    deleting = add("delete", "delete records")
    deleting.add_argument("keys", metavar="KEY", nargs="+", help="a key as `list` prints it")
    deleting.add_argument("--yes", action="store_true", help="do not ask")
    forgetting = add("forget", "delete all that is remembered of one user")
    forgetting.add_argument("user", metavar="USER", type=int, help="the id of the user")
    forgetting.add_argument("--yes", action="store_true", help="do not ask")
    exporting = add("export", "write all records as lines of JSON")
    says = "default: standard output"
    exporting.add_argument("file", metavar="FILE", nargs="?", default="-", help=says)
    exporting.add_argument("--prefix", default="", help="only keys that start so")
    exporting.add_argument("--user", type=int, metavar="ID", help="only the records of one user")
    exporting.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    importing = add("import", "import an exported file; run it again if it was interrupted")
    importing.add_argument("file", metavar="FILE", help="- for standard input")
    importing.add_argument(
        "--overwrite", action="store_true", help="replace records that are there and differ"
    )


def run_session_verb(given: argparse.Namespace, url: str, bot_id: int | None = None) -> int:
    """Do what was parsed, with the bot's records in the store at `url`; return the exit code.

    Without a `bot_id` it is with all records, as with `--all-bots`.
    """
    import asyncio

    from toolkit.admin import verbs
    from toolkit.errors import StorageError
    from toolkit.redaction import redact
    from toolkit.storage import open_storage
    from toolkit.storage.per_bot import BotStorage

    verb: Verb = getattr(verbs, f"{given.verb}_records")
    try:
        storage: SessionStorage = open_storage(url)
        verbs.check_use(storage, given)
        if bot_id is not None and not given.all_bots:
            storage = BotStorage(storage, bot_id, claims=given.verb == "import")
    except (ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(redact(f"{error}\n"))
        return WRONG_USE
    try:
        return asyncio.run(_with(storage, verb, given))
    except BrokenPipeError:
        # The reader has closed the pipe, and the interpreter would fail to flush it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (StorageError, OSError) as error:
        sys.stderr.write(redact(f"{error}\n"))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    return verbs.NOT_DONE


async def _with(storage: SessionStorage, verb: Verb, given: argparse.Namespace) -> int:
    try:
        code = await verb(storage, given)
        sys.stdout.flush()
    finally:
        await storage.close()
    return code


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
