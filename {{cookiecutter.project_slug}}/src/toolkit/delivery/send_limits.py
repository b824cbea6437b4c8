"""How many messages Telegram takes (Bot API FAQ, "My bot is hitting limits")."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict

from toolkit import clock
from toolkit.waiting import KeyedLock

SPARE = 1.02
"""Intervals are longer than they had to be by this much: messages arrive unevenly."""

CATCH_UP = 0.01
"""Seconds of lateness that are made up for: timers are not exact."""

MINUTE = 60 * SPARE


class SendLimits:
    """Ceilings for messages, those of Telegram unless they are said to be others.

    - `per_second`: messages a second to all chats together.
    - `per_chat`: messages a second to one chat.
    - `per_group`: messages a minute to one group.

    Messages wait for their turn, in order; nothing is refused.
    """

    def __init__(self, *, per_second: float = 30, per_chat: float = 1, per_group: int = 20) -> None:
        if min(per_second, per_chat, per_group) <= 0:
            raise ValueError("ceilings are numbers of messages, more than 0")
        self._interval, self._pause = SPARE / per_second, SPARE / per_chat
        self._per_group = per_group
        self._next = -math.inf
        self._sent: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = KeyedLock()

    async def wait(self, chat: int | str, messages: int = 1) -> None:
        """Wait until as many messages may go to this chat, and count them."""
        key = str(chat)
        async with self._lock.hold(key):
            await _sleep_until(self._allowed_at(key, messages))
            # One that is several needs the time of all of them before it.
            earliest = max(self._next, clock.monotonic() - CATCH_UP)
            at = earliest + (messages - 1) * self._interval
            self._next = at + self._interval
            await _sleep_until(at)
            self._note(key, messages)

    def _allowed_at(self, key: str, messages: int) -> float:
        times = self._sent.get(key)
        if not times:
            return -math.inf
        at, room = times[-1] + self._pause, max(0, self._per_group - messages)
        return max(at, times[-1 - room] + MINUTE) if len(times) > room and _is_group(key) else at

    def _note(self, key: str, messages: int) -> None:
        now = clock.monotonic()
        times = self._sent.pop(key, [])
        kept = [at for at in times if at > now - MINUTE] if _is_group(key) else []
        self._sent[key] = [*kept, *[now] * messages]
        horizon = now - max(MINUTE, self._pause)
        while self._sent[oldest := next(iter(self._sent))][-1] < horizon:
            del self._sent[oldest]


def _is_group(key: str) -> bool:
    return not key.isdecimal()


async def _sleep_until(at: float) -> None:
    left = at - clock.monotonic()
    if left > 0:
        await asyncio.sleep(left)
