"""What a bot counts for Prometheus, as Prometheus would read it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiogram.types import Message
from prometheus_client.parser import text_string_to_metric_families

from toolkit import CannotServe, Timer, create_bot, on_timer, serve_metrics

from .bots import TOKEN, Away, Session, counting
from .serving import Serving, free_port

Polling = Callable[..., Serving]
DONE = {"kind": "timer", "outcome": "done"}


class Counted:
    """The samples of one look, less those of an earlier one."""

    def __init__(self, text: str, before: Counted | None = None) -> None:
        self.before = before
        self.samples: dict[tuple[Any, ...], float] = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        sample = (name, *sorted(labels.items()))
        earlier = self.before.samples.get(sample, 0.0) if self.before else 0.0
        return self.samples.get(sample, 0.0) - earlier


async def look(port: int, before: Counted | None = None) -> Counted:
    """Do what Prometheus does every few seconds."""
    url = f"http://127.0.0.1:{port}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return Counted(await response.text(), before)


def failing() -> Any:
    """A bot that fails at "bad", and at "odd" once."""
    app = create_bot(TOKEN, initial=Session)
    odd: list[Message] = []

    @app.message()
    async def answer(message: Message) -> None:
        if message.text == "odd":
            odd.append(message)
        if message.text == "bad" or len(odd) == 1:
            raise ValueError("a mistake")
        await message.answer("well")

    return app


async def test_updates_are_counted_by_kind_and_by_what_became_of_them(polling: Polling) -> None:
    port, app = free_port(), failing()
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    for text in ("hello", "odd", "bad"):
        serving.telegram.send_text(1, text)
    await serving.until_confirmed()
    counted = await look(port, before)
    outcomes = {"done": 2, "retried": 1 + 2, "dead": 1, "failed": 0}
    for outcome, number in outcomes.items():
        assert counted("bot_updates_total", kind="message", outcome=outcome) == number
    assert counted("bot_dead_letters_total") == 1
    tries = 1 + 2 + 3
    assert counted("bot_handler_seconds_count", kind="message") == tries
    assert counted("bot_update_lag_seconds_count") == tries
    assert counted("bot_update_lag_seconds_bucket", le="60.0") == tries


async def test_a_store_that_is_away_shows(polling: Polling, no_backoff: None) -> None:
    store, port = Away(), free_port()
    app = counting(store)
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    away = {"operation": "checkout", "error": "StorageUnavailable"}
    # Prometheus must see the first one as an increase.
    assert ("bot_store_errors_total", *sorted(away.items())) in before.samples
    store.away = True
    serving.telegram.send_text(1, "hello")
    await serving.until(lambda: any("cannot reach" in text for text in serving.texts))
    store.away = False
    await serving.until_answered("1 from 1")
    await serving.until_confirmed()
    counted = await look(port, before)
    assert counted("bot_store_errors_total", **away) >= 1
    assert counted("bot_updates_total", kind="message", outcome="failed") >= 1
    assert counted("bot_updates_total", kind="message", outcome="done") == 1
    assert counted("bot_store_seconds_count", operation="checkin") == 1
    assert counted("bot_dead_letters_total") == 0


async def test_tasks_are_counted_by_how_they_ended(polling: Polling) -> None:
    port, app, forever = free_port(), counting(), asyncio.Event()
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    assert ("bot_tasks_total", ("outcome", "failed")) in before.samples

    async def fail() -> None:
        raise ValueError("a mistake")

    app.tasks.start(forever.wait())
    await app.tasks.start(asyncio.sleep(0))
    with pytest.raises(ValueError, match="a mistake"):
        await app.tasks.start(fail())
    counted = await look(port, before)
    assert counted("bot_tasks_in_progress") == 1
    ended = {end: counted("bot_tasks_total", outcome=end) for end in ("done", "failed", "cut_off")}
    assert ended == {"done": 1, "failed": 1, "cut_off": 0}
    forever.set()


async def test_what_is_in_work_and_what_waits_shows(polling: Polling) -> None:
    port, app = free_port(), counting()
    serve_metrics(app, port)
    serving = polling(app)
    for text in ("hang", "hello", "hello"):
        serving.telegram.send_text(1, text)
    await app["begun"].wait()
    # Both are fetched with the first one or soon after it.
    await serving.until(lambda: app.in_work is not None and len(app.in_work) == 3)
    counted = await look(port)
    assert (counted("bot_updates_in_progress"), counted("bot_updates_waiting")) == (1, 2)
    app["go"].set()
    await serving.until_confirmed()
    counted = await look(port)
    assert (counted("bot_updates_in_progress"), counted("bot_updates_waiting")) == (0, 0)


async def test_calls_that_telegram_refuses_are_counted(polling: Polling) -> None:
    port, app = free_port(), counting()
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    serving.telegram.faults.too_many_requests(1, "sendMessage")
    serving.telegram.send_text(1, "hello")
    await serving.until_answered("1 from 1")
    counted = await look(port, before)
    assert counted("bot_api_errors_total", method="sendMessage", error="TelegramRetryAfter") == 1


async def test_an_update_that_cannot_be_read_is_a_dead_letter(polling: Polling) -> None:
    port, app = free_port(), counting()
    serve_metrics(app, port)
    serving = polling(app)
    await serving.until_polling()
    before = await look(port)
    serving.telegram.updates.put_raw({"message": "no object"})
    await serving.until_confirmed()
    counted = await look(port, before)
    assert counted("bot_dead_letters_total") == 1
    assert counted("bot_updates_total", kind="unknown", outcome="dead") == 1


async def test_a_port_that_is_taken_is_one_sentence(polling: Polling) -> None:
    port = free_port()
    first, second = counting(), counting()
    serve_metrics(first, port)
    serve_metrics(second, port)
    await polling(first).until_polling()
    serving = polling(second)
    with pytest.raises(CannotServe, match=f"nothing can listen on 127.0.0.1:{port}"):
        await serving.stop()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    app = counting()
    with pytest.raises(CannotServe, match="install the extra `metrics`"):
        serve_metrics(app, 1)
    # Nothing was touched.
    assert app.on_outcome is counting().on_outcome


async def test_timers_are_counted_like_updates_with_how_late_they_are(polling: Polling) -> None:
    port, app = free_port(), failing()

    @on_timer(app, "remind")
    async def remind(timer: Timer) -> None:
        """Nothing to do."""

    serve_metrics(app, port)
    async with app.sessions.checkout("5_5") as context:
        context.timers.set("remind", at=datetime.now(UTC) - timedelta(minutes=4))
    serving = polling(app)
    await serving.until_polling()
    before = Counted("")
    async with asyncio.timeout(20):
        while not (counted := await look(port, before))("bot_updates_total", **DONE):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert counted("bot_timer_late_seconds_bucket", le="300.0") == 1
    assert counted("bot_timer_late_seconds_bucket", le="60.0") == 0
    assert counted("bot_store_seconds_count", operation="due") >= 1
