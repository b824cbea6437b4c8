"""Waking for a store that does not find the records that want to be woken, in one process."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from toolkit.errors import SessionUndecodable
from toolkit.storage.base import (
    UNCHANGED,
    WAKE_AT,
    Due,
    Lease,
    SessionStorage,
    SharedSessionStorage,
    Unchanged,
    Value,
    WakingSessionStorage,
)
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.record import wake_at

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_HANDED_ON: Final = (
    *("read", "has", "read_all_keys", "close", "read_entry"),
    *("checkout", "renew", "read_warnings"),
)


def waking(store: SessionStorage) -> WakingSessionStorage:
    """Return the store where it has the verb `due`, and otherwise one around it that has."""
    return store if isinstance(store, WakingSessionStorage) else ScannedStorage(store)


class ScannedStorage:
    """A store beside an index of the moments of `wake_at`.

    The first `due` reads all records; from then on it knows what this process has written, and
    nothing of what another one writes.
    """

    read: Callable[..., Any]
    has: Callable[..., Any]
    read_all_keys: Callable[..., Any]
    close: Callable[..., Any]

    def __init__(self, store: SessionStorage) -> None:
        self.store = store
        self._index = MemorySessionStorage()
        self._is_listed = False
        # Each with a mark, by which a reader sees that the record was written meanwhile.
        self._unread: dict[str, object] = {}
        # As attributes of its own: what the store cannot do, no protocol finds here either.
        found = [verb for verb in _HANDED_ON if hasattr(store, verb)]
        vars(self).update((verb, getattr(store, verb)) for verb in found)
        if isinstance(store, SharedSessionStorage):
            self.checkin = partial(self._checkin, store)

    def __getattr__(self, name: str) -> Any:
        if name == "store":
            raise AttributeError(name)
        return getattr(self.store, name)

    async def write(self, key: str, value: Value, *, expires_in: float | None = None) -> None:
        """Store the value."""
        call = self.store.write(key, value, expires_in=expires_in)
        await self._noting(call, key, value, expires_in)

    async def delete(self, key: str) -> None:
        """Remove the record; an absent one is fine."""
        await self._noting(self.store.delete(key), key, None)

    async def add(self, key: str, value: Value, *, expires_in: float | None = None) -> bool:
        """Store the value only if the key is absent; tell whether it was stored."""
        call = self.store.add(key, value, expires_in=expires_in)
        return await self._noting(call, key, value, expires_in)

    async def _checkin(
        self,
        store: SharedSessionStorage,
        lease: Lease,
        value: Value | Unchanged | None,
        *,
        expires_in: float | None = None,
    ) -> None:
        call = store.checkin(lease, value, expires_in=expires_in)
        if value is UNCHANGED:
            await call
        else:
            await self._noting(call, lease.key, value, expires_in)

    async def due(self, before: float, limit: int, *, prefix: str = "") -> list[Due]:
        """Return the records that want to be woken until `before`, the earliest first."""
        if not self._is_listed:
            keys = [key async for key in self.store.read_all_keys()]
            self._unread.update((key, object()) for key in keys)
            self._is_listed = True
            logger.warning(
                "%s has no verb `due`: timers are found by a scan of its %d records, and work in "
                "one process only",
                *(type(self.store).__name__, len(keys)),
            )
        for key, mark in list(self._unread.items()):
            try:
                value = await self.store.read(key)
            except SessionUndecodable:
                value = None
            if self._unread.get(key) is mark:
                await self._note(key, value)
        return await self._index.due(before, limit, prefix=prefix)

    async def _noting(
        self,
        call: Awaitable[Answer],
        key: str,
        value: Value | None,
        expires_in: float | None = None,
    ) -> Answer:
        try:
            answer = await call
        except BaseException:
            # It may have been written all the same.
            self._unread[key] = object()
            raise
        if answer is not False:
            await self._note(key, value, expires_in)
        return answer

    async def _note(self, key: str, value: Value | None, expires_in: float | None = None) -> None:
        self._unread.pop(key, None)
        at = None if value is None else wake_at(value)
        if at is None:
            await self._index.delete(key)
        else:
            await self._index.write(key, {WAKE_AT: at}, expires_in=expires_in)
