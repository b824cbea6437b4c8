"""`create_bot`: a dispatcher whose handlers have sessions, and the bot that answers for it.

Over 300 lines: the arguments of everything that an owner calls are explained here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from aiogram import Bot, Dispatcher, Router
from aiogram.client.default import DefaultBotProperties
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.types import ErrorEvent, Update
from aiogram.types.base import UNSET, UNSET_TYPE
from aiogram.types.update import UpdateTypeLookupError
from aiohttp import web

from toolkit.albums import Albums
from toolkit.delivery.attempts import UpdateTasks
from toolkit.delivery.audience import Audience
from toolkit.delivery.base import Outcome
from toolkit.delivery.broadcast import Broadcast, BroadcastReport
from toolkit.delivery.broadcast_content import What
from toolkit.delivery.command_lists import Commands, command_lists, declare
from toolkit.delivery.failures import OnError, apologise, is_blocked, report, report_task
from toolkit.delivery.lazy_session import LazySession
from toolkit.delivery.outgoing import RetryingBot, effects
from toolkit.delivery.polling import Poller
from toolkit.delivery.shutdown import (
    STOP_WITHIN,
    LoopFactory,
    Work,
    close_within,
    drain,
    drain_time,
    run_until_signal,
    stop_on_signals,
)
from toolkit.delivery.store_report import store_reported
from toolkit.delivery.tasks import Tasks
from toolkit.delivery.throttle import Floods, Throttle
from toolkit.delivery.timers import DueTimers
from toolkit.delivery.webhook import HANDLER_LIMIT, WebhookServer
from toolkit.errors import SessionDeadlock
from toolkit.fsm import STRATEGIES, SessionFSMMiddleware, SessionFSMStorage
from toolkit.logs import update_in_work
from toolkit.quick_aiogram import warm_up
from toolkit.redaction import hide, redact_output
from toolkit.routers import (
    QuickRouter,
    copy_router,
    quicken,
    timer_names,
    timer_observer,
    wants_album,
)
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.codec import Migration
from toolkit.sessions.keys import SCOPES, Scope, origin_of
from toolkit.sessions.middleware import SessionErrors, SessionMiddleware, Sessions, StoreFailed
from toolkit.storage.base import SessionStorage
from toolkit.storage.memory import MemorySessionStorage
from toolkit.storage.per_bot import storage_of
from toolkit.talks.outside import Talks
from toolkit.timers.events import EVENT as TIMER

logger = logging.getLogger(__name__)

S = TypeVar("S")

HANDED_OUT = re.compile(
    "bots?|context|dispatcher|event_(chat|context|from_user|update)|fsm_storage|handler|raw_state|"
    "session_origin|state|storage|talks|tasks|timers"
)
"""Names under which handlers get something else."""

_OURS = ("bot", "handle_as_tasks", "tasks_concurrency_limit", "backoff_config", "close_bot_session")
"""What aiogram's `start_polling` takes, and is settled here."""


