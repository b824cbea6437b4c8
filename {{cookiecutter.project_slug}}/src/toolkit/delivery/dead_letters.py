"""Updates that cannot be applied, kept in the store with the reason."""

from __future__ import annotations

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from aiogram.types import Update

from toolkit.delivery.base import ServedApp
from toolkit.errors import TRANSIENT, StorageError
from toolkit.redaction import redact, redact_own
from toolkit.timers.events import TimerUpdate

logger = logging.getLogger(__name__)

PREFIX = "dead:"
KEPT_FOR = 30 * 24 * 3600.0
"""Seconds that a dead letter stays in the store."""


async def set_aside(
    app: ServedApp, name: int | str, raw: Any, error: Exception, update: Update | None = None
) -> None:
    """Keep an update that cannot be applied, with its error, under `dead:{name}`.

    `raw` is its JSON, or what came in place of it where there is no `update`.
    Neither holds the bot's token: servers were seen to send it back.

    Raises one of `TRANSIENT` while the store is away.
    """
    record = {
        "update": redact_own(raw),
        "key": app.session_key(update) if update else None,
        "error": redact("".join(traceback.format_exception(error)))[-10_000:],
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    checkouts = app.sessions.checkouts
    write = checkouts.storage.write(f"{PREFIX}{name}", record, expires_in=KEPT_FOR)
    try:
        await checkouts.bounded(write)
    except TRANSIENT:
        raise
    except StorageError:
        logger.exception("update %s can neither be applied nor stored: %s", name, raw)
    else:
        logger.error("update %s was set aside as %s%s", name, PREFIX, name)
    app.on_outcome("dead", update)


def as_json(update: Update) -> Any:
    """Return the update as Telegram sent it: `Update.model_validate` reads it back."""
    if isinstance(update, TimerUpdate):
        return update.as_json()
    return update.model_dump(mode="json", exclude_unset=True, by_alias=True)
