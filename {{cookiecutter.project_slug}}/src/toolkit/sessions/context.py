"""The session of the moment: what a handler is given, and what becomes of it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Generic, TypeVar

from toolkit.sessions.checkout import Checkouts, Held, held_by_me
from toolkit.sessions.codec import Migration, SessionCodec
from toolkit.storage.base import UNCHANGED, SessionStorage, SessionUndecodable, Unchanged, Value

S = TypeVar("S")

APPLIED_KEPT = 100
"""Update ids kept in a record. ``getUpdates`` hands out at most 100 updates beyond the last
confirmed one, so none older can come again (Bot API, "getUpdates")."""


class BotContext(Generic[S]):
    """A checked-out session: ``context.session`` reads, replaces and, with ``del``, removes it."""

    def __init__(self, held: Held, session: S, before: dict[str, Any]) -> None:
        self.key = held.key
        self.fsm: dict[str, dict[str, Any]] = (held.value or {}).get("fsm") or {}
        self.fsm_changed = False
        self._held = held
        self._before = before
        self._session: S | None = session

    @property
    def session(self) -> S:
        """The typed session. Raises `LookupError` after ``del context.session``."""
        if self._session is None:
            raise LookupError(f"the session of {self.key} was deleted by this handler")
        return self._session

    @session.setter
    def session(self, session: S) -> None:
        self._session = session

    @session.deleter
    def session(self) -> None:
        self._session = None
        self.fsm = {}

    def has_applied(self, update_id: int) -> bool:
        """Whether the effect of this update is already in the record."""
        return update_id in (self._held.value or {}).get("updates", ())


class Sessions(Generic[S]):
    """The sessions of one bot: checked out, typed, committed."""

    def __init__(
        self,
        storage: SessionStorage,
        initial: Callable[[], S],
        *,
        migrations: Mapping[int, Migration] | None = None,
        session_type: type[S] | None = None,
        expires_in: float | None = None,
        checkouts: Checkouts | None = None,
    ) -> None:
        self.storage = storage
        self.codec = SessionCodec(initial, migrations=migrations, session_type=session_type)
        self.checkouts = checkouts or Checkouts(storage)
        self.expires_in = expires_in
        self.confirmed = 0
        """Updates up to this id never come again, so records need not remember them."""
        self._open: dict[str, BotContext[S]] = {}

    @contextlib.asynccontextmanager
    async def checkout(
        self, key: str, *, holder: str = "code outside an update"
    ) -> AsyncIterator[BotContext[S]]:
        """Work on a session outside an update, a reminder for instance, as exclusively as inside.

        Leaving the block commits; leaving it by an exception writes nothing.
        """
        context = await self.begin(key, holder)
        try:
            yield context
        except BaseException:
            await self.abandon(context)
            raise
        await self.commit(context)

    def current(self, key: str) -> BotContext[S] | None:
        """The context that the running handler holds under ``key``."""
        return self._open.get(key) if held_by_me(key) else None

    async def begin(self, key: str, holder: str) -> BotContext[S]:
        """Check the session of ``key`` out; the caller owes a `commit` or an `abandon`."""
        held = await self.checkouts.take(key, holder)
        try:
            try:
                session, before = self.codec.load(key, held.value)
            except SessionUndecodable as error:
                await self.checkouts.quarantine(held, error)
                session, before = self.codec.load(key, None)
        except BaseException:
            await self.checkouts.abandon(held)
            raise
        context = self._open[key] = BotContext(held, session, before)
        return context

    async def commit(self, context: BotContext[S], update_id: int | None = None) -> None:
        """Write what changed, together with the id of the update that changed it, and release."""
        try:
            change = self._change(context, update_id)
        except BaseException:
            await self.abandon(context)
            raise
        del self._open[context.key]
        await self.checkouts.put(context._held, change, self.expires_in)

    async def abandon(self, context: BotContext[S]) -> None:
        """Write nothing, and release."""
        del self._open[context.key]
        await self.checkouts.abandon(context._held)

    def _change(self, context: BotContext[S], update_id: int | None) -> Value | Unchanged | None:
        stored = context._held.value
        if context._session is None:
            return UNCHANGED if stored is None else None
        fields = self.codec.dump(context.key, context._session, context._before)
        if fields == context._before and not context.fsm_changed:
            return UNCHANGED
        record: Value = {**(stored or {}), "session": fields}
        if context.fsm or "fsm" in record:
            record["fsm"] = context.fsm
        if self.codec.version:
            record["version"] = self.codec.version
        if update_id is not None:
            applied = [known for known in record.get("updates", ()) if known > self.confirmed]
            record["updates"] = [*applied, update_id][-APPLIED_KEPT:]
        return record
