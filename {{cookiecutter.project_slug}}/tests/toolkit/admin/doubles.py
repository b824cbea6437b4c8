"""Stores that have some of the verbs only, or that outlive their closing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.storage.memory import MemorySessionStorage

PLAIN = ("read", "write", "delete", "has", "read_all_keys", "add", "close")
ALL = (*PLAIN, "checkout", "checkin", "renew", "read_entry")


class Verbs:
    """These verbs of a store and nothing else of it."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, inner: MemorySessionStorage, *verbs: str) -> None:
        for verb in verbs:
            setattr(self, verb, getattr(inner, verb))


class Lasting(MemorySessionStorage):
    """Can be opened again after it was closed, as a database can."""

    async def close(self) -> None:
        """Stay open."""
