"""The bot's own calls: which are worth another try, and which refusals are no fault."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    RestartingTelegram,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientConnectorError

from toolkit.waiting import Backoff, retrying

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

BACKOFF = Backoff((TelegramNetworkError, TelegramServerError), first=1.0, longest=8.0)

effects: ContextVar[list[str] | None] = ContextVar("effects_of_this_update", default=None)
"""The methods, reads excluded, that Telegram may have carried out for the current update."""


class LazySession(BaseSession):
    """aiogram's HTTP client, made at the first call.

    It reads the machine's TLS certificates, which takes 25 ms. A bot under test never calls
    Telegram, and tests make thousands of bots.
    """

    def __init__(self, api: TelegramAPIServer) -> None:
        super().__init__(api=api)
        self._opened: AiohttpSession | None = None

    @property
    def _client(self) -> AiohttpSession:
        if self._opened is None:
            self._opened = AiohttpSession(api=self.api, timeout=self.timeout)
        return self._opened

    async def make_request(
        self, bot: Bot, method: TelegramMethod[TelegramType], timeout: int | None = None
    ) -> TelegramType:
        """Call the Bot API over HTTP."""
        return await self._client.make_request(bot, method, timeout)

    async def stream_content(self, *args: Any, **options: Any) -> AsyncGenerator[bytes, None]:
        """Download a file."""
        async for chunk in self._client.stream_content(*args, **options):
            yield chunk

    async def close(self) -> None:
        """Close the connections, if any were opened."""
        if self._opened is not None:
            await self._opened.close()


class RetryingBot(Bot):
    """An aiogram bot that waits out 429 and network errors.

    A 429 is repeated after its `retry_after` (Bot API, "ResponseParameters"). A network error is
    repeated where the request cannot have arrived, or may run twice unseen; a `sendMessage` whose
    answer was lost is not, it would be sent twice. At most `tries` tries, and `longest` seconds of
    waiting in all. What is done already counts as done: an edit that changes nothing, as a double
    tap asks for, and the answer to a callback query that Telegram no longer waits for.
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
        name = method.__api_method__
        # The poller has its own answers to a failed getUpdates.
        tries = 1 if name == "getUpdates" else self.tries
        waited = 0.0

        async def call() -> T:
            result = await self.session(self, method, timeout=request_timeout)
            _note(name)
            return result

        def pause(error: Exception, attempt: int) -> float | None:
            nonlocal waited
            if isinstance(error, BACKOFF.on) and not _never_arrived(error):
                _note(name)
            seconds = _pause_before_retry(name, error, attempt)
            if seconds is None or attempt == tries or waited + seconds > self.longest:
                return None
            logger.warning("%s: %s; again in %.1f s", name, error, seconds)
            waited += seconds
            return seconds

        try:
            return await retrying(call, pause, self.sleep)
        except TelegramBadRequest as error:
            if not any(done in error.message for done in DONE_ALREADY):
                raise
            return cast(T, True)


def _note(name: str) -> None:
    done = effects.get()
    if done is not None and not name.startswith("get"):
        done.append(name)


def _never_arrived(error: Exception) -> bool:
    """Tell whether the server has certainly not done what it was asked to."""
    return isinstance(error, TelegramRetryAfter | RestartingTelegram) or isinstance(
        error.__cause__, ClientConnectorError
    )


@functools.cache
def _response_type(returning: Any) -> Any:
    """Hold the type that aiogram reads an answer as.

    pydantic forgets a generic type that nothing holds, and building it anew takes milliseconds.
    """
    return Response[returning]


def _pause_before_retry(name: str, error: Exception, attempt: int) -> float | None:
    if isinstance(error, TelegramRetryAfter):
        return error.retry_after
    if _never_arrived(error) or name.startswith(REPEATABLE):
        return BACKOFF(error, attempt)
    return None
