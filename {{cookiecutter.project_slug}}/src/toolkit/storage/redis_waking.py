"""When the records of a Redis want to be woken: one sorted set for each bot, `wake{:BOT}`.

Its members are the names of records, its scores their moments. On one server the script that
changes a record changes the set. On a cluster the set is on a node of its own, and follows:

- A score is never later than its record. What makes a record earlier lowers the score first, then
  writes the record under a lease. What makes it later, or removes it, leaves the score as it is.
- `due` goes by the record. Where the score is another one, it leases the record, so that nothing
  that has lowered the score can still write, and moves the score if nothing has lowered it since:
  `lowered{:BOT}` holds a token of what did so last.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from toolkit.errors import SessionBusy, SessionUndecodable
from toolkit.storage.base import UNCHANGED, Due, SharedSessionStorage
from toolkit.storage.record import bot_of, check_key, wake_at

# Returns what is due; where records have gone, their number, and is to be called again.
_DUE: Final = """
local page = redis.call(
    'ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2]
)
local gone = 0
for n = 1, #page, 2 do
    if redis.call('EXISTS', page[n]) == 0 then
        gone = gone + redis.call('ZREM', KEYS[1], page[n])
    end
end
return gone > 0 and gone or page
"""
_LOWER: Final = """
local old = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not old or tonumber(old) > tonumber(ARGV[3]) then
    redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
"""
_MOVE: Final = """
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return end
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
else
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('HDEL', KEYS[2], ARGV[1])
end
"""
_LEASE: Final = 5.0
"""Seconds for which a record is leased while its score moves."""

Run = Callable[..., Awaitable[Any]]
"""Sends a command."""


def record_name(key: str) -> str:
    """Return where the record of the key is."""
    return f"session{{:{check_key(key)}}}"


def key_of(name: bytes) -> str:
    """Return the key of the record that is there."""
    return name.decode()[len("session{:") : -1]


def index_name(key: str) -> str:
    """Return where the moments of the bot are that the key, or prefix, belongs to."""
    return f"wake{{:{bot_of(key)}}}"


def score(at: float | None) -> str:
    """Return a moment as a score, which comes back as the same number; none as empty text."""
    return "" if at is None else repr(at)


async def due_on_server(run: Run, before: float, limit: int, prefix: str) -> list[Due]:
    """Return what is due, where record and set change together."""
    page: Any = 0
    while isinstance(page, int):
        page = await run("EVAL", _DUE, 1, index_name(prefix), score(before), limit)
    return [Due(float(at), key_of(name)) for name, at in _pairs(page)]


class ClusterIndex:
    """The sorted sets of a cluster."""

    def __init__(self, storage: SharedSessionStorage, run: Run) -> None:
        self._storage = storage
        self._run = run

    async def lower(self, key: str, at: float) -> None:
        """Say that the record is about to be written, with a lease, and wants to be woken then."""
        names = index_name(key), _token_name(key), record_name(key)
        await self._run("EVAL", _LOWER, 2, *names, secrets.token_hex(8), score(at))

    async def due(self, before: float, limit: int, prefix: str) -> list[Due]:
        """Return what is due, and let scores follow their records."""
        index = index_name(prefix)
        found: dict[str, Due] = {}
        start, is_end = 0, False
        while len(found) < limit and not is_end:
            asked = (index, "-inf", score(before), "WITHSCORES", "LIMIT", start, limit)
            page = _pairs(await self._run("ZRANGEBYSCORE", *asked))
            seen = await asyncio.gather(*(self._see(*member) for member in page))
            if any(moved for _, moved in seen):
                # To where is not known: before those that have been seen, perhaps.
                start, found = 0, {}
                continue
            start, is_end = start + len(page), len(page) < limit
            found |= {due.key: due for due, _ in seen if due is not None and due.at <= before}
        return sorted(found.values(), key=lambda due: due.at)[:limit]

    async def _see(self, name: bytes, old: bytes) -> tuple[Due | None, bool]:
        """Return what the record says, and whether its score had to follow it."""
        key = key_of(name)
        try:
            at = wake_at(await self._storage.read(key) or {})
            if at != float(old) and await self._follow(key, name):
                return None, True
        except SessionUndecodable:
            # Whoever takes it out finds that, too, and moves it aside.
            at = float(old)
        return None if at is None else Due(at, key), False

    async def _follow(self, key: str, name: bytes) -> bool:
        """Let a score follow its record, unless somebody has that."""
        index, tokens = index_name(key), _token_name(key)
        token = await self._run("HGET", tokens, name) or ""
        holder = f"due {secrets.token_hex(8)}"
        try:
            lease = await self._storage.checkout(key, holder=holder, lease_for=_LEASE)
        except SessionBusy:
            return False
        at = score(wake_at(lease.value or {}))
        await self._run("EVAL", _MOVE, 2, index, tokens, name, token, at)
        await self._storage.checkin(lease, UNCHANGED)
        return True


def _token_name(key: str) -> str:
    return f"lowered{{:{bot_of(key)}}}"


def _pairs(page: list[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(page[::2], page[1::2], strict=True))
