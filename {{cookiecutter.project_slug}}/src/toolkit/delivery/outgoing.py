"""The bot's own calls: which are worth another try, and which refusals are no fault."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar, cast, get_args

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.exceptions import (
    ClientDecodeError,
    RestartingTelegram,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import Response, TelegramMethod
from aiogram.types import Message
from aiohttp import ClientConnectorError

from toolkit import clock
from toolkit.delivery.send_limits import SendLimits
from toolkit.errors import CannotServe
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

NOT_MODIFIED, TOO_OLD = "message is not modified", "query is too old and response timeout expired"
"""Refusals, in Telegram's words."""

NO_MATTER_IF_LATE = ("answerCallbackQuery", "answerInlineQuery")
"""Answers that nobody misses: the user has gone on. A payment fails without its answer."""

BACKOFF = Backoff((TelegramNetworkError, TelegramServerError), first=1.0, longest=8.0)

effects: ContextVar[list[str] | None] = ContextVar("effects_of_this_update", default=None)
"""The methods, reads excluded, that Telegram may have carried out for the current update."""

under_limits: ContextVar[bool] = ContextVar("messages_wait_for_their_turn", default=False)
"""Whether what is sent here keeps to `bot.limits`, also where other messages do not."""

MESSAGES = ("send", "copy", "forward")
"""What counts for the limits, by how the names of the methods begin."""


class RetryingBot(Bot):
    """An aiogram bot that waits out 429 and network errors.

    A 429 is repeated after its `retry_after` (Bot API, "ResponseParameters"); one that is not about
    a chat holds all calls of the bot back for as long. A network error is
    repeated where the request cannot have arrived, or may run twice unseen; a `sendMessage` whose
    answer was lost is not, it would be sent twice. At most `tries` tries, and `longest` seconds of
    waiting in all. What is done already counts as done: an edit that changes nothing, as a double
    tap asks for, and the answer to a tap or an inline query that Telegram no longer waits for. What
    was meant for a group that has become a supergroup goes there.
    """

    tries = 4
    longest = 50.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        """How it waits; a test puts something quicker here."""

        self.poll_sent: Callable[[Message], Awaitable[None]] | None = None
        """Is told of each poll that the bot has sent."""

        self.limits = SendLimits()
        """The ceilings that broadcasts keep to."""

        self.share_limits = False
        """Whether all messages of this process keep to `limits`, those of handlers too."""

        self.refused: Callable[[TelegramMethod[Any], TelegramAPIError], Awaitable[None]] | None
        self.refused = None
        """Is told of each call that was refused for good."""

        self._quiet_until = 0.0

    async def __call__(self, method: TelegramMethod[T], request_timeout: int | None = None) -> T:
        """Call the Bot API. Raises aiogram's exceptions when the tries are used up."""
        _response_type(method.__returning__)
        name = method.__api_method__
        # The poller has its own answers to a failed getUpdates.
        tries = 1 if name == "getUpdates" else self.tries
        limited = self.share_limits or under_limits.get()
        waited = 0.0

        async def call() -> T:
            nonlocal waited
            waited += await self._wait_for_quiet(method, self.longest - waited)
            if limited:
                waited += await self._wait_for_turn(method, self.longest - waited)
            result = await self.session(self, method, timeout=request_timeout)
            _note(name)
            if name == "sendPoll" and self.poll_sent is not None:
                await self.poll_sent(cast(Message, result))
            return result

        def pause(error: Exception, attempt: int) -> float | None:
            nonlocal waited
            if isinstance(error, BACKOFF.on) and not _never_arrived(error):
                _note(name)
            seconds = _pause_before_retry(name, error, attempt)
            flood = isinstance(error, TelegramRetryAfter)
            for_all = flood and (limited or _is_for_all(method))
            if for_all and seconds is not None:
                self._quiet_until = max(self._quiet_until, clock.monotonic() + seconds)
            if seconds is None or attempt == tries or waited + seconds > self.longest:
                return None
            logger.warning("%s: %s; again in %.1f s", name, error, seconds)
            if for_all:
                # The next try waits for quiet, as all other calls do.
                return 0.0
            waited += seconds
            return seconds

        try:
            return await retrying(call, pause, self.sleep)
        except (TelegramMigrateToChat, TelegramBadRequest, TelegramForbiddenError) as error:
            if self.refused is not None:
                await self.refused(method, error)
            return await self._instead(method, error, request_timeout)

    async def _instead(
        self, method: TelegramMethod[T], error: TelegramAPIError, request_timeout: int | None
    ) -> T:
        """Return what a refused call is worth all the same; raise the error where that is none."""
        if isinstance(error, TelegramMigrateToChat):
            chat = getattr(method, "chat_id", None)
            if chat is not None and chat != error.migrate_to_chat_id:
                moved = method.model_copy(update={"chat_id": error.migrate_to_chat_id})
                return await self(moved, request_timeout)
        elif TOO_OLD in error.message and method.__api_method__ in NO_MATTER_IF_LATE:
            return cast(T, True)
        elif NOT_MODIFIED in error.message and (there := _unchanged(self, method)) is not None:
            return cast(T, there)
        raise error

    async def _wait_for_turn(self, method: TelegramMethod[Any], longest: float) -> float:
        """Wait until the limits allow a message; return the seconds that calls were held back."""
        chat, waited = getattr(method, "chat_id", None), 0.0
        if chat is None or not method.__api_method__.startswith(MESSAGES):
            return waited
        several = getattr(method, "media", None) or getattr(method, "message_ids", None)
        messages = len(several) if isinstance(several, list) else 1
        await self.limits.wait(chat, messages)
        # A 429 that came meanwhile is for this one, too.
        while more := await self._wait_for_quiet(method, longest - waited):
            waited += more
            await self.limits.wait(chat, messages)
        return waited

    async def _wait_for_quiet(self, method: TelegramMethod[Any], longest: float) -> float:
        """Wait until calls are allowed again, and return how many seconds that took.

        Raises TelegramRetryAfter when it would take more than `longest`.
        """
        left = self._quiet_until - clock.monotonic()
        if left <= 0:
            return 0.0
        if left > longest:
            text = "Telegram has asked this bot to make no calls until then"
            raise _HeldBack(method, text, math.ceil(left))
        until = self._quiet_until
        await self.sleep(left)
        if self._quiet_until == until:
            self._quiet_until = 0.0
        return left


