"""The life of a session: checked out, given to a handler, committed or released.

`SessionMiddleware` does this around every update. Session, FSM state, timers and the ids of applied
updates are one record, and one write commits them.

Over 300 lines: what every update goes through stands in one module, and can be read in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeVar, cast

from aiogram import BaseMiddleware, Router
from aiogram.dispatcher.event.bases import UNHANDLED, CancelHandler, SkipHandler
from aiogram.dispatcher.middlewares.error import ErrorsMiddleware
from aiogram.filters import Filter
from aiogram.fsm.storage.base import DEFAULT_DESTINY
from aiogram.methods import TelegramMethod
from aiogram.types import ErrorEvent, TelegramObject, Update

from toolkit.errors import TRANSIENT, HandlerTimedOut, SessionDeadlock, SessionUndecodable
from toolkit.logs import update_in_work
from toolkit.sessions.checkout import CheckedOut, Checkouts, held_here
from toolkit.sessions.codec import Migration, SessionCodec
from toolkit.sessions.ending import Ending, ending
from toolkit.sessions.keys import Origin, Scope, origin_of
from toolkit.sessions.lookup import Lookup
from toolkit.sessions.records import Record, checked_out
from toolkit.sessions.supergroups import Supergroups
from toolkit.storage.base import UNCHANGED, WAKE_AT, SessionStorage, Unchanged, Value
from toolkit.talks.state import FIELD as TALK
from toolkit.timers.events import Timer, TimerUpdate
from toolkit.timers.timers import FIELD, Known, Timers
from toolkit.waiting import Deadlines, on_give_up

logger = logging.getLogger(__name__)

S = TypeVar("S")
Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
AroundTalk = Callable[[Handler, TelegramObject, dict[str, Any]], Awaitable[Any]]

APPLIED_KEPT = 100
"""Update ids kept in a record. `getUpdates` hands out at most 100 updates beyond the last
confirmed one, so none older can come again (Bot API, "getUpdates")."""


TIMER_PATIENCE = 1.0
"""Seconds that a timer waits for a session that another has; it is still due a second later."""

_IDS = ("updates", "chats")


class BotContext(Generic[S]):
    """A checked-out session: `context.session` reads, replaces and, with `del`, removes it.

    Its timers stay when it is removed, until they are due or cancelled.
    """

    def __init__(
        self,
        held: CheckedOut,
        session: S,
        before: dict[str, Any],
        name: str,
        timers: Known | None = None,
    ) -> None:
        self.key = held.key
        """The key of the session, such as `12345_67890`."""
        self.name = name
        """Under which handlers get the session."""
        self.given = session
        self.fsm: dict[str, dict[str, Any]] = (held.value or {}).get("fsm") or {}
        self.fsm_changed = False
        self.timers = Timers()
        """The timers of this session, to set, move and cancel."""
        self.timers.entries = (held.value or {}).get(FIELD) or {}
        self.timers.known, self.timers.changed = timers, False
        self.talk: Value | None = (held.value or {}).get(TALK)
        """The open talk, as it is stored."""
        self.applies: list[int] = []
        """Ids of other updates that are applied by this commit."""
        self._held = held
        self._before = before
        self._session: S | None = session
        held.context = self

    @property
    def session(self) -> S:
        """The typed session. Raises `LookupError` after `del context.session`."""
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
        self.talk = None

    @property
    def is_deleted(self) -> bool:
        """Whether this handler has removed the session."""
        return self._session is None

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the session as they were read."""
        return self._before

    def require(self, found: object) -> None:
        """Raise `RuntimeError` where a handler would be given something else for its session."""
        if found is not self._session:
            raise RuntimeError(
                f"a middleware has put {type(found).__name__} where handlers find their session, "
                f"under {self.name!r}. Name one of the two otherwise: create_bot(…, "
                "session_name='talk'), and then `talk: Session` in handlers"
            )

    @property
    def raw_state(self) -> str | None:
        """The name of aiogram's present state."""
        return self.fsm.get(DEFAULT_DESTINY, {}).get("state") if self.fsm else None

    def has_applied(self, update_id: int, chat: int | None = None) -> bool:
        """Tell whether the effect of this update of a chat is already in the record."""
        record = self._held.value or {}
        if update_id in record.get("updates", ()):
            return True
        return chat is not None and record.get("chats", {}).get(str(chat)) == update_id


