"""Sessions, stores, a test harness and a simulator for aiogram bots.

The names here are the public ones. They are imported when first used, because aiogram takes seconds
to import and most of what lives here does without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolkit.app import BotApp, create_bot
    from toolkit.keyboards import button, confirm, menu, paginate
    from toolkit.errors import SessionReentered
    from toolkit.errors import MigrationRefused
    from toolkit.sessions.middleware import BotContext, Sessions
    from toolkit.errors import HandlerTimedOut
    from toolkit.sessions.middleware import in_step
    from toolkit.errors import NotSerializable, SessionBusy, SessionConflict, SessionTooLarge, SessionUndecodable, StorageError, StorageUnavailable
    from toolkit.storage.base import SessionStorage, SharedSessionStorage
    from toolkit.storage import open_storage
    from toolkit.storage.memory import MemorySessionStorage

__all__ = [
    "BotApp",
    "BotContext",
    "HandlerTimedOut",
    "MemorySessionStorage",
    "MigrationRefused",
    "NotSerializable",
    "SessionBusy",
    "SessionConflict",
    "SessionReentered",
    "SessionStorage",
    "SessionTooLarge",
    "SessionUndecodable",
    "Sessions",
    "SharedSessionStorage",
    "StorageError",
    "StorageUnavailable",
    "button",
    "confirm",
    "create_bot",
    "in_step",
    "menu",
    "open_storage",
    "paginate",
]

_HOMES = {
    "app": ("BotApp", "create_bot"),
    "keyboards": ("button", "confirm", "menu", "paginate"),
    "sessions.checkout": ("SessionReentered",),
    "sessions.codec": ("MigrationRefused",),
    "sessions.context": ("BotContext", "Sessions"),
    "sessions.middleware": ("HandlerTimedOut", "in_step"),
    "storage.memory": ("MemorySessionStorage",),
    "storage": (
        "NotSerializable",
        "SessionBusy",
        "SessionConflict",
        "SessionStorage",
        "SessionTooLarge",
        "SessionUndecodable",
        "SharedSessionStorage",
        "StorageError",
        "StorageUnavailable",
        "open_storage",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'toolkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"toolkit.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME_OF})
