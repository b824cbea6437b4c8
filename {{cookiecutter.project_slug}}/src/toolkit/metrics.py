"""Metrics for Prometheus, counted only where they are served.

prometheus-client is imported when they are: it is an extra. A bot without them pays nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache
from time import monotonic
from typing import Any, Final, get_args

from aiogram import BaseMiddleware, Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import TelegramObject, Update
from aiogram.types.update import UpdateTypeLookupError

from toolkit.app import BotApp
from toolkit.delivery.base import Outcome
from toolkit.delivery.tasks import End
from toolkit.errors import CannotServe
from toolkit.timers.events import TimerUpdate

VERBS: Final = ("read", "write", "delete", "has", "add", "checkout", "checkin", "renew", "due")

OUTAGES: Final = ("StorageUnavailable", "CancelledError")
"""What a call to a store that is away ends with. Their counters begin with 0, so that Prometheus
sees the first one as an increase."""

STORE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0)
HANDLER_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
LAG_BUCKETS: Final = (1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
"""A message has whole seconds, so that less than one tells nothing."""


def serve_metrics(app: BotApp[Any], port: int, host: str = "127.0.0.1") -> None:
    """Serve the metrics of `app` at `http://host:port/metrics` while it runs.

    They stand in the default registry of prometheus-client: what you count there is served too, and
    bots of one process are counted together. A thread of its own answers, also for a bot whose
    event loop is stuck.

    Raises `CannotServe` where prometheus-client is not installed, and at start when the port is
    taken.
    """
    try:
        from prometheus_client import start_http_server
    except ModuleNotFoundError:
        raise CannotServe(
            "METRICS_PORT needs the package prometheus-client: install the extra `metrics`, with "
            "`uv sync --inexact --extra metrics` or `pip install -e '.[metrics]'`"
        ) from None
    metrics = _metrics()
    metrics.watch(app)
    servers: list[Any] = []

    async def start() -> None:
        try:
            servers.append(start_http_server(port, host)[0])
        except (OSError, OverflowError) as error:
            words = f"METRICS_PORT: nothing can listen on {host}:{port}: {error}"
            raise CannotServe(words) from error
        metrics.apps.append(app)
        app.bot.session.middleware(metrics.count_call)

    async def stop() -> None:
        for server in servers:
            metrics.apps.remove(app)
            # It takes up to half a second.
            await asyncio.to_thread(server.shutdown)
            server.server_close()

    app.startup.register(start)
    app.shutdown.register(stop)


@cache
def _metrics() -> Metrics:
    return Metrics()


class Metrics:
    """What is counted, for all bots of the process: the registry takes no name twice."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self.apps: list[BotApp[Any]] = []
        """Those that run."""
        self.updates = Counter(
            "bot_updates",
            "Tries of updates, by what became of them: done; retried at once; failed, and comes "
            "again when the store answers; dead, set aside; throttled, dropped",
            ("kind", "outcome"),
        )
        self.dead = Counter("bot_dead_letters", "Updates that were set aside")
        self.tasks = Counter(
            "bot_tasks",
            "What tasks.start has run, by how it ended: done; failed; cut_off by a stop",
            ("outcome",),
        )
        for end in get_args(End):
            # Prometheus must see the first one as an increase.
            self.tasks.labels(end)
        self.handler = Histogram(
            "bot_handler_seconds",
            "Seconds in filters and handler, without the wait for the session and its commit",
            ("kind",),
            buckets=HANDLER_BUCKETS,
        )
        self.lag = Histogram(
            "bot_update_lag_seconds",
            "Seconds from a message's date to the begin of its handler",
            buckets=LAG_BUCKETS,
        )
        self.late = Histogram(
            "bot_timer_late_seconds",
            "Seconds from the moment of a timer to the begin of its handler",
            buckets=LAG_BUCKETS,
        )
        self.store = Histogram(
            "bot_store_seconds",
            "Seconds of calls to the store",
            ("operation",),
            buckets=STORE_BUCKETS,
        )
        self.store_errors = Counter(
            "bot_store_errors",
            "Calls to the store that raised, by what; CancelledError: it took too long",
            ("operation", "error"),
        )
        self.api_errors = Counter(
            "bot_api_errors",
            "Calls of the Bot API that were refused or failed, each try of them",
            ("method", "error"),
        )
        running = Gauge("bot_tasks_in_progress", "What tasks.start runs at present")
        running.set_function(lambda: sum(len(app.tasks.running) for app in self.apps))
        in_work = Gauge("bot_updates_in_progress", "Updates whose handler has begun")
        in_work.set_function(lambda: sum(len(tasks.begun) for tasks in self._tasks()))
        waiting = Gauge(
            "bot_updates_waiting", "Updates that wait behind another one of their session"
        )
        waiting.set_function(lambda: sum(len(tasks) - len(tasks.begun) for tasks in self._tasks()))

    def watch(self, app: BotApp[Any]) -> None:
        """Count what this bot does from now on."""
        app.on_outcome = self._note
        app.tasks.on_end = lambda end: self.tasks.labels(end).inc()
        app.update.outer_middleware(Timed(self))
        storage = app.session_storage
        for verb in VERBS:
            if (call := getattr(storage, verb, None)) is not None:
                setattr(storage, verb, self._timed(verb, call))

    async def count_call(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Count a call of the Bot API that fails: a middleware of the bot's client."""
        try:
            return await make_request(bot, method)
        except Exception as error:
            self.api_errors.labels(method.__api_method__, type(error).__name__).inc()
            raise

    def _tasks(self) -> list[Any]:
        return [app.in_work for app in self.apps if app.in_work is not None]

    def _note(self, outcome: Outcome, update: Update | None) -> None:
        self.updates.labels(kind_of(update), outcome).inc()
        if outcome == "dead":
            self.dead.inc()

    def _timed(self, verb: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        seconds = self.store.labels(verb)
        for error in OUTAGES:
            self.store_errors.labels(verb, error)

        async def timed(*arguments: Any, **options: Any) -> Any:
            begun = monotonic()
            try:
                return await call(*arguments, **options)
            except (Exception, asyncio.CancelledError) as error:
                self.store_errors.labels(verb, type(error).__name__).inc()
                raise
            finally:
                seconds.observe(monotonic() - begun)

        return timed


class Timed(BaseMiddleware):
    """Measures handlers, and how old messages are when theirs begins."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler."""
        update = event if isinstance(event, Update) else None
        message = update and (update.message or update.channel_post or update.business_message)
        if isinstance(update, TimerUpdate):
            self._metrics.late.observe(max(0.0, update.timer.late.total_seconds()))
        elif message:
            age = (datetime.now(UTC) - message.date).total_seconds()
            self._metrics.lag.observe(max(0.0, age))
        begun = monotonic()
        try:
            return await handler(event, data)
        finally:
            seconds = self._metrics.handler.labels(kind_of(update))
            seconds.observe(monotonic() - begun)


def kind_of(update: Update | None) -> str:
    """Return the type of an update, in the words of the Bot API; "unknown" for what has none."""
    try:
        return update.event_type if update else "unknown"
    except UpdateTypeLookupError:
        return "unknown"