class Sessions(Generic[S]):
    """The sessions of one bot: `app.sessions`, or what a handler gets that asks for `sessions`.

    What is checked out nobody else has until it is committed, in no process that shares the store.
    """

    def __init__(
        self,
        storage: SessionStorage,
        initial: Callable[[], S],
        *,
        migrations: Mapping[int, Migration] | None = None,
        session_type: type[S] | None = None,
        expires_in: float | None = None,
        checkouts: Checkouts | None = None,
        name: str = "session",
        record_every_update: bool = False,
    ) -> None:
        self.storage = storage
        """Where this bot's records are kept."""
        self.name = name
        self.record_every_update = record_every_update
        self.codec = SessionCodec(initial, migrations=migrations, session_type=session_type)
        self.checkouts = checkouts or Checkouts(storage)
        self.expires_in = expires_in
        self.confirmed = 0
        """Updates up to this id never come again, so records need not remember them."""
        self.timer_names: Known | None = None
        """Returns the names for which there are handlers; by default any name will do."""
        self.around_talk: AroundTalk | None = None
        """Takes updates while a talk is open."""
        self.on_wake: Callable[[float], object] = _tell_nobody
        """Is told when a record that was committed wants to be woken, a Unix time."""
        self.known_chats: set[int] = set()
        """Chats that have a record in the audience, as far as this process knows."""

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

    @contextlib.asynccontextmanager
    async def checkout_all(
        self, *keys: str, holder: str = "code outside an update"
    ) -> AsyncIterator[list[BotContext[S]]]:
        """Work on several sessions, in the order of `keys`; what this handler holds is among them.

        They are checked out in one order everywhere, so that two who want the same ones do not
        wait for each other. Leaving the block commits one after the other, which is no transaction;
        leaving it by an exception writes nothing.
        """
        async with contextlib.AsyncExitStack() as stack:
            found: dict[str, BotContext[S]] = {}
            for key in sorted({*keys}):
                held = self.current(key)
                if held is None:
                    held = await stack.enter_async_context(self.checkout(key, holder=holder))
                found[key] = held
            yield [found[key] for key in keys]

    def record(
        self, key: str, *, holder: str = "code of the bot"
    ) -> contextlib.AbstractAsyncContextManager[Record]:
        """Work on a record of the bot's own: `async with sessions.record("day:1") as record`.

        Nobody else has it meanwhile, in no process that shares the store. Leaving the block commits
        `record.value`, where it was changed; an empty one is removed. Leaving it by an exception
        writes nothing. Raises `ValueError` for the key of a session.
        """
        return checked_out(self.checkouts, key, holder)

    def current(self, key: str) -> BotContext[S] | None:
        """Return the context that the running handler, or a task that it starts, has of `key`."""
        held = held_here(key)
        return held.context if held is not None else None

    async def begin(self, key: str, holder: str, patience: float | None = None) -> BotContext[S]:
        """Check the session of `key` out; the caller owes a `commit` or an `abandon`."""
        held = await self.checkouts.take(key, holder, patience)
        try:
            try:
                session, before = self.codec.load(key, held.value)
            except SessionUndecodable as error:
                await self.checkouts.quarantine(held, error)
                session, before = self.codec.load(key, None)
            return self._context(held, session, before)
        except BaseException:
            await self.checkouts.abandon(held)
            raise

    async def peek(self, key: str, holder: str) -> BotContext[S]:
        """Read the session of `key` while another may have it; the caller owes the same.

        A commit that changes it waits for the other, and raises `SessionConflict` where the session
        was changed meanwhile.
        """
        try:
            held = await self.checkouts.peek(key)
            session, before = self.codec.load(key, held.value)
        except SessionUndecodable:
            return await self.begin(key, holder)
        return self._context(held, session, before)

    def _context(self, held: CheckedOut, session: S, before: dict[str, Any]) -> BotContext[S]:
        context = BotContext(held, session, before, self.name, self.timer_names)
        if context.timers.entries and self.codec.version:
            entries = self.codec.timers_of(held.key, held.value or {})
            context.timers.changed = entries is not context.timers.entries
            context.timers.entries = entries
        return context

    async def commit(
        self, context: BotContext[S], update_id: int | None = None, chat: int | None = None
    ) -> None:
        """Write what changed, together with the id of the update that changed it, and release.

        Where a session has many chats, a `chat` keeps its last update beside the last of all: the
        chats of a webhook do not wait for each other.
        """
        try:
            change = self._change(context, update_id, chat)
        except BaseException:
            await self.abandon(context)
            raise
        held = context._held
        held.context = None
        if held.peeked:
            await self.checkouts.abandon(held)
            if isinstance(change, Unchanged):
                return
            held = await self.checkouts.catch_up(held, f"update {update_id}")
        wake_at = change.get(WAKE_AT) if isinstance(change, dict) else None
        # A record does not expire before the last of its timers.
        await self.checkouts.put(held, change, self.expires_in if wake_at is None else None)
        if wake_at is not None:
            self.on_wake(wake_at)

    async def abandon(self, context: BotContext[S]) -> None:
        """Write nothing, and release. A second call does nothing."""
        context._held.context = None
        await self.checkouts.abandon(context._held)

    def _change(
        self, context: BotContext[S], update_id: int | None, chat: int | None
    ) -> Value | Unchanged | None:
        stored = context._held.value
        noting = self.record_every_update and update_id is not None
        if context._session is None:
            if not (noting or context.timers.entries):
                return UNCHANGED if stored is None else None
            record = {name: ids for name, ids in (stored or {}).items() if name in _IDS}
        else:
            fields = self.codec.dump(context.key, context._session, context._before)
            changed = context.fsm_changed or bool(context.applies) or context.timers.changed
            changed = changed or context.talk != (stored or {}).get(TALK)
            if fields != context._before:
                self.codec.verify(context.key, context._session, fields)
                changed = True
            if not (changed or noting):
                return UNCHANGED
            record = {**(stored or {})}
            if changed or "session" in record:
                record["session"] = fields
        if context.fsm or "fsm" in record:
            record["fsm"] = context.fsm
        if context.timers.entries or WAKE_AT in record:
            context.timers.write_to(record)
        if context.talk is not None:
            record[TALK] = context.talk
        else:
            record.pop(TALK, None)
        if self.codec.version:
            record["version"] = self.codec.version
        if update_id is not None:
            applied = [known for known in record.get("updates", ()) if known > self.confirmed]
            record["updates"] = [*applied, update_id, *context.applies][-APPLIED_KEPT:]
            if chat is not None:
                others = {k: v for k, v in record.get("chats", {}).items() if k != str(chat)}
                recent = [*others.items(), (str(chat), update_id)]
                record["chats"] = dict(recent[-APPLIED_KEPT:])
        return record


