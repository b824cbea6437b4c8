"""What is to be done when an update has ended, by what its handler has asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiogram.types import Update


class Ending(list[Callable[[bool], object]]):
    """What waits for the end of one try of `update`; it is told whether that was committed."""

    update: Update
    over = False


ending: ContextVar[Ending | None] = ContextVar("ending_of_the_update_in_work", default=None)
