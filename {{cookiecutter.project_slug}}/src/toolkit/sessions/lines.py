"""A line for each key that somebody holds."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from toolkit.storage.base import SessionBusy


class _Line:
    __slots__ = ("holder", "since", "waiters")

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.since = monotonic()
        self.waiters: deque[tuple[str, asyncio.Future[None]]] | None = None


class KeyLines:
    """A line for each key that somebody holds, first come first served; none where nobody does."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def enter(self, key: str, holder: str) -> bool:
        """Take ``key`` if nobody holds it; tell whether nobody did."""
        if key in self._lines:
            return False
        self._lines[key] = _Line(holder)
        return True

    async def wait(self, key: str, holder: str, patience: float) -> None:
        """Wait for ``key``. Raises `SessionBusy` when one holder keeps it ``patience`` seconds."""
        line = self._lines[key]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (holder, turn)
        if line.waiters is None:
            line.waiters = deque()
        line.waiters.append(entry)
        try:
            # The clock runs against the present holder: a long line that moves is no fault.
            while not turn.done():
                left = line.since + patience - monotonic()
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
        line.since = monotonic()
        turn.set_result(None)