def _tell_nobody(_: float) -> None:
    """Wake nobody."""


class StoreFailed(BaseException):
    """Carries one of `TRANSIENT` past error handlers, which must not take it for handled."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class SessionMiddleware(BaseMiddleware):
    """Gives handlers `session`, `context`, `timers`, `sessions`, `storage`; commits as they return.

    `session` has the name that `sessions` gives it.
    When the handler raises, is cancelled or takes `handler_timeout` seconds, nothing is written.
    A query that expires does not wait: it gets the session as it was committed last.
    An update whose id is already in the record is not handled again; one without an id of
    Telegram's, zero or less, always is.
    """

    def __init__(self, sessions: Sessions[Any], scope: Scope, handler_timeout: float) -> None:
        self.sessions = sessions
        self.scope = scope
        self.supergroups = Supergroups(sessions.checkouts, sessions.expires_in)
        self.lookup = Lookup(sessions.checkouts)
        self.deadlines = Deadlines(handler_timeout)
        self._abandoning: set[asyncio.Task[None]] = set()

    async def __call__(
        self,
        handler: Handler,
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler with the session of the update, and commit what it changed."""
        if not isinstance(event, Update):
            raise TypeError(f"SessionMiddleware wraps updates, not {type(event).__name__}")
        own, committed = Ending(), False
        own.update = event
        token = ending.set(own)
        try:
            result = await self._apply(handler, event, data)
            committed = True
        finally:
            ending.reset(token)
            own.over = True
            for tell in own:
                tell(committed)
        return result

    async def _apply(self, handler: Handler, event: Update, data: dict[str, Any]) -> Any:
        data["storage"] = self.sessions.storage
        data.setdefault("sessions", self.sessions)
        origin = origin_of(event)
        moves, hides = self._is_odd(event, origin)
        try:
            if moves:
                origin = await self.supergroups.follow(event, origin)
            if hides:
                origin = await self.lookup.find(event, origin, data["bot"])
        except TRANSIENT as error:
            raise StoreFailed(error) from error
        data["session_origin"] = origin
        key = origin.key(self.scope)
        update_in_work.set((event.update_id, key))
        if key is None:
            return await self._limited(handler, event, data, None)
        chat = origin.chat if self.scope == "user" else None
        # What code makes has no number of Telegram's, and many have the same.
        number = event.update_id if event.update_id > 0 else None
        try:
            timer: Timer | None = None
            if type(event) is TimerUpdate:
                timer = event.timer
                context = await self.sessions.begin(key, f"timer {timer.name}", TIMER_PATIENCE)
            else:
                begin = self.sessions.peek if origin.expires else self.sessions.begin
                context = await begin(key, f"update {event.update_id}")
        except TRANSIENT as error:
            raise StoreFailed(error) from error
        try:
            if number is not None and context.has_applied(number, chat):
                logger.info("update %d of %s was applied before", number, key)
                await self.sessions.abandon(context)
                return None
            data["context"] = context
            data["timers"] = context.timers
            data[context.name] = context.given
            if context.talk is not None and self.sessions.around_talk is not None:
                handler = partial(self.sessions.around_talk, handler)
            if timer is not None:
                handler = partial(_fire, handler, timer, context)
            result = await self._limited(handler, event, data, context)
        except BaseException:
            await self.sessions.abandon(context)
            raise
        try:
            await self.sessions.commit(context, number, chat)
        except TRANSIENT as error:
            raise StoreFailed(error) from error
        if timer is not None:
            timer.is_settled = True
        return result

    def _is_odd(self, update: Update, origin: Origin) -> tuple[bool, bool]:
        """Tell whether it may be about a group that moves, and whether it hides where it belongs.

        Here, as every update is asked, and hardly any is.
        """
        message = update.message
        if message is not None:
            told = message.migrate_to_chat_id or message.migrate_from_chat_id
            hides = message.sender_chat is not None and origin.chat == origin.user
        else:
            told = None
            tapped = update.callback_query is not None and origin.chat != origin.user
            hides = tapped or update.poll_answer is not None
        return told is not None or bool(self.supergroups.became), hides

    async def _limited(
        self,
        handler: Handler,
        event: TelegramObject,
        data: dict[str, Any],
        context: BotContext[Any] | None,
    ) -> Any:
        name = context.key if context else "an update without session"
        limit = self.deadlines.bound(partial(self._give_up, name, context, on_give_up.get()))
        late = f"the handler of {name} took longer than {self.deadlines.seconds:g} s"
        try:
            with limit:
                result = await handler(event, data)
                # A handler may return a call for the bot instead of making it.
                result = await data["bot"](result) if isinstance(result, TelegramMethod) else result
        except Exception as error:
            if limit.expired:
                raise HandlerTimedOut(late) from error
            raise
        if limit.is_over:
            raise HandlerTimedOut(late)
        return result

    def _give_up(
        self,
        name: str,
        context: BotContext[Any] | None,
        on_give_up: Callable[[asyncio.Task[Any] | None], object],
    ) -> None:
        """Let others go on beside a handler that swallows its cancellation."""
        logger.error("the handler of %s ignores its cancellation, and is left behind", name)
        if context is not None:
            task = asyncio.create_task(self.sessions.abandon(context))
            self._abandoning.add(task)
            task.add_done_callback(self._abandoning.discard)
        on_give_up(context._held.task if context else None)


