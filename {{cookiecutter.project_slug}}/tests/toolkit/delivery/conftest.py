"""Starts bots that poll, or serve a webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from .serving import Posting, Serving, free_port


@pytest.fixture(autouse=True)
def _at_a_quicker_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.delivery.polling.THROTTLE", 0.01)
    monkeypatch.setattr("toolkit.delivery.polling.STORE_AFTER", 3600.0)


@pytest.fixture
def stores_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """An update in progress is stored almost at once."""
    monkeypatch.setattr("toolkit.delivery.polling.STORE_AFTER", 0.03)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has failed is tried again almost at once."""
    for name in ("attempts", "inbox", "fetching", "registration"):
        module = import_module(f"toolkit.delivery.{name}")
        monkeypatch.setattr(module, "BACKOFF", replace(module.BACKOFF, first=0.001, longest=0.002))


@pytest.fixture
async def polling() -> AsyncIterator[Callable[..., Serving]]:
    """Starts a bot that polls: `polling(app)`, or with the `telegram` of an earlier one."""
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
    """Starts a bot behind a webhook: `await webhook(app)`; the test plays Telegram's part."""
    from toolkit.harness.fake_telegram import FakeTelegram

    async with AsyncExitStack() as stack:

        async def begin(app: Any, telegram: Any = None, **options: Any) -> Posting:
            port = options.get("port") or free_port()
            serving = Posting(app, telegram or FakeTelegram(token=app.bot.token), port)
            serving.telegram.attach(app.bot)
            looked = len(serving.methods("getWebhookInfo"))
            options = {"url": serving.url, "host": "127.0.0.1", "port": port, **options}
            serving.start(app.start_webhook(stop=serving.stopping, handle_signals=False, **options))
            stack.push_async_callback(serving.stop)
            # It looks whether the webhook that it has set is there.
            await serving.until(lambda: len(serving.methods("getWebhookInfo")) > looked)
            return serving

        yield begin