class _HeldBack(TelegramRetryAfter):
    """The call was not made, as an earlier one was told to wait."""


def pause_of(error: TelegramRetryAfter) -> float:
    """Return the seconds that Telegram wants to be left alone: at least one, at most an hour."""
    return min(max(1.0, float(error.retry_after)), 3600.0)


def unknown_token(error: Exception) -> CannotServe | None:
    """Return the end of a bot whose token Telegram does not know, if `error` says so."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return CannotServe(
            "Telegram does not know this token; ask @BotFather for the right one. With a server "
            "of your own: does TELEGRAM_API_URL point at it?"
        )
    return None


def in_short(error: Exception) -> str:
    """Return what a failed call says, without the page that a proxy may have answered with."""
    if isinstance(error, ClientDecodeError):
        return f"this is no answer of Telegram: {str(error.data)[:80]!r}"
    return str(error)


def _is_for_all(method: TelegramMethod[Any]) -> bool:
    """Tell whether a 429 to this call is meant for the bot, not for one chat."""
    return getattr(method, "chat_id", None) is None


def _note(name: str) -> None:
    done = effects.get()
    if done is not None and not name.startswith("get"):
        done.append(name)


def _never_arrived(error: Exception) -> bool:
    """Tell whether the server has certainly not done what it was asked to."""
    return isinstance(error, TelegramRetryAfter | RestartingTelegram) or isinstance(
        error.__cause__, ClientConnectorError
    )


def _unchanged(bot: Bot, method: TelegramMethod[Any]) -> Message | bool | None:
    """Return the message that an edit found as it wanted it, as far as the edit itself tells.

    What it does not tell is left out, the date is 0 as in an `InaccessibleMessage`. An edit of an
    inline message returns True, as always. None is for calls that promise something else.
    """
    kinds = get_args(method.__returning__) or (method.__returning__,)
    chat_id, message_id = getattr(method, "chat_id", None), getattr(method, "message_id", None)
    if Message not in kinds or chat_id is None or message_id is None:
        return True if bool in kinds else None
    chat: dict[str, Any] = {"id": 0, "type": ChatType.CHANNEL, "username": chat_id}
    if str(chat_id).lstrip("-").isdecimal():
        number = int(chat_id)
        kind = ChatType.SUPERGROUP if number < -(10**12) else ChatType.GROUP
        chat = {"id": number, "type": ChatType.PRIVATE if number > 0 else kind}
    told = method.model_dump(include={"text", "caption", "reply_markup", "business_connection_id"})
    fields = {"message_id": message_id, "date": 0, "chat": chat, **told}
    return Message.model_validate(fields, context={"bot": bot})


@functools.cache
def _response_type(returning: Any) -> Any:
    """Hold the type that aiogram reads an answer as.

    pydantic forgets a generic type that nothing holds, and building it anew takes milliseconds.
    """
    return Response[returning]


def _pause_before_retry(name: str, error: Exception, attempt: int) -> float | None:
    if isinstance(error, _HeldBack):
        return None
    if isinstance(error, TelegramRetryAfter):
        return pause_of(error)
    if _never_arrived(error) or name.startswith(REPEATABLE):
        return BACKOFF(error, attempt)
    return None
