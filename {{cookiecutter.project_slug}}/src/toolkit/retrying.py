"""The one way to try again what has failed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """Growing pauses after errors of the kinds `on`; calling it with any other error gives `None`.

    The pause is in seconds, at random between half and all of `first`, `2 * first`, … up to
    `longest`, so that clients of one server do not come back at the same time.
    """

    on: tuple[type[Exception], ...]
    first: float = 1.0
    longest: float = 30.0

    def __call__(self, error: Exception, attempt: int) -> float | None:
        """Return the pause after the failed `attempt`, which counts from 1."""
        if not isinstance(error, self.on):
            return None
        whole = min(self.first * 2.0 ** min(attempt - 1, 32), self.longest)
        return random.uniform(0.5, 1.0) * whole  # noqa: S311 - no secret


async def retrying(
    work: Callable[[], Awaitable[T]],
    pause: Callable[[Exception, int], float | None],
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> T:
    """Await `work()` again and again until it returns.

    `pause` is given each error and the number of the failed attempt; it returns the seconds to wait
    before the next one, or `None` where there is none. The error is raised then, and also when
    `sleep` returns something true.
    """
    attempt = 1
    while True:
        try:
            return await work()
        except Exception as error:
            seconds = pause(error, attempt)
            if seconds is None or await sleep(seconds):
                raise
        attempt += 1


async def sleep_unless(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but not longer than until `stop` is set; tell whether it is."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()
