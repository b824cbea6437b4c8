"""FakeTelegram: an in-process Bot API server that refuses what Telegram refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolkit.harness.fake_telegram.errors import ApiError, NetworkFailure
from toolkit.harness.fake_telegram.faults import Faults
from toolkit.harness.fake_telegram.methods import run
from toolkit.harness.fake_telegram.payload import plain
from toolkit.harness.fake_telegram.request import Request, Upload
from toolkit.harness.fake_telegram.users import Users
from toolkit.harness.types import Json

if TYPE_CHECKING:
    from aiogram import Bot

calling: ContextVar[bool] = ContextVar("a_call_of_the_bot_is_being_done", default=False)
"""Whether what happens now is done by a call of the bot, not by a user."""


@dataclass(frozen=True)
class Call:
    """One call the bot made: the resolved `payload`, and its `result` or its `error`."""

    method: str
    payload: Json
    result: Any
    error: ApiError | NetworkFailure | None
    at: float


class FakeTelegram(Users):
    """A Telegram server in this process: `call` is the bot's side, the rest is what users do.

    What a user does returns the update that the bot has to be given for it. `keep_calls` bounds the
    list of calls (None keeps all). The other options are `token`, the bot's; `clock`, a function
    that returns the time in seconds; `history`, the messages kept per chat; `query_lifetime`, the
    seconds for which a tap can be answered; `first_message_id` and `first_update_id`.
    """

    def __init__(self, *, keep_calls: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.calls: list[Call] = []
        """The calls that the bot made: `method`, `payload`, `result`, `error`, and when (`at`)."""
        self.call_count = 0
        """How many calls the bot made, also where not all are kept."""
        self.faults = Faults()
        """What goes wrong: the failures that the next calls meet."""
        self._keep_calls = keep_calls

    def attach(self, bot: Bot, *, waits: bool = False) -> None:
        """Let an aiogram bot talk to this server from now on, without sockets.

        Unless it `waits`, it retries a call at once, after a 429 for instance. Request middlewares
        of its session go on running; what a subclass of a session does itself does not.
        """
        from toolkit.harness.fake_telegram.transport import FakeSession

        bot.session = FakeSession(self.call, self, bot.session)
        if not waits:
            vars(bot)["sleep"] = _no_sleep

    async def call(
        self, method: str, params: Mapping[str, Any], files: Mapping[str, Upload] | None = None
    ) -> Any:
        """Do what the Bot API method does; return its JSON result.

        `params` may hold plain JSON or the text that an HTTP client sends; `files` are the parts
        that `attach://name` values refer to. Raise ApiError or NetworkFailure.
        """
        payload = plain(params)
        result: Any = None
        error: ApiError | NetworkFailure | None = None
        try:
            fault = self.faults.take(method, payload) if self.faults.rules else None
            if fault is None:
                result = await _do(Request(self, method, payload, files or {}))
            else:
                if fault.delay:
                    await asyncio.sleep(fault.delay)
                if fault.error is None or fault.applied:
                    result = await _do(Request(self, method, payload, files or {}))
                if fault.error is not None:
                    raise fault.error.with_traceback(None)
        except (ApiError, NetworkFailure) as failure:
            error = failure
            raise
        finally:
            self._record(Call(method, payload, result, error, self.clock()))
        return result

    def _record(self, call: Call) -> None:
        self.call_count += 1
        if self._keep_calls != 0:
            self.calls.append(call)
            if self._keep_calls is not None and len(self.calls) >= 2 * self._keep_calls:
                del self.calls[: -self._keep_calls]
        self.notify("call", call.payload.get("chat_id"), call)


async def _do(request: Request) -> Any:
    token = calling.set(True)
    try:
        return await run(request)
    finally:
        calling.reset(token)


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)
