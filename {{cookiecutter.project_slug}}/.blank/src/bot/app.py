"""Put the bot together: settings, storage, features."""

from __future__ import annotations

from bot.features import start
from bot.session import Session
from bot.settings import Settings
from toolkit import BotApp, SessionStorage, create_bot, keep_heartbeat, open_storage


def make_bot(
    settings: Settings | None = None, *, storage: SessionStorage | None = None
) -> BotApp[Session]:
    """Return a new, independent bot; without settings, one with no token and a store in memory.

    `storage` replaces the one of the settings.
    """
    if storage is None:
        storage = open_storage(settings.storage_url if settings else "memory:")
    token = settings.bot_token if settings else None
    app = create_bot(
        token.get_secret_value() if token else "42:offline",
        initial=Session,
        storage=storage,
        routers=(start.router,),
        commands=start.COMMANDS,
        api_url=settings.telegram_api_url if settings else None,
        proxy_url=settings.proxy_url if settings else None,
    )
    if settings:
        keep_heartbeat(app, settings.heartbeat_file, exit_after=settings.watchdog_seconds)
    return app
