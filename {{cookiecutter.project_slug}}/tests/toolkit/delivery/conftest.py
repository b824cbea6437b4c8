"""Starts bots that poll, or serve a webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from .serving import Posting, Serving, free_port


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.delivery.polling.GLANCE", 0.01)
    monkeypatch.setattr("toolkit.delivery.polling.PARK_AFTER", 3600.0)


@pytest.fixture
def parks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update in work is parked almost at once."""
    monkeypatch.setattr("toolkit.delivery.polling.PARK_AFTER", 0.03)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has failed is tried again almost at once."""
    from aiogram.utils.backoff import BackoffConfig

    quick = BackoffConfig(min_delay=0.001, max_delay=0.002, factor=1.5, jitter=0.0)
    for module in ("attempts", "parking", "polling", "webhook"):
        monkeypatch.setattr(f"toolkit.delivery.{module}.BACKOFF", quick)


@pytest.fixture
async def polling() -> AsyncIterator[Callable[..., Serving]]:
    """Starts a bot that polls: ``polling(app)``, or with the ``telegram`` of an earlier one."""
    from toolkit.harness.fake_telegram import FakeTelegram

    async with AsyncExitStack() as stack:

        def begin(app: Any, telegram: Any = None, **options: Any) -> Serving:
            serving = Serving(app, telegram or FakeTelegram(token=app.bot.token))
            serving.telegram.attach(app.bot)
            serving.start(app.start_polling(stop=serving.stopping, handle_signals=False, **options))
            stack.push_async_callback(serving.stop)
            return serving

        yield begin


@pytest.fixture
async def webhook() -> AsyncIterator[Callable[..., Any]]:
    """Starts a bot behind a webhook: ``await webhook(app)``; the test plays Telegram's part."""
    from toolkit.harness.fake_telegram import FakeTelegram

    async with AsyncExitStack() as stack:

        async def begin(app: Any, telegram: Any = None, **options: Any) -> Posting:
            port = free_port()
            serving = Posting(app, telegram or FakeTelegram(token=app.bot.token), port)
            serving.telegram.attach(app.bot)
            options = {"url": serving.url, "host": "127.0.0.1", "port": port, **options}
            serving.start(app.start_webhook(stop=serving.stopping, handle_signals=False, **options))
            stack.push_async_callback(serving.stop)
            await serving.until(lambda: serving.telegram.updates.webhook)
            return serving

        yield begin