class BotApp(Dispatcher, QuickRouter, Generic[S]):
    """An aiogram dispatcher with sessions, together with its bot and its store.

    It takes handlers, middlewares and routers as a `Dispatcher` does; `create_bot` makes one.
    """

    def __init__(
        self,
        bot: RetryingBot,
        sessions: Sessions[S],
        *,
        scope: Scope,
        commands: Commands,
        on_error: OnError,
        handler_timeout: float,
        throttle: Throttle | None = None,
        audience: bool = False,
        **data: Any,
    ) -> None:
        fsm_storage = SessionFSMStorage(sessions, scope)
        super().__init__(storage=fsm_storage, disable_fsm=True, **data)
        self.bot = bot
        """An aiogram `Bot`, which tries again what may pass: `await app.bot.get_me()`."""
        hide(bot.token)
        self.sessions = sessions
        """The sessions of this bot, to work on outside an update."""
        self.sessions.timer_names = self.timer_names
        self._refuse_taken_names()
        self.scope = scope
        self.command_lists = command_lists(commands)
        self.routes = web.RouteTableDef()
        """What the webhook's server answers besides: `@app.routes.post("/paid")`, as in aiohttp."""
        self.on_error = on_error
        self.allowed_updates: list[str] | UNSET_TYPE | None = UNSET
        self.albums = Albums()
        self.on_outcome: Callable[[Outcome, Update | None], object] = _note_nothing
        """Is told what became of each update that was delivered; `serve_metrics` counts them."""
        self.in_work: UpdateTasks | None = None
        """The updates that are in work or wait, while the bot serves."""
        self.due_timers: DueTimers | None = None
        """What handles timers, while the bot runs."""
        self.tasks = Tasks(self._report_task)
        """Work beside the updates: `app.tasks.start(work())`."""
        self.workflow_data.setdefault("tasks", self.tasks)
        self.talks = Talks(sessions, self)
        """Begins dialogues from outside, and tells them what has happened."""
        self.workflow_data.setdefault("talks", self.talks)
        sessions.around_talk = self.talks.around
        self._floods = Floods(throttle, self) if throttle is not None else None
        # The state is in the session's record, which has to be checked out before.
        self._limits = SessionMiddleware(sessions, scope, handler_timeout)
        bot.poll_sent = self._limits.lookup.note_poll
        self.fsm = SessionFSMMiddleware(fsm_storage, self.fsm.events_isolation, STRATEGIES[scope])
        outer = self.update.outer_middleware
        # aiogram's own error handling, for which there is no session any more.
        outer.unregister(outer[0])
        outer(SessionErrors(self, (self._limits, self.fsm)))
        self.audience = Audience(sessions) if audience else None
        """The chats that a broadcast goes to, where `create_bot` was told to keep them."""
        if self.audience is not None:
            bot.refused = self.audience.note_refusal
            outer(self.audience)
        for middleware in (self._limits, self.fsm):
            outer(middleware)
        quicken(self.update)
        timer_observer(self)

    @property
    def works(self) -> list[Work]:
        """What a stop waits for besides the updates: tasks, and timers in work."""
        return [self.tasks, *([self.due_timers.tasks] if self.due_timers else [])]

    def timer_names(self) -> set[str]:
        """Return the names of the timers that have a handler."""
        return {name for router in self.chain_tail for name in timer_names(router)}

    def _refuse_taken_names(self) -> None:
        for name in {self.sessions.name, "context", "timers"} & self.workflow_data.keys():
            raise ValueError(
                f"{name} is what handlers get from this bot under that name, the session or its "
                "context: pass yours under another one, or rename the session with session_name="
            )

    @property
    def commands(self) -> dict[str, str]:
        """The commands of all lists, with their first descriptions."""
        listed = [command for each in self.command_lists for command in each.commands]
        return {command.command: command.description for command in reversed(listed)}

    @property
    def session_storage(self) -> SessionStorage:
        """What this bot has of its store, sessions and all: no other bot's records are in it."""
        return self.sessions.storage

    def session_key(self, update: Update, *, in_line: bool = False) -> str | None:
        """Return the key of the session that `update` belongs to; `None` where it has none.

        With `in_line`, only for those that wait for the session: a query that expires does not.
        """
        try:
            origin = origin_of(update)
        except UpdateTypeLookupError:
            return None
        return None if in_line and origin.expires else origin.key(self.scope)

    def include_router(self, router: Router) -> Router:
        """Attach a copy of `router`, and return it; the original stays free for other bots.

        What is registered on the original later is registered on the copy too.
        """
        return super().include_router(copy_router(router))

    def drops(self, update: Update) -> bool:
        """Count the update for `throttle`; tell whether it is one too many, and to be dropped."""
        return self._floods is not None and self._floods.drops(update)

    async def apply_update(self, bot: Bot, update: Update, **data: Any) -> Any:
        """Take one update through sessions and handlers; failures are raised, not reported.

        One that is refused as it and another want each other's session runs again, behind that.
        """
        tries = 10
        # Left set, for what is logged about the update afterwards.
        update_in_work.set((update.update_id, None))
        while True:
            try:
                return await super().feed_update(bot, update, **data)
            except StoreFailed as failed:
                raise failed.error from failed.error.__cause__
            except SessionDeadlock as error:
                tries -= 1
                if not tries:
                    raise
                logger.info("update %s runs again: %s", update.update_id, error)

    async def feed_update(
        self, bot: Bot, update: Update, *, numbered: bool = True, **data: Any
    ) -> Any:
        """Take one update through sessions and handlers.

        An update that code has made is `numbered` only if nothing else has its id: those with an id
        of Telegram's are applied once. One that is not is always applied, as are ids below 1.

        A handler's exception is logged once, told to the user by `on_error`, and raised again.
        That the user has blocked the bot is logged and forgotten.
        """
        if numbered and self.drops(update):
            return None
        if self.albums.wanted:
            self.albums.arrived(update)
        if not numbered:
            update = update.model_copy(update={"update_id": 0})
        noted, outer = effects.get(), update_in_work.get()
        token = effects.set([] if noted is None else noted)
        try:
            return await self.apply_update(bot, update, **data)
        except Exception as error:
            await self.report(error, update)
            if is_blocked(error, update):
                return None
            raise
        finally:
            effects.reset(token)
            update_in_work.set(outer)

    async def report(self, error: Exception, update: Update, *, tell: bool = True) -> None:
        """Log the failure of `update` and `tell` its user."""
        on_error = self.on_error if tell else _tell_nobody
        await report(error, update, self.session_key(update), self.bot, on_error)

    async def _report_task(self, error: Exception, update: Update | None, name: str) -> None:
        key = self.session_key(update) if update else None
        await report_task(error, name, update, key, self.bot, self.on_error)

    async def start_polling(
        self,
        *bots: Bot,
        polling_timeout: float = 30.0,
        allowed_updates: list[str] | UNSET_TYPE | None = UNSET,
        take_over: bool = False,
        stop: asyncio.Event | None = None,
        stop_within: float = STOP_WITHIN,
        handle_signals: bool = True,
        **data: Any,
    ) -> None:
        """Ask Telegram for updates and handle them until `stop` is set or a signal comes.

        - `*bots`: left out, or this app's own bot: aiogram's method has it, too.
        - `polling_timeout`: seconds that Telegram holds a request open while there is nothing new.
        - `allowed_updates`: types of updates to ask for; by default those with handlers.
        - `take_over`: remove a webhook that is set. Without it, one stops the start.
        - `stop`: an event that ends the serving when it is set.
        - `stop_within`: seconds until the end after that or a signal. Handlers have all but the
          last three of them to finish; what is left is delivered again at the next start.
        - `handle_signals`: stop at SIGTERM and Ctrl-C.
        - `**data`: passed to handlers that ask for it by name.

        Raises `CannotServe` while a webhook is set, and when Telegram does not know the token;
        `ValueError` for another bot, `TypeError` for what aiogram's method takes and this cannot.
        """
        if any(bot is not self.bot for bot in bots):
            raise ValueError("this app serves its own bot; make another app for another bot")
        self._prepare(allowed_updates, data)
        poller = Poller(
            self,
            timeout=polling_timeout,
            drain=drain_time(stop_within),
            take_over=take_over,
        )
        self.in_work = poller.tasks
        await self._serve(poller.run, stop, stop_within, handle_signals)

    def run_polling(
        self,
        *bots: Bot,
        stop_within: float = STOP_WITHIN,
        loop_factory: LoopFactory | None = None,
        **options: Any,
    ) -> None:
        """`start_polling` for a program that does nothing else, on another event loop if given."""
        options |= {"handle_signals": False, "stop_within": stop_within}
        run_until_signal(
            lambda stop: self.start_polling(*bots, stop=stop, **options), stop_within, loop_factory
        )

    async def start_webhook(
        self,
        *,
        url: str,
        secret: str | None = None,
        host: str = "0.0.0.0",  # noqa: S104 - a reverse proxy reaches it from outside
        port: int = 8080,
        max_connections: int = 40,
        allowed_updates: list[str] | UNSET_TYPE | None = UNSET,
        stop: asyncio.Event | None = None,
        stop_within: float = STOP_WITHIN,
        handle_signals: bool = True,
        **data: Any,
    ) -> None:
        """Handle updates that Telegram posts to `url`, until `stop` is set or a signal comes.

        A handler may take at most 50 seconds here. `/healthz` tells whether the store answers,
        `/readyz` whether the process takes updates.

        - `url`: the public https address that Telegram posts to.
        - `secret`: proves that a request comes from Telegram; derived from the token by default.
        - `host`: the address to listen on, without TLS, which a proxy before it adds.
        - `port`: the port to listen on.
        - `max_connections`: how many requests Telegram may have open at once, from 1 to 100.
        - `allowed_updates`: as in `start_polling`.
        - `stop`: as in `start_polling`.
        - `stop_within`: as in `start_polling`.
        - `handle_signals`: as in `start_polling`.
        - `**data`: as in `start_polling`.

        Raises `ValueError` when the URL or the secret cannot work, and `CannotServe` when Telegram
        refuses them, does not know the token, or another process sets another webhook meanwhile.
        """
        self._prepare(allowed_updates, data)
        server = WebhookServer(
            self,
            url=url,
            secret=secret,
            host=host,
            port=port,
            max_connections=max_connections,
            drain=drain_time(stop_within),
        )
        self.in_work = server.tasks
        limits = self._limits.deadlines
        limits.seconds = min(limits.seconds, HANDLER_LIMIT)
        await self._serve(server.run, stop, stop_within, handle_signals)

    def run_webhook(
        self,
        *,
        stop_within: float = STOP_WITHIN,
        loop_factory: LoopFactory | None = None,
        **options: Any,
    ) -> None:
        """`start_webhook` for a program that does nothing else, on another event loop if given."""
        options |= {"handle_signals": False, "stop_within": stop_within}
        run_until_signal(
            lambda stop: self.start_webhook(stop=stop, **options), stop_within, loop_factory
        )

    def _prepare(
        self, allowed_updates: list[str] | UNSET_TYPE | None, data: dict[str, Any]
    ) -> None:
        if refused := [name for name in _OURS if name in data]:
            words = (
                "is no option here: bot, order, limits, pauses and end are settled by the toolkit"
            )
            raise TypeError(f"{', '.join(refused)} {words}")
        self.allowed_updates = allowed_updates
        self.workflow_data |= data

    def resolve_used_update_types(self, skip_events: set[str] | None = None) -> list[str]:
        """Return the types of updates that have handlers. Telegram knows no timers."""
        return super().resolve_used_update_types({*(skip_events or ()), TIMER})

    def wanted_updates(self) -> list[str] | None:
        """Return the types of updates to ask Telegram for; `None` leaves that as it was."""
        if isinstance(self.allowed_updates, UNSET_TYPE):
            used = self.resolve_used_update_types()
            return used if self.audience is None else sorted({*used, "my_chat_member"})
        return self.allowed_updates

    async def broadcast(
        self,
        what: What,
        *,
        name: str,
        languages: Iterable[str] | None = None,
        parallel: int = 16,
        repeat_unknown: bool = False,
        progress: Callable[[BroadcastReport], object] | None = None,
    ) -> BroadcastReport:
        """Send a message to all of the audience, to each chat once, and report what became of it.

        Called again with the same name, after an end of any kind, it goes on where it was. Messages
        keep to the ceilings of `bot.limits`, and pause when Telegram wants that.

        - `what`: a text; a `Message` to be copied; a call such as `SendPhoto(chat_id=0, …)`; or an
          `async def send(chat_id)`, which may send several messages, or return a call.
        - `name`: what it is remembered by, for 30 days.
        - `languages`: only to private chats with users of these: `{"de"}` is also `de-AT`.
        - `parallel`: how many messages may be on their way at a time.
        - `repeat_unknown`: send again to those of whom it is not known whether they have it.
        - `progress`: is given the report again and again.

        Raises `BroadcastRefused`, `ValueError` where the bot keeps no audience, and what `send`
        raises, once the messages have arrived that are on their way.
        """
        if self.audience is None:
            raise ValueError("this bot keeps no audience: give create_bot audience=True")
        return await Broadcast(
            self.bot,
            self.sessions,
            self.audience,
            what,
            name=name,
            languages=languages,
            parallel=parallel,
            repeat_unknown=repeat_unknown,
            progress=progress,
        ).run()

    async def _serve(
        self,
        serve: Callable[[asyncio.Event], Awaitable[None]],
        stop: asyncio.Event | None,
        stop_within: float,
        handle_signals: bool,
    ) -> None:
        stop = stop or asyncio.Event()
        warm_up()
        signals = (
            stop_on_signals(stop, within=stop_within)
            if handle_signals
            else contextlib.nullcontext()
        )
        with signals:
            async with (
                self.running(),
                store_reported(self.sessions.checkouts),
                # Whoever serves waits for timers in work as for updates.
                self.timers_handled(stop),
            ):
                await serve(stop)

    @contextlib.asynccontextmanager
    async def timers_handled(
        self, stop: asyncio.Event, due: DueTimers | None = None
    ) -> AsyncIterator[None]:
        """Handle timers during a block, and until `stop` is set."""
        due = self.due_timers = due or DueTimers(self)
        handling = asyncio.create_task(due.run(stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait((handling,))
            await drain(0.0, due.tasks)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the bot for a block without taking updates; end it with its store afterwards.

        Startup hooks run and the command lists are declared before the block. After it tasks have
        six seconds to end, shutdown hooks run, and the bot's client and the store are closed.
        """
        redact_output()
        self.tasks.stopped = False
        self._refuse_taken_names()
        self.albums.wanted = any(
            wants_album(handler)
            for router in self.chain_tail
            for observer in (router.message, router.channel_post)
            for handler in observer.handlers
        )
        data = {"dispatcher": self, "bots": (self.bot,), "bot": self.bot, **self.workflow_data}
        try:
            await self.emit_startup(**data)
            await declare(self.bot, self.command_lists)
            yield
        finally:
            try:
                if not self.tasks.stopped:
                    await drain(drain_time(STOP_WITHIN), self.tasks)
                await close_within(2.0, "a shutdown hook", self.emit_shutdown(**data))
            finally:
                await self.close()

    async def close(self) -> None:
        """Close the bot's client, then the store; one that hangs is left behind."""
        try:
            await close_within(0.5, "the bot's client", self.bot.session.close())
        finally:
            await close_within(2.0, "the store", self.session_storage.close())


def _note_nothing(outcome: Outcome, update: Update | None) -> None:
    """Nobody counts."""


async def _tell_nobody(event: ErrorEvent, bot: Bot) -> None:
    """Leave the user alone."""


def create_bot(
    token: str,
    *,
    initial: Callable[[], S],
    storage: SessionStorage | None = None,
    scope: Scope = "chat_user",
    migrations: Mapping[int, Migration] | None = None,
    session_type: type[S] | None = None,
    expires_in: float | None = None,
    session_name: str = "session",
    record_every_update: bool = False,
    routers: Iterable[Router] = (),
    commands: Commands = (),
    on_error: OnError = apologise,
    handler_timeout: float = 60.0,
    throttle: Throttle | None = None,
    api_url: str | None = None,
    proxy_url: str | None = None,
    default: DefaultBotProperties | None = None,
    audience: bool = False,
    **data: Any,
) -> BotApp[S]:
    """Make a bot whose handlers are given a typed `session`.

    - `token`: the bot's token, from @BotFather.
    - `initial`: returns a fresh session: a dataclass, a pydantic model or a TypedDict. The class
      itself will do where each field has a default.
    - `storage`: where records are kept; by default in memory. Bots that share a store do not see
      each other's records.
    - `scope`: who shares a session: `chat_user` (each user in each chat), `chat` (all of a chat),
      `user` (one user in all chats), or `chat_user_topic` and `chat_topic`, which keep the topics
      of a forum apart (`toolkit.sessions.keys`).
    - `migrations`: maps 1, 2, … to functions that return the stored fields in their next shape. One
      with a second parameter is given the timers as well.
    - `session_type`: the type of the session, where `initial` is a lambda that returns a TypedDict.
    - `expires_in`: seconds after its last change until a session is forgotten; by default never.
    - `session_name`: the name under which handlers ask for the session.
    - `record_every_update`: store the id of an update also where its session stays as it is, so
      that no handler runs again for what is delivered twice. Each update costs a write then.
    - `routers`: the features. They are copied, so that they can be given to several bots.
    - `commands`: what Telegram offers behind `/`, declared at start: names with descriptions, or
      aiogram's `SetMyCommands` for each scope and language.
    - `on_error`: called with aiogram's `ErrorEvent` and the bot when a handler fails; by default it
      apologises to the user in a sentence.
    - `handler_timeout`: seconds after which a handler is cancelled, and nothing of it is written.
    - `throttle`: how many updates of a user are let through in a time; by default all.
    - `api_url`: a Bot API server that replaces `https://api.telegram.org`.
    - `proxy_url`: a proxy (http, socks4, socks5) that the server is reached through.
    - `default`: aiogram's defaults for calls; HTML is the parse mode unless it says otherwise.
    - `audience`: keep a record of each chat that writes to the bot, for `app.broadcast`.
    - `**data`: passed to handlers that ask for it by name.

    Raises `ValueError` or `TypeError` when an argument cannot work, before anything is opened.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {', '.join(SCOPES)}; got {scope!r}")
    if handler_timeout <= 0:
        raise ValueError(f"handler_timeout must be more than 0 seconds; got {handler_timeout!r}")
    if throttle is not None and not isinstance(throttle, Throttle):
        raise TypeError(f"throttle is like Throttle(20, per=10); got {throttle!r}")
    if not session_name.isidentifier() or HANDED_OUT.fullmatch(session_name):
        raise ValueError(f"session_name is a name of its own, like 'talk'; got {session_name!r}")
    server = TelegramAPIServer.from_base(api_url) if api_url else PRODUCTION
    bot = RetryingBot(
        token,
        session=LazySession(server, proxy_url),
        default=default or DefaultBotProperties(parse_mode="HTML"),
    )
    store = storage_of(storage if storage is not None else MemorySessionStorage(), bot.id)
    sessions = Sessions(
        store,
        initial,
        migrations=migrations,
        session_type=session_type,
        expires_in=expires_in,
        checkouts=Checkouts(store, patience=handler_timeout + 10),
        name=session_name,
        record_every_update=record_every_update,
    )
    app = BotApp(
        bot,
        sessions,
        scope=scope,
        commands=commands,
        on_error=on_error,
        handler_timeout=handler_timeout,
        throttle=throttle,
        audience=audience,
        **data,
    )
    for router in routers:
        app.include_router(router)
    return app
