"""The timers of a bot in the harness: nobody else uses its store, so nothing has to be polled."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiogram.types import Update

    from toolkit.app import BotApp


def timers_handled(
    app: BotApp[Any], settle: Callable[[Update], Awaitable[object]]
) -> AbstractAsyncContextManager[None]:
    """Handle the timers of a bot, where it has handlers for some, when its clock says so."""
    from toolkit.delivery.timers import DueTimers
    from toolkit.harness.specs.plain import is_plain

    if is_plain(app) or not app.timer_names():
        return nullcontext()
    return app.timers_handled(asyncio.Event(), DueTimers(app, settle, look_every=math.inf))
