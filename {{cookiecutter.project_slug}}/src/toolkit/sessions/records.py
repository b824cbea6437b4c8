"""Records of the bot's own, beside the sessions: one holder at a time, one commit."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

from toolkit.sessions.checkout import Checkouts
from toolkit.storage.base import UNCHANGED, Value

_SESSION = re.compile(r"-?\d+_-?\d+")


@dataclass
class Record:
    """A record of the bot's own, checked out with `sessions.record`.

    `value` is a JSON object to be changed, `{}` where there is none yet. `expires_in` are the
    seconds that it is kept after it was written; by default it does not expire.
    """

    value: Value
    expires_in: float | None = None


@contextlib.asynccontextmanager
async def checked_out(checkouts: Checkouts, key: str, holder: str) -> AsyncIterator[Record]:
    """Have a record to oneself for a block; see `Sessions.record`."""
    if _SESSION.match(key):
        raise ValueError(f"{key} is the key of a session: use sessions.checkout({key!r})")
    held = await checkouts.take(key, holder)
    record = Record(held.value or {})
    try:
        before = copy.deepcopy(record.value)
        yield record
    except BaseException:
        await checkouts.abandon(held)
        raise
    change = UNCHANGED if record.value == before else record.value or None
    await checkouts.put(held, change, record.expires_in)
