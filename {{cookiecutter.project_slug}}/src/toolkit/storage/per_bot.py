"""The records of one bot in a store that may hold those of other bots too.

The first bot that uses a store owns the plain keys; its id is in the record `bots:owner`. Every
other bot has its keys under `bots:<its id>:`, and none sees those of another.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Final

from toolkit.errors import SessionUndecodable, StorageError, StorageUnavailable
from toolkit.storage.base import (
    OF_BOTS,
    OWNER,
    Due,
    Lease,
    SessionStorage,
    WakingSessionStorage,
    WarningSessionStorage,
)
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.record import check_key
from toolkit.storage.scan import waking

logger = logging.getLogger(__name__)

_VERBS: Final = (
    *("read", "write", "delete", "has", "add", "read_entry"),
    *("checkout", "checkin", "renew"),
)


def storage_of(store: SessionStorage, bot_id: int) -> SessionStorage:
    """Return what the bot is to use of the store. Nothing is read or written before its first use.

    A store in memory is there for the first bot that asks as it is.
    """
    if isinstance(store, BotStorage):
        store = store.store
    if isinstance(store, MemorySessionStorage):
        owner = vars(store).setdefault("owner", bot_id)
        return store if owner == bot_id else BotStorage(store, bot_id, owner)
    return BotStorage(waking(store), bot_id)


class BotStorage:
    """The part of a store that belongs to the bot, with all the verbs that the store has.

    Whose the plain keys are is asked before the first call, and claimed if it `claims`; `owner`
    says so where it is known.
    """

    read: Callable[..., Any]
    write: Callable[..., Any]
    delete: Callable[..., Any]
    has: Callable[..., Any]
    add: Callable[..., Any]

    def __init__(
        self, store: SessionStorage, bot_id: int, owner: int | None = None, *, claims: bool = True
    ) -> None:
        self.store = store
        self.bot_id = bot_id
        self._claims = claims
        self._prefix: str | None = None
        # As attributes of its own: what the store cannot do, no protocol finds here either.
        self._asking = {verb: partial(self._call, verb) for verb in _VERBS if hasattr(store, verb)}
        vars(self).update(self._asking)
        if isinstance(store, WarningSessionStorage):
            self.read_warnings = store.read_warnings
        if isinstance(store, WakingSessionStorage):
            self.due = partial(self._due, store)
        if owner is not None:
            self._settle(owner)

    def __getattr__(self, name: str) -> Any:
        if name == "store":
            raise AttributeError(name)
        return getattr(self.store, name)

    async def read_all_keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Iterate over the bot's live keys that start with the prefix."""
        own = await self._own_prefix()
        async for key in self.store.read_all_keys(own + check_key(prefix)):
            if own or not key.startswith(OF_BOTS):
                yield key[len(own) :]

    async def _due(self, store: WakingSessionStorage, before: float, limit: int) -> list[Due]:
        own = await self._own_prefix()
        found = await store.due(before, limit, prefix=own)
        return [Due(at, key[len(own) :]) for at, key in found]

    async def close(self) -> None:
        """Close the store."""
        await self.store.close()

    def _call(self, verb: str, what: Any, *arguments: Any, **options: Any) -> Awaitable[Any]:
        if self._prefix != "":
            return self._call_apart(verb, what, *arguments, **options)
        answer: Awaitable[Any] = getattr(self.store, verb)(what, *arguments, **options)
        return answer

    async def _call_apart(self, verb: str, what: Any, *arguments: Any, **options: Any) -> Any:
        prefix = await self._own_prefix()
        try:
            if isinstance(what, Lease):
                there: Any = what._replace(key=prefix + what.key)
            else:
                there = prefix + check_key(what)
            found = await getattr(self.store, verb)(there, *arguments, **options)
        except StorageError as error:
            if hasattr(error, "key"):
                error.key = error.key.removeprefix(prefix)
                error.args = (str(error).replace(prefix, "", 1),)
            raise
        return found._replace(key=what) if isinstance(found, Lease) else found

    async def _own_prefix(self) -> str:
        """Return what is before the bot's keys, and find it out if it is not known yet."""
        if self._prefix is not None:
            return self._prefix
        try:
            record = await self.store.read(OWNER)
            if record is None and self._claims:
                record = {"bot": self.bot_id}
                if not await self.store.add(OWNER, record):
                    record = await self.store.read(OWNER)
            return self._settle(self.bot_id if record is None else int(record["bot"]))
        except (SessionUndecodable, KeyError, TypeError, ValueError) as error:
            reason = "it says which bot the plain keys belong to, and cannot be read: delete it"
            raise StorageUnavailable(OWNER, reason) from error

    def _settle(self, owner: int) -> str:
        prefix = "" if owner == self.bot_id else f"{OF_BOTS}{self.bot_id}:"
        if prefix and self._prefix is None:
            logger.warning(
                "the store is that of bot %d: bot %d keeps its records in it apart, under %s…",
                *(owner, self.bot_id, prefix),
            )
        self._prefix = prefix
        for verb, asking in self._asking.items():
            # Whose the plain keys are has the store's own verbs, which cost nothing more.
            if not prefix and vars(self)[verb] is asking:
                setattr(self, verb, getattr(self.store, verb))
        return prefix
