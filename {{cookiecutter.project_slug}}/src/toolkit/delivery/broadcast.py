"""One message to a whole audience, to each chat once, across any number of stops and kills.

The audience is written down at the start, 500 chats to a record (`broadcast:<name>:<number>`), with
a letter for each: what became of it. That sends begin is committed before they do, and what became
of them with the next ones: what had begun when the process was killed is unknown, and not repeated
unless that is asked for. A record says which run has it; a run that has lost one ends.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)

from toolkit.delivery.audience import Audience, is_gone
from toolkit.delivery.broadcast_content import What, content_of
from toolkit.delivery.outgoing import (
    RetryingBot,
    effects,
    pause_of,
    under_limits,
    unknown_token,
)
from toolkit.errors import TRANSIENT, BroadcastRefused, SessionBusy
from toolkit.sessions.middleware import Sessions
from toolkit.storage.base import Value
from toolkit.waiting import Backoff, retrying, sleep_unless

CHATS, BATCH = 500, 4
"""Chats in a record, and those whose sends begin with one commit of it."""

KEPT_FOR = 30 * 24 * 3600.0
"""Seconds for which it is remembered what a broadcast has done."""

GRACE = 5.0
"""Seconds that sends have to end when the broadcast is cancelled."""

NO_NETWORK = 8.0
"""Seconds between two tries to reach Telegram."""

STORE = Backoff(TRANSIENT)

LEFT, BEGUN, SENT, BLOCKED, FAILED, UNKNOWN = "-.sbfu"
COUNTS = {SENT: "sent", BLOCKED: "blocked", FAILED: "failed", UNKNOWN: "unknown", LEFT: "left"}

ABOUT_CONTENT = ("can't parse", "too long", "empty", "file identifier", "BUTTON_")
"""Words of refusals that every other chat would get, too."""


@dataclass
class BroadcastReport:
    """What became of a broadcast, in numbers of chats.

    The bot is `blocked` by some, or they are gone; `failed` were refused for one of the `reasons`;
    `unknown` may have the message or not, as the answer was lost or the process killed: they are
    `unknown_chats`. Some may be `left` to do.
    """

    name: str
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    left: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unknown_chats: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, name) for name in COUNTS.values())

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, name):,} {name}" for name in COUNTS.values())


class Broadcast:
    """One run of a broadcast; `report` tells how far it is."""

    def __init__(
        self,
        bot: RetryingBot,
        sessions: Sessions[Any],
        audience: Audience,
        what: What,
        *,
        name: str,
        languages: Iterable[str] | None = None,
        parallel: int = 16,
        repeat_unknown: bool = False,
        progress: Callable[[BroadcastReport], object] | None = None,
    ) -> None:
        if not re.fullmatch(r"[\w.-]{1,100}", name):
            raise ValueError(f"a name has letters, digits, '.', '_' and '-'; got {name!r}")
        if parallel < 1:
            raise ValueError(f"parallel is a number of messages, 1 or more; got {parallel!r}")
        self.report = BroadcastReport(name)
        self._audience = audience
        self._languages = None if languages is None else sorted(languages)
        self._content = content_of(bot, what, self._languages)
        self._checkouts, self._key = sessions.checkouts, f"broadcast:{name}"
        self._batch, self._workers = min(BATCH, parallel), max(1, parallel // BATCH)
        again = {BEGUN: LEFT, UNKNOWN: LEFT} if repeat_unknown else {BEGUN: UNKNOWN}
        self._taken_over = str.maketrans(again)
        self._progress = progress or (lambda _: None)
        self._run = secrets.token_hex(8)
        self._stop = asyncio.Event()
        self._error: Exception | None = None

    async def run(self) -> BroadcastReport:
        """Send to all that are left, and report. Cancelled, it ends the sends that have begun."""
        lease, checkouts = f"{self._key}:run", self._checkouts
        words = f"the broadcast {self.report.name} is on its way already"
        if checkouts.lock.holder(lease):
            raise BroadcastRefused(words)
        try:
            # A process that was killed has it until its lease ends.
            held = await checkouts.take(lease, "a broadcast", min(checkouts.lease_for, 60) * 1.2)
        except SessionBusy as error:
            raise BroadcastRefused(f"{words}, sent by {error.holder}") from error
        try:
            numbers = iter(await self._plan())
            await self._to_the_end([self._work(numbers) for _ in range(self._workers)])
            if isinstance(self._error, _ContentRefused) and self.report.left == self.report.total:
                # Without it all is done again, with what is mended.
                await checkouts.bounded(checkouts.storage.delete(self._key))
        finally:
            await checkouts.abandon(held)
        if self._error is not None:
            raise self._error
        return self.report

    async def _to_the_end(self, work: list[Coroutine[Any, Any, None]]) -> None:
        workers = [asyncio.create_task(each) for each in work]
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait(workers, timeout=GRACE)
            raise
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _end(self, error: Exception) -> None:
        """Let no more sends begin, and raise the first error when those that have begun ended."""
        self._error = self._error or error
        self._stop.set()

    async def _plan(self) -> list[int]:
        """Return the numbers of the records in which something is to be done."""
        head = await self._read(self._key) or await self._write_down()
        if head["content"] != self._content.digest:
            raise BroadcastRefused(
                f"the broadcast {self.report.name} was begun on {head['begun']} with other content "
                "or for other languages: finish it with those, or give this one another name"
            )
        numbers = []
        for number in range(head["records"]):
            record = await self._read(f"{self._key}:{number}")
            if record is None:
                raise BroadcastRefused(
                    f"what the broadcast {self.report.name} of {head['begun']} has done is no "
                    "longer known: give this one another name"
                )
            state = record["state"].translate(self._taken_over)
            self._count(state, record["chats"], record.get("why", {}))
            if LEFT in state or state != record["state"]:
                numbers.append(number)
        self._progress(self.report)
        return numbers

    async def _write_down(self) -> Value:
        chats = sorted(await self._audience.chats(self._languages))
        parts = [chats[at : at + CHATS] for at in range(0, len(chats), CHATS)]
        for number, part in enumerate(parts):
            record = {"chats": part, "state": LEFT * len(part)}
            await self._write(f"{self._key}:{number}", record)
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        head = {"content": self._content.digest, "begun": begun, "records": len(parts)}
        if parts:
            await self._write(self._key, head)
        return head

    async def _work(self, numbers: Iterator[int]) -> None:
        try:
            for number in numbers:
                if self._stop.is_set():
                    return
                await self._send_to(f"{self._key}:{number}")
        except Exception as error:  # noqa: BLE001 - raised when the others have ended
            self._end(error)

    async def _send_to(self, key: str) -> None:
        record = await self._commit(key)
        chats, state, why = record["chats"], [*record["state"]], record.setdefault("why", {})
        while True:
            left = [] if self._stop.is_set() else [n for n, m in enumerate(state) if m == LEFT]
            todo = left[: self._batch]
            for number in todo:
                state[number] = BEGUN
            await self._commit(key, {**record, "state": "".join(state)})
            if not todo:
                return
            results = await asyncio.gather(*(self._send(chats[number]) for number in todo))
            for number, (mark, reason) in zip(todo, results, strict=True):
                state[number] = mark
                self.report.left -= 1
                self._count(mark, [chats[number]], {"": reason} if reason else {})
                if reason:
                    why[str(chats[number])] = reason
            self._progress(self.report)

    async def _send(self, chat: int) -> tuple[str, str]:
        done: list[str] = []
        effects.set(done)
        under_limits.set(True)
        try:
            await self._content.send(chat)
        except TelegramAPIError as error:
            return await self._became(chat, error, bool(done))
        except ClientDecodeError:
            return UNKNOWN, ""
        except Exception as error:  # noqa: BLE001 - raised when the others have ended
            self._end(error)
            return UNKNOWN if done else LEFT, ""
        return SENT, ""

    async def _became(self, chat: int, error: TelegramAPIError, reached: bool) -> tuple[str, str]:
        """Return what became of a send that failed, and why; `reached` if some may have arrived."""
        if str(getattr(error.method, "chat_id", "")) == str(chat) and is_gone(error.method, error):
            return BLOCKED, ""
        too_large = isinstance(error, TelegramEntityTooLarge)
        about_content = too_large or any(words in error.message for words in ABOUT_CONTENT)
        if about_content and self._content.same_for_all:
            self._end(_ContentRefused(f"Telegram refuses it, for every chat: {error.message}"))
            return LEFT, ""
        if (hopeless := unknown_token(error)) is not None:
            self._end(hopeless)
            return UNKNOWN if reached else LEFT, ""
        passes = isinstance(error, TelegramRetryAfter | TelegramNetworkError | TelegramServerError)
        if not passes or too_large:
            return FAILED, error.message
        if reached:
            return UNKNOWN, ""
        pause = pause_of(error) if isinstance(error, TelegramRetryAfter) else NO_NETWORK
        await sleep_unless(self._stop, pause)
        return LEFT, ""

    def _count(self, state: str, chats: list[int], why: dict[str, str]) -> None:
        for mark, name in COUNTS.items():
            setattr(self.report, name, getattr(self.report, name) + state.count(mark))
        unknown = (chat for chat, mark in zip(chats, state, strict=True) if mark == UNKNOWN)
        self.report.unknown_chats += unknown
        self.report.reasons.update(why.values())

    async def _commit(self, key: str, value: Value | None = None) -> Value:
        """Write a record of this run, and return it; without a value, take it over first."""

        async def attempt() -> Value:
            held = await self._checkouts.take(key, self._key)
            there = held.value or {"run": None}
            if value is not None and there.get("run") != self._run:
                await self._checkouts.abandon(held)
                raise BroadcastRefused(f"another process has taken {key} over")
            new = value or {**there, "state": there["state"].translate(self._taken_over)}
            new["run"] = self._run
            await self._checkouts.put(held, new, KEPT_FOR)
            return new

        return await retrying(attempt, STORE, partial(sleep_unless, self._stop))

    async def _read(self, key: str) -> Value | None:
        return await self._checkouts.bounded(self._checkouts.storage.read(key))

    async def _write(self, key: str, value: Value) -> None:
        write = self._checkouts.storage.write(key, value, expires_in=KEPT_FOR)
        await self._checkouts.bounded(write)


class _ContentRefused(BroadcastRefused):
    """What is sent cannot be, to nobody."""
