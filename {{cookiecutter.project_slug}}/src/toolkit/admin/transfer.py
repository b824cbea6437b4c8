"""Export and import all records of a store, a bounded number of them in memory."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from enum import StrEnum

from toolkit.admin.file_format import Record, load_line
from toolkit.errors import (
    InvalidKey,
    NotPortable,
    NotSerializable,
    SessionBusy,
    SessionConflict,
    SessionTooLarge,
    SessionUndecodable,
)
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.quarantine import quarantine_keys, quarantined
from toolkit.storage.base import PortableSessionStorage, SessionStorage, Value
from toolkit.waiting import retrying

_AT_ONCE = 100
_BYTES_AT_ONCE = 4_000_000
_NAMED = 20
_TRIES = 10
_MARGIN = 60.0
"""Seconds by which two times of expiry may differ and count as equal, as clocks differ."""


async def read_records(
    storage: SessionStorage, prefix: str = ""
) -> AsyncIterator[tuple[Record, SessionUndecodable | None]]:
    """Yield every record whose key starts with `prefix`, as the last commit left it.

    One that cannot be read comes as the record that the bot would make of it, under
    `quarantine:<key>`, and with the error. Raises `NotPortable`.
    """
    if not isinstance(storage, PortableSessionStorage):
        raise NotPortable(getattr(storage, "store", storage))
    checkouts = Checkouts(storage)

    async def read(key: str) -> tuple[Record, SessionUndecodable | None] | None:
        try:
            entry = await checkouts.bounded(storage.read_entry(key))
        except SessionUndecodable as error:
            return await _as_quarantined(checkouts, error), error
        return None if entry is None else (Record.of(key, entry), None)

    async for keys in _pages(storage.read_all_keys(prefix)):
        for found in await asyncio.gather(*map(read, keys)):
            if found is not None:
                yield found


async def _pages(keys: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    page: list[str] = []
    async for key in keys:
        page.append(key)
        if len(page) == _AT_ONCE:
            yield page
            page = []
    yield page


async def _as_quarantined(checkouts: Checkouts, error: SessionUndecodable) -> Record:
    for place in quarantine_keys(error.key):
        if not await checkouts.bounded(checkouts.storage.has(place)):
            return Record(place, quarantined(error))
    raise AssertionError("there is always another key")


class Outcome(StrEnum):
    """What became of a record that was to be imported."""

    imported = "imported"
    replaced = "replaced"
    there = "there"
    expired = "expired"
    kept = "kept"
    refused = "refused"


class Import:
    """Imports records into `storage`, waiting for those that a running bot has checked out.

    Records that exist are counted and left alone, so that an interrupted import can be run again;
    `overwrite` replaces those that differ. `tell` gets a sentence per problem, up to a limit.
    """

    def __init__(
        self,
        storage: SessionStorage,
        *,
        overwrite: bool = False,
        tell: Callable[[str], None],
    ) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.problems = 0
        self._storage = storage
        self._checkouts = Checkouts(storage)
        self._overwrite = overwrite
        self._tell = tell
        self._lines = 0
        self._announced: int | None = None
        self._batch: dict[str, tuple[int, Record]] = {}
        self._bytes = 0

    async def run(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Import numbered lines. Raises `StorageUnavailable`; what came before is in then."""
        for number, line in lines:
            if line.strip():
                await self._take(number, line)
        await self._flush()
        if self._announced is None:
            self._complain("the line that counts the records is missing: the file was cut off")
        elif self._announced != self._lines:
            self._complain(f"{self._announced:,} records were exported, {self._lines:,} are here")

    async def _take(self, number: int, line: bytes) -> None:
        try:
            record = load_line(line)
        except ValueError as error:
            self._lines += 1
            self._refuse(number, str(error))
            return
        if isinstance(record, int):
            self._announced = (self._announced or 0) + record
            return
        self._lines += 1
        self._bytes += len(line)
        # One after the other where a key comes twice, so that the order of lines decides.
        if record.key in self._batch or self._bytes > _BYTES_AT_ONCE:
            await self._flush()
        self._batch[record.key] = number, record
        if len(self._batch) == _AT_ONCE:
            await self._flush()

    async def _flush(self) -> None:
        batch, self._batch, self._bytes = self._batch, {}, 0
        work = [self._bring(number, record) for number, record in batch.values()]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        self.outcomes.update(outcome for outcome in outcomes if isinstance(outcome, Outcome))
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _bring(self, number: int, record: Record) -> Outcome:
        try:
            outcome = await self._put(record)
        except (
            InvalidKey,
            NotSerializable,
            SessionTooLarge,
            SessionBusy,
            SessionConflict,
        ) as error:
            self._complain(f"line {number:,}: {error}")
            return Outcome.refused
        if outcome is Outcome.kept:
            self._complain(f"line {number:,}: {record.key!r} is there with other content")
        return outcome

    async def _put(self, record: Record) -> Outcome:
        def pause(error: Exception, attempt: int) -> float | None:
            return 0.0 if isinstance(error, SessionConflict) and attempt < _TRIES else None

        return await retrying(lambda: self._try_to_put(record), pause)

    async def _try_to_put(self, record: Record) -> Outcome:
        """Bring one record in. Raises SessionConflict when it is changed at the same time."""
        if record.has_expired():
            return Outcome.expired
        add = self._storage.add(record.key, record.value, expires_in=record.expires_in())
        if await self._checkouts.bounded(add):
            return Outcome.imported
        same = await self._is_there(record)
        if same is None:
            raise SessionConflict(record.key)
        if same:
            return Outcome.there
        if not self._overwrite:
            return Outcome.kept
        held = await self._checkouts.take(record.key, "an import")
        # The wait for the holder of the record also costs it some of its time.
        if record.has_expired():
            await self._checkouts.abandon(held)
            return Outcome.expired
        await self._checkouts.put(held, record.value, record.expires_in())
        return Outcome.replaced

    async def _is_there(self, record: Record) -> bool | None:
        """Tell whether the store has just this record; `None` where it has none there."""
        storage, bounded = self._storage, self._checkouts.bounded
        try:
            if not isinstance(storage, PortableSessionStorage):
                value = await bounded(storage.read(record.key))
                return None if value is None else _same(value, record.value)
            entry = await bounded(storage.read_entry(record.key))
        except SessionUndecodable:
            return False
        if entry is None:
            return None
        left, wanted = entry.expires_in, record.expires_in()
        at_once = left is wanted if left is None or wanted is None else abs(left - wanted) < _MARGIN
        return at_once and _same(entry.value, record.value)

    def _refuse(self, number: int, reason: str) -> None:
        self.outcomes[Outcome.refused] += 1
        self._complain(f"line {number:,}: {reason}")

    def _complain(self, problem: str) -> None:
        self.problems += 1
        if self.problems <= _NAMED:
            self._tell(problem)
        elif self.problems == _NAMED + 1:
            self._tell("… there are more; they are only counted from here on")


def _same(one: Value, other: Value) -> bool:
    # As text: 1, 1.0 and True are equal in Python, but not in JSON.
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
