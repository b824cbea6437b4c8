"""The bot's own calls: which are worth another try, and which answers are no fault."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from aiogram import Bot
from aiogram.exceptions import (
    RestartingTelegram,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiohttp import ClientConnectorError

logger = logging.getLogger(__name__)

T = TypeVar("T")

REPEATABLE = (
    "get",
    "edit",
    "set",
    "delete",
    "pin",
    "unpin",
    "answerCallbackQuery",
    "sendChatAction",
)
"""Methods that may run twice without the user seeing it twice, by how their names begin."""

DONE_ALREADY = ("message is not modified", "query is too old and response timeout expired")
"""Refusals, in Telegram's words, after which everything is as the call wanted it."""


@dataclass(slots=True)
class Effects:
    """How many calls of one update Telegram may have carried out, reads aside."""

    calls: int = 0


effects: ContextVar[Effects | None] = ContextVar("effects_of_this_update", default=None)


class PatientBot(Bot):
    """An aiogram bot that waits out 429 and network errors.

    A 429 is repeated after its ``retry_after`` (Bot API, "ResponseParameters"). A network error is
    repeated where the request cannot have arrived, or may run twice unseen; a ``sendMessage`` whose
    answer was lost is not, it would be sent twice. At most ``tries`` tries, and ``longest`` seconds
    of waiting in all. What is done already counts as done: an edit that changes nothing, as a
    double tap asks for, and the answer to a callback query that Telegram no longer waits for.
    """

    tries = 4
    longest = 50.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How it waits; a test puts something quicker here."""

    async def __call__(self, method: TelegramMethod[T], request_timeout: int | None = None) -> T:
        """Call the Bot API. Raises aiogram's exceptions when the tries are used up."""
        _response_type(method.__returning__)
        # The poller has its own answers to a failed getUpdates.
        tries = 1 if method.__api_method__ == "getUpdates" else self.tries
        waited = 0.0
        attempt = 1
        while True:
            try:
                result = await self.session(self, method, timeout=request_timeout)
            except TelegramBadRequest as error:
                if not any(done in error.message for done in DONE_ALREADY):
                    raise
                return cast(T, True)
            except (TelegramRetryAfter, TelegramNetworkError, TelegramServerError) as error:
                if not _never_arrived(error):
                    _count(method)
                pause = _pause_before_retry(method, error, attempt)
                if pause is None or attempt == tries or waited + pause > self.longest:
                    raise
                logger.warning("%s: %s; again in %.1f s", method.__api_method__, error, pause)
                await self.sleep(pause)
                waited += pause
                attempt += 1
            else:
                _count(method)
                return result


def _count(method: TelegramMethod[Any]) -> None:
    done = effects.get()
    if done is not None and not method.__api_method__.startswith("get"):
        done.calls += 1


def _never_arrived(error: Exception) -> bool:
    """Whether the server has certainly not done what it was asked to."""
    return isinstance(error, TelegramRetryAfter | RestartingTelegram) or isinstance(
        error.__cause__, ClientConnectorError
    )


@functools.cache
def _response_type(returning: Any) -> Any:
    """Hold the type that aiogram reads an answer as.

    pydantic forgets a generic type that nobody holds, and building it anew takes milliseconds.
    """
    return Response[returning]


def _pause_before_retry(
    method: TelegramMethod[Any], error: Exception, attempt: int
) -> float | None:
    if isinstance(error, TelegramRetryAfter):
        return error.retry_after
    if _never_arrived(error) or method.__api_method__.startswith(REPEATABLE):
        return random.uniform(0.5, 1.0) * 2.0 ** (attempt - 1)  # noqa: S311 - no secret
    return None
