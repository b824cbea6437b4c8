"""What happens when an update fails: one log record, one sentence to the user."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError
from aiogram.types import CallbackQuery, ErrorEvent, InaccessibleMessage, Message, Update

from toolkit.delivery.outgoing import effects
from toolkit.errors import (
    TRANSIENT,
    HandlerInterrupted,
    HandlerTimedOut,
    SessionBusy,
    SessionConflict,
    StorageUnavailable,
)
from toolkit.sessions.keys import origin_of

logger = logging.getLogger(__name__)

OnError = Callable[[ErrorEvent, Bot], Awaitable[None]]

SORRY = "Something went wrong, and I could not finish this. Please try again, or send /start."
HALFWAY = (
    "Something went wrong, and part of this may be done. Please check before you try again, "
    "or send /start."
)
STORE_DOWN = "I cannot reach my notes right now. I will go on with this in a moment."
INTERRUPTED = "I was interrupted while I worked on this. Please check what is done, and try again."
BUSY = "I am still working on your last message. Please try again in a moment."


async def apologise(event: ErrorEvent, bot: Bot) -> None:
    """Tell the user in one sentence, and answer the callback query: its button must stop spinning.

    Nobody here knows what the handler did elsewhere, so that no text says that nothing was done.
    The exception's own text never leaves the log.
    """
    error = event.exception
    if isinstance(error, StorageUnavailable | SessionConflict):
        text = STORE_DOWN
    elif isinstance(error, SessionBusy):
        text = BUSY
    elif isinstance(error, HandlerInterrupted):
        text = INTERRUPTED
    elif isinstance(error, HandlerTimedOut) or effects.get():
        text = HALFWAY
    else:
        text = SORRY
    query = event.update.callback_query
    if query is not None:
        with contextlib.suppress(TelegramAPIError):
            await bot.answer_callback_query(
                query.id, text if isinstance(error, TRANSIENT) else None
            )
        if isinstance(error, TRANSIENT):
            # The tap is tried again by itself, perhaps in several processes: one notice is enough.
            return
    await say(event.update, text, bot)


async def say(update: Update, text: str, bot: Bot) -> None:
    """Send a plain text where the answer to the update belongs, if it says where that is."""
    message = _where_to_answer(update)
    if message is not None:
        await bot.send_message(
            message.chat.id,
            text,
            message_thread_id=message.message_thread_id if message.is_topic_message else None,
            business_connection_id=message.business_connection_id,
            parse_mode=None,
        )


async def report(
    error: Exception, update: Update, key: str | None, bot: Bot, on_error: OnError
) -> None:
    """Log `error` once, with update id, session key and traceback; `on_error` tells the user.

    A user who blocked the bot is no crash: that is logged in one line only.
    """
    if is_blocked(error, update):
        logger.info("update %s of %s: %s", update.update_id, key, error)
        return
    if isinstance(error, TRANSIENT):
        logger.error("update %s of %s was not applied: %s", update.update_id, key, error)
    else:
        logger.error("update %s of %s failed", update.update_id, key, exc_info=error)
    await _tell(error, update, bot, on_error)


async def report_task(
    error: Exception, name: str, update: Update | None, key: str | None, bot: Bot, on_error: OnError
) -> None:
    """Log the `error` of a task once; `on_error` tells the user whose `update` has started it."""
    words = f"the task {name}"
    if update is not None:
        words += f" of update {update.update_id} of {key}"
    if update is not None and is_blocked(error, update):
        logger.info("%s: %s", words, error)
        return
    if isinstance(error, HandlerInterrupted):
        logger.error("%s did not end: %s", words, error)
    else:
        logger.error("%s failed", words, exc_info=error)
    if isinstance(error, TRANSIENT):
        # An update goes on when that has passed, a task does not.
        interrupted = HandlerInterrupted(f"the task {name} could not go on")
        interrupted.__cause__ = error
        error = interrupted
    if update is not None:
        await _tell(error, update, bot, on_error)


async def _tell(error: Exception, update: Update, bot: Bot, on_error: OnError) -> None:
    try:
        await on_error(ErrorEvent(update=update, exception=error), bot)
    except TelegramAPIError as unreachable:
        logger.warning("the user of update %s was not told: %s", update.update_id, unreachable)
    except Exception:
        logger.exception("on_error itself failed on update %s", update.update_id)


def is_blocked(error: Exception, update: Update) -> bool:
    """Tell whether the update's own chat refuses the bot, so that nobody waits for an answer.

    A 403 about any other chat is a failure like others.
    """
    if not isinstance(error, TelegramForbiddenError):
        return False
    origin, request = origin_of(update), update.chat_join_request
    own = origin.user if origin.chat is None else origin.chat
    refused = str(getattr(error.method, "chat_id", ""))
    # A bot that is asked to let somebody join may write to them (Bot API, "ChatJoinRequest").
    return refused in (str(own), str(request.user_chat_id if request else own))


def _where_to_answer(update: Update) -> Message | None:
    source: Message | CallbackQuery | InaccessibleMessage | None = (
        update.message or update.business_message or update.callback_query
    )
    if isinstance(source, CallbackQuery):
        source = source.message
    return source if isinstance(source, Message) else None
