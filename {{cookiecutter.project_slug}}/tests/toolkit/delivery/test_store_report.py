"""What the log says at start of a store that is away, or set so that it loses records."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from toolkit.delivery import store_report

from .bots import Away, counting
from .serving import Serving


class Forgetful(Away):
    """A store on a server that forgets."""

    async def read_warnings(self) -> list[str]:
        """Return one sentence."""
        return ["this server forgets"]


async def test_a_store_that_is_away_at_start_is_one_sentence_and_the_bot_waits_for_it(
    polling: Callable[..., Serving],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(store_report, "PAUSE", 0.01)
    caplog.set_level(logging.INFO, store_report.__name__)
    store = Forgetful()
    store.away = True
    serving = polling(counting(store))
    await serving.until_polling()

    async with asyncio.timeout(20):
        while not caplog.messages:  # noqa: ASYNC110 - the log tells nobody
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        store.away = False
        while "this server forgets" not in caplog.messages:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [text for text in caplog.messages if "store" in text or "forgets" in text] == [
        "the store does not answer, and the bot waits for it: test: away",
        "the store answers",
        "this server forgets",
    ]
