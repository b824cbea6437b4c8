"""What aiogram does otherwise while the harness puts a plain bot together.

A token does not matter, and `start_polling` does what the harness wants, instead of polling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from aiogram import Bot, Dispatcher

from toolkit.delivery.outgoing import RetryingBot

TOKEN = "42:offline"  # noqa: S105 - a placeholder; only its number shows, as the bot's id

Polls = Callable[[Dispatcher, tuple[Bot, ...], dict[str, Any]], Any]


class Polled(BaseException):
    """A function has come to `start_polling`; its arguments are the dispatcher, bots, options."""


def refuse(dispatcher: Dispatcher, bots: tuple[Bot, ...], options: dict[str, Any]) -> Any:
    """End the function that polls."""
    raise Polled(dispatcher, bots, options)


@dataclass(frozen=True)
class _Making:
    polls: Polls
    made: Callable[[Bot], object]


_making: ContextVar[_Making | None] = ContextVar("a_plain_bot_is_being_made", default=None)


@contextmanager
def making(polls: Polls = refuse, made: Callable[[Bot], object] = id) -> Iterator[None]:
    """Have bots made without a token in this block, and in the tasks that it starts.

    `polls` is what `start_polling` does; `made` is called with each bot.
    """
    token = _making.set(_Making(polls, made))
    try:
        yield
    finally:
        _making.reset(token)


def _hook_into_aiogram() -> None:
    begin, poll = Bot.__init__, Dispatcher.start_polling

    def __init__(self: Bot, token: str, *args: Any, **options: Any) -> None:  # noqa: N807
        now = None if isinstance(self, RetryingBot) else _making.get()
        begin(self, TOKEN if now else token, *args, **options)
        if now:
            now.made(self)

    def start_polling(self: Dispatcher, *bots: Bot, **options: Any) -> Any:
        now = _making.get()
        return now.polls(self, bots, options) if now else poll(self, *bots, **options)

    Bot.__init__ = __init__  # type: ignore[method-assign]
    Dispatcher.start_polling = start_polling  # type: ignore[method-assign]


_hook_into_aiogram()
