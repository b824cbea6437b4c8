"""A line for each key that somebody holds."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from toolkit.storage.base import SessionBusy


@dataclass(slots=True)
class _Line:
    holder: str
    since: float
    waiters: deque[tuple[str, asyncio.Future[None]]] = field(default_factory=deque)


class KeyLines:
    """A line for each key that somebody holds, first come first served; none where nobody does."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    async def enter(self, key: str, holder: str, patience: float) -> None:
        """Wait for ``key``. Raises `SessionBusy` when one holder keeps it ``patience`` seconds."""
        loop = asyncio.get_running_loop()
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = _Line(holder, loop.time())
            return
        turn: asyncio.Future[None] = loop.create_future()
        entry = (holder, turn)
        line.waiters.append(entry)
        try:
            # The clock runs against the present holder: a long line that moves is no fault.
            while not turn.done():
                left = line.since + patience - loop.time()
                if left <= 0:
                    raise SessionBusy(key, line.holder)
                await asyncio.wait((turn,), timeout=left)
        except BaseException:
            if turn.done():
                self.leave(key)
            else:
                line.waiters.remove(entry)
            raise

    def leave(self, key: str) -> None:
        """Give ``key`` to the next in line."""
        line = self._lines[key]
        if not line.waiters:
            del self._lines[key]
            return
        line.holder, turn = line.waiters.popleft()
        line.since = turn.get_loop().time()
        turn.set_result(None)