async def _fire(
    handler: Handler,
    timer: Timer,
    context: BotContext[Any],
    event: TelegramObject,
    data: dict[str, Any],
) -> Any:
    """Call the handler of a timer if it is still due and not too late; then it is done with."""
    timers = context.timers
    entry = timers.entry(timer.name)
    if entry is None or entry["at"] != timer.due_at_seconds:
        logger.debug("timer %s of %s is no longer due", timer.name, timer.key)
        return None
    grace = entry.get("misfire_grace")
    result = None
    if grace is not None and timer.late.total_seconds() > grace:
        logger.warning("timer %s of %s is left out, %s late", timer.name, timer.key, timer.late)
    else:
        timers.require(timer.name)
        result = await handler(event, data)
    timers.finish(timer.name, entry)
    return result


class SessionErrors(ErrorsMiddleware):
    """Gives `@router.errors()` handlers the session as it is stored, and commits what they change.

    What the failed handler changed is gone by then. `within` are the middlewares that give a
    handler its session and state, the outermost first.
    """

    def __init__(self, router: Router, within: tuple[SessionMiddleware, BaseMiddleware]) -> None:
        super().__init__(router)
        self._within = within

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, and the error handlers when it raises."""
        try:
            return await handler(event, data)
        except (SkipHandler, CancelHandler, SessionDeadlock):
            raise
        except Exception as error:  # noqa: BLE001 - raised again where nobody handles it
            tell: Handler = partial(self._tell, error)
            listeners = (router.observers["error"] for router in self.router.chain_tail)
            if "context" not in data or not any(each.handlers for each in listeners):
                return await tell(event, data)
            for middleware in reversed(self._within):
                tell = partial(middleware, tell)
            return await tell(event, data)

    async def _tell(self, error: Exception, event: TelegramObject, data: dict[str, Any]) -> Any:
        told = ErrorEvent(update=cast(Update, event), exception=error)
        response = await self.router.propagate_event("error", told, **data)
        if response is UNHANDLED:
            raise error
        return response


class in_step(Filter):  # noqa: N801 - reads as a predicate beside aiogram's own F and Command
    """Passes when `session.step` is one of `steps`.

    `@router.message(in_step(Step.choosing_time))`
    """

    def __init__(self, *steps: Enum | str) -> None:
        if not steps:
            raise ValueError("in_step() needs at least one step")
        self.steps = steps

    async def __call__(self, event: TelegramObject, context: BotContext[Any] | None = None) -> bool:
        """Tell whether there is a session, and it is in one of the steps."""
        session = context._session if context is not None else None
        if session is None:
            return False
        step = session["step"] if isinstance(session, dict) else session.step
        return step in self.steps
