"""Pages beside the webhook: a payment's callback, a mini app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from toolkit.delivery import http_server

from .bots import counting
from .serving import Posting, Serving

Webhook = Callable[..., Awaitable[Posting]]


def with_payments() -> Any:
    app = counting()

    @app.routes.post("/paid")
    async def paid(request: web.Request) -> web.Response:
        async with app.sessions.checkout(f"{await request.text()}_5") as context:
            context.session.count += 100
        return web.Response(text="thank you")

    return app


async def post(url: str, data: Any, **options: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.post(url, data=data, **options) as answer:
        return answer.status, await answer.text()


async def test_a_route_of_the_app_changes_sessions(webhook: Webhook) -> None:
    serving = await webhook(with_payments())
    url = serving.url.replace(serving.url.rpartition("/")[2], "paid")

    assert await post(url, "5") == (200, "thank you")

    record = await serving.app.session_storage.read("5_5")
    assert record["session"]["count"] == 100
    assert await serving.post(serving.telegram.send_text(5, "hello")) == 200


async def test_a_route_has_the_limits_of_the_webhook(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "BODY_WITHIN", 0.05)
    serving = await webhook(with_payments())
    url = serving.url.replace(serving.url.rpartition("/")[2], "paid")

    async def drip() -> Any:
        yield b"5"
        await asyncio.sleep(5)

    assert (await post(url, drip()))[0] == 408
    assert (await post(url, b"x" * 1_000_001))[0] == 413
    assert (await post(url, b"x", headers={"Content-Encoding": "gzip"}))[0] == 415


@pytest.mark.parametrize("path", ["/webhook", "/healthz", "/readyz"])
async def test_a_path_of_the_webhook_is_refused(path: str) -> None:
    app = counting()

    @app.routes.get(path)
    async def shadow(request: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(ValueError, match="that path is the webhook's own"):
        await app.start_webhook(url="http://127.0.0.1:1/webhook")


async def test_polling_says_that_it_serves_no_routes(
    polling: Callable[..., Serving], caplog: pytest.LogCaptureFixture
) -> None:
    serving = polling(with_payments())
    await serving.until(lambda: serving.polls > 0)

    assert "1 routes are served by a webhook only" in caplog.text
