"""Put the bot together: settings, storage, features."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand, BotCommandScopeChat

from bot.bookings import BookingBook
from bot.features import (
    booking,
    feedback,
    language,
    my_bookings,
    phone,
    reminders,
    start,
    visits_of_day,
)
from bot.languages import GiveTexts, languages, texts_in
from bot.notices import Notices
from bot.session import Session
from bot.settings import Settings, offline_settings
from bot.shop import load_shop
from toolkit import BotApp, SessionStorage, create_bot, keep_heartbeat, open_storage


def make_bot(
    settings: Settings | Mapping[str, Any] | None = None, *, storage: SessionStorage | None = None
) -> BotApp[Session]:
    """Return a new, independent bot. Raises `SettingsError` for what is wrong in the shop's file.

    Without a `Settings` it has no token and a store in memory; a mapping is what a spec gives.
    `storage` replaces the one of the settings.
    """
    if not isinstance(settings, Settings):
        settings = offline_settings(**(settings or {}))
    shop, token = load_shop(settings.shop_file), settings.bot_token
    app = create_bot(
        token.get_secret_value() if token else "42:offline",
        initial=Session,
        storage=storage or open_storage(settings.storage_url),
        routers=(
            feedback.router,
            phone.router,
            booking.router,
            my_bookings.router,
            reminders.router,
            visits_of_day.router,
            language.router,
            start.router,
        ),
        commands=command_lists(shop.language, settings.admin_ids),
        api_url=settings.telegram_api_url,
        proxy_url=settings.proxy_url,
    )
    app["bookings"] = BookingBook(app.sessions, shop)
    app["admins"] = settings.admin_ids
    app["notices"] = Notices(app.bot, app.sessions, settings.admin_ids, shop.language)
    app["find_text"] = lambda name, code, fields: texts_in(code).pattern(name, fields)
    app.update.outer_middleware(GiveTexts(shop.language))
    keep_heartbeat(app, settings.heartbeat_file, exit_after=settings.watchdog_seconds)
    return app


def command_lists(otherwise: str, admins: Iterable[int]) -> list[SetMyCommands]:
    """Return the commands in each language, and those for everybody else; then each admin's."""
    lists = []
    for admin in (None, *sorted(admins)):
        scope = None if admin is None else BotCommandScopeChat(chat_id=admin)
        for code, texts in languages().items():
            described = (texts.commands() if admin is None else texts.admin_commands()).items()
            commands = [BotCommand(command=name, description=does) for name, does in described]
            for_code = None if texts is texts_in(otherwise) else code
            lists.append(SetMyCommands(commands=commands, scope=scope, language_code=for_code))
    return lists
