"""Put the bot together: settings, storage, features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.features import start
from bot.session import Session
from bot.settings import Settings, offline_settings
from toolkit import BotApp, SessionStorage, create_bot, keep_heartbeat, open_storage


def make_bot(
    settings: Settings | Mapping[str, Any] | None = None, *, storage: SessionStorage | None = None
) -> BotApp[Session]:
    """Return a new, independent bot.

    Without a `Settings` it has no token and a store in memory; a mapping is what a spec gives.
    `storage` replaces the one of the settings.
    """
    if not isinstance(settings, Settings):
        settings = offline_settings(**(settings or {}))
    token = settings.bot_token
    app = create_bot(
        token.get_secret_value() if token else "42:offline",
        initial=Session,
        storage=storage or open_storage(settings.storage_url),
        routers=(start.router,),
        commands=start.COMMANDS,
        api_url=settings.telegram_api_url,
        proxy_url=settings.proxy_url,
    )
    keep_heartbeat(app, settings.heartbeat_file, exit_after=settings.watchdog_seconds)
    return app
