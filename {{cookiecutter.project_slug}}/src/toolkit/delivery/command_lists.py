"""The commands that Telegram offers: one list for everybody, or one per scope and language."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import SetMyCommands
from aiogram.types import BotCommand

from toolkit.delivery.outgoing import in_short, unknown_token

logger = logging.getLogger(__name__)

Commands = Mapping[str, str] | Iterable[SetMyCommands]
"""Names with descriptions, or the calls that declare them (Bot API, "setMyCommands")."""


def command_lists(commands: Commands) -> list[SetMyCommands]:
    """Return the calls that declare these commands. Raises TypeError for anything else."""
    if isinstance(commands, Mapping):
        names = [BotCommand(command=name, description=says) for name, says in commands.items()]
        return [SetMyCommands(commands=names)] if names else []
    lists = list(commands)
    for each in lists:
        if not isinstance(each, SetMyCommands):
            raise TypeError(
                "commands are a dict of names and descriptions, or a list of SetMyCommands (one "
                f"per scope and language); got {each!r} in it"
            )
    return lists


async def declare(bot: Bot, lists: Iterable[SetMyCommands]) -> None:
    """Declare them. Raises `CannotServe` when Telegram does not know the token."""
    for each in lists:
        try:
            await bot(each)
        except AiogramError as error:
            if hopeless := unknown_token(error):
                raise hopeless from error
            words = "a command list was not sent, it stays as it was: %s"
            logger.warning(words, in_short(error))
            if isinstance(error, (TelegramNetworkError, TelegramRetryAfter)):
                return  # the others would not get there either, and the bot is to start
