"""Stores that fail at a chosen call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from toolkit import StorageUnavailable


class FailingStorage:
    """Passes the plain verbs on to `inner`, and fails at the calls that `when` picks.

    `how`: "refused" does nothing, "lost" does it but loses the answer; "hangs" and "hangs after"
    are the same without ever answering.
    """

    def __init__(self, inner: Any, when: Callable[[int], bool], how: str) -> None:
        self.inner = inner
        self.calls = 0
        self.failures = 0
        self._when = when
        self._how = how

    async def _call(self, verb: str, *args: Any, **options: Any) -> Any:
        self.calls += 1
        fails = self._when(self.calls)
        self.failures += fails
        if not fails or self._how in ("lost", "hangs after"):
            result = await getattr(self.inner, verb)(*args, **options)
        if fails and self._how.startswith("hangs"):
            await asyncio.Event().wait()
        if fails:
            raise StorageUnavailable("test", f"{verb} was {self._how}")
        return result

    async def read(self, key: str) -> Any:
        """As in the protocol, like all that follow."""
        return await self._call("read", key)

    async def write(self, key: str, value: Any, *, expires_in: float | None = None) -> None:
        await self._call("write", key, value, expires_in=expires_in)

    async def delete(self, key: str) -> None:
        await self._call("delete", key)

    async def has(self, key: str) -> Any:
        return await self._call("has", key)

    async def add(self, key: str, value: Any, *, expires_in: float | None = None) -> Any:
        return await self._call("add", key, value, expires_in=expires_in)

    def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        keys: AsyncIterator[str] = self.inner.read_all_keys(prefix)
        return keys

    async def close(self) -> None:
        """Leave the store open, to be looked at."""


class FailingSharedStorage(FailingStorage):
    """The same with leases."""

    async def checkout(self, key: str, *, holder: str, lease_for: float) -> Any:
        return await self._call("checkout", key, holder=holder, lease_for=lease_for)

    async def checkin(self, lease: Any, value: Any, *, expires_in: float | None = None) -> None:
        await self._call("checkin", lease, value, expires_in=expires_in)

    async def renew(self, lease: Any, *, lease_for: float) -> None:
        await self._call("renew", lease, lease_for=lease_for)


class Crash(BaseException):
    """The process ends here."""


class MortalStorage(FailingSharedStorage):
    """Ends the process at a chosen call, before or after it took effect; then nothing works."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner, when=lambda call: False, how="refused")
        self.dies_in: int | None = None
        self.dies_after = False

    async def _call(self, verb: str, *args: Any, **options: Any) -> Any:
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0 or (self.dies_in == 0 and not self.dies_after):
                raise Crash
        result = await super()._call(verb, *args, **options)
        if self.dies_in == 0:
            raise Crash
        return result
