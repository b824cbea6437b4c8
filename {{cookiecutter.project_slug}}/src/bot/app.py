"""Put the bot together: settings, storage, features."""

from __future__ import annotations

from bot.bookings import BookingBook, Clock, utc_now
from bot.features import booking, my_bookings, start
from bot.session import Session
from bot.settings import Settings
from toolkit import BotApp, SessionStorage, create_bot, keep_heartbeat, open_storage


def make_bot(
    settings: Settings | None = None,
    *,
    storage: SessionStorage | None = None,
    now: Clock = utc_now,
) -> BotApp[Session]:
    """Return a new, independent bot; without settings, one with no token and a store in memory.

    `storage` replaces the one of the settings, `now` is the clock that bookings go by.
    """
    if storage is None:
        storage = open_storage(settings.storage_url if settings else "memory:")
    token = settings.bot_token if settings else None
    app = create_bot(
        token.get_secret_value() if token else "42:offline",
        initial=Session,
        storage=storage,
        routers=(booking.router, my_bookings.router, start.router),
        commands=start.COMMANDS,
        api_url=settings.telegram_api_url if settings else None,
        proxy_url=settings.proxy_url if settings else None,
    )
    app["bookings"] = BookingBook(app.session_storage, now=now)
    if settings:
        keep_heartbeat(app, settings.heartbeat_file, exit_after=settings.watchdog_seconds)
    return app
