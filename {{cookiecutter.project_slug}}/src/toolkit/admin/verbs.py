"""What each verb of `python -m bot sessions` does; they return exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import stat
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from toolkit.admin.file_format import Record, dump_line, numbered_lines
from toolkit.admin.person import delete_record, forget_record, keys_of_user
from toolkit.admin.progress import Progress
from toolkit.admin.transfer import Import, Outcome, read_records
from toolkit.errors import SessionUndecodable, StorageError
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.keys import is_session_key
from toolkit.sessions.quarantine import quarantined
from toolkit.storage.base import Entry, PortableSessionStorage, SessionStorage
from toolkit.storage.memory import MemorySessionStorage

DONE, NOT_DONE = 0, 1


def check_use(storage: SessionStorage, given: Namespace) -> None:
    """Check the arguments before the store is opened. Raises ValueError for a mistake."""
    if isinstance(storage, MemorySessionStorage):
        raise ValueError(  # noqa: TRY004 - the URL is wrong, not a type
            "memory: is known to the process that has it alone; name another store by --storage"
        )
    path = getattr(storage, "path", None)
    if isinstance(path, Path) and given.verb != "import" and not path.exists():
        raise ValueError(f"there is no file {path}")
    if given.verb in ("delete", "forget") and not given.yes:
        keys = getattr(given, "keys", None)
        names = (
            " and ".join(map(spell, map(key_of, keys)))
            if keys
            else f"all that is remembered of user {given.user}"
        )
        if not sys.stdin.isatty():
            raise ValueError(f"cannot ask here whether to delete {names}; --yes says so")
        sys.stderr.write(f"Delete {names}? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ValueError("nothing was deleted")


async def list_records(storage: SessionStorage, given: Namespace) -> int:
    """Print keys: all as the store gives them, or one sorted page."""
    limit = given.limit
    page: list[str] = []
    others = 0
    async for key in storage.read_all_keys(given.prefix):
        if not (given.all or given.prefix or is_session_key(key)):
            others += 1
            continue
        if given.after is not None and key <= key_of(given.after):
            continue
        if limit is None:
            _print(spell(key))
            continue
        page.append(key)
        # Stores have no common order, so the page is chosen from all keys, a few at a time.
        if len(page) > 2 * limit:
            page = sorted(page)[: limit + 1]
    for key in sorted(page)[:limit]:
        _print(spell(key))
    if len(page) > (limit or 0):
        last = sorted(page)[limit - 1]
        sys.stderr.write(f"there are more: --after {shlex.quote(spell(last))}\n")
    if others:
        sys.stderr.write(f"{_records(others)} of other kinds: --all lists them too\n")
    return DONE


async def show_records(storage: SessionStorage, given: Namespace) -> int:
    """Print one record, with the moment when it expires."""
    key = key_of(given.key)
    try:
        if isinstance(storage, PortableSessionStorage):
            entry = await storage.read_entry(key)
        else:
            value = await storage.read(key)
            entry = None if value is None else Entry(value, None)
    except SessionUndecodable as error:
        _print(_readable({"key": key, **quarantined(error)}))
        sys.stderr.write(f"{error}\n")
        return NOT_DONE
    if entry is None:
        return _absent(key)
    _print(_readable(Record.of(key, entry).fields()))
    return DONE


async def delete_records(storage: SessionStorage, given: Namespace) -> int:
    """Delete records, each as soon as it is not checked out."""
    checkouts = Checkouts(storage)
    code = DONE
    for key in map(key_of, given.keys):
        if await delete_record(checkouts, key):
            _print(f"deleted {spell(key)}")
        else:
            code = _absent(key)
    return code


async def forget_records(storage: SessionStorage, given: Namespace) -> int:
    """Delete what is remembered of a user; what the bot keeps under keys of its own stays."""
    checkouts = Checkouts(storage)
    for key in sorted([key async for key in keys_of_user(storage, given.user)]):
        if await forget_record(checkouts, key):
            _print(f"deleted {spell(key)}")
        else:
            sys.stderr.write(f"{spell(key)} is in work, and goes when that is done\n")
    return DONE


async def export_records(storage: SessionStorage, given: Namespace) -> int:
    """Write all records to stdout, or to a file, which appears once it is complete."""
    to_stdout = given.file == "-"
    progress = Progress("exporting record", hidden=to_stdout and sys.stdout.isatty())
    with contextlib.ExitStack() as stack:
        stack.callback(progress.close)
        file = sys.stdout
        if not to_stdout:
            file = stack.enter_context(_whole_file(Path(given.file), overwrite=given.overwrite))
        number = 0
        only = None
        if given.user is not None:
            only = {key async for key in keys_of_user(storage, given.user)}
        async for record, damage in read_records(storage, given.prefix):
            if only is not None and record.key not in only:
                continue
            if damage is not None:
                progress.say(f"{damage}; it goes along as {record.key!r}")
            file.write(dump_line(record))
            number += 1
            progress.show(number)
        file.write(dump_line(number))
    sys.stdout.flush()
    progress.say(f"exported {_records(number)}")
    return DONE


@contextlib.contextmanager
def _whole_file(path: Path, *, overwrite: bool) -> Iterator[TextIO]:
    """Open a file that only its owner can read; it gets its name once it is on disk."""
    if path.exists() and not overwrite:
        raise StorageError(f"{path} is there already; --overwrite replaces it")
    partial = path.with_name(f"{path.name}.partial")
    # What lies there was left by a killed export, or laid out: a link, a file that others may read.
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # follows no link
    created = os.fstat(descriptor)
    try:
        with open(descriptor, "w", encoding="ascii", newline="\n") as file:  # noqa: PTH123
            yield file
            file.flush()
            os.fsync(descriptor)
        if not os.path.samestat(created, partial.lstat()):
            raise StorageError(f"another export writes {partial}")
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(created, partial.lstat()):
                partial.unlink()
        raise


async def import_records(storage: SessionStorage, given: Namespace) -> int:
    """Import the records of a file, and print the outcome."""
    progress = Progress("importing line")
    work = Import(storage, overwrite=given.overwrite, tell=progress.say)
    end = "; not finished: run it again to go on"
    with contextlib.ExitStack() as stack:
        file = sys.stdin.buffer
        if given.file != "-":
            file = stack.enter_context(open(given.file, "rb"))  # noqa: PTH123, ASYNC230
        try:
            await work.run(_watched(file, progress))
            end = ""
        finally:
            progress.close()
            progress.say(_summary(work) + end)
    return NOT_DONE if work.problems else DONE


def _watched(file: BinaryIO, progress: Progress) -> Iterator[tuple[int, bytes]]:
    found = os.fstat(file.fileno())
    size = found.st_size if stat.S_ISREG(found.st_mode) else 0
    read = 0
    for number, line in numbered_lines(file):
        read += len(line)
        progress.show(number, read / size if size else None)
        yield number, line


def _summary(work: Import) -> str:
    texts = {
        Outcome.imported: "imported {}",
        Outcome.replaced: "replaced {}",
        Outcome.there: "{} there already",
        Outcome.expired: "{} expired on the way",
        Outcome.kept: "{} kept that differed: --overwrite replaces",
        Outcome.refused: "{} refused",
    }
    return "; ".join(
        text.format(_records(work.outcomes[outcome]))
        for outcome, text in texts.items()
        if work.outcomes[outcome] or outcome is Outcome.imported
    )


def _records(number: int) -> str:
    return f"{number:,} {'record' if number == 1 else 'records'}"


def spell(key: str) -> str:
    """Return a key as it is printed: as JSON in quotes where it is not plain."""
    plain = key.isprintable() and key == key.strip() and not key.startswith('"') and key
    return key if plain else json.dumps(key)


def key_of(text: str) -> str:
    """Return the key that `spell` made `text` of. Raises ValueError."""
    if not text.startswith('"'):
        return text
    return str(json.loads(text))


def _readable(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, ensure_ascii=False, indent=2)
    # Invisible and control characters stay escaped.
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _absent(key: str) -> int:
    sys.stderr.write(f"there is no record {spell(key)}\n")
    return NOT_DONE
