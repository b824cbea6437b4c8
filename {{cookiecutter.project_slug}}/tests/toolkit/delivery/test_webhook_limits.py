"""What a webhook does with requests that are too many, too slow, or not what Telegram sends."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from toolkit.delivery import http_server
from toolkit.delivery import webhook as module

from .bots import TOKEN, counting
from .serving import PATIENCE, Posting, free_port

Webhook = Callable[..., Awaitable[Posting]]

DEEP = 100_000


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/hook/",
        "/%7Bhook%7D",
        "/{hook}",
        "/{hook",
        "/a%2Fb",
        "/a%20b%zz",
        "/bücher/büro",
        "/hook?key=a%20b&c={d}",
        "//hook",
        "/a//b///",
        "/a/../hook",
        "/~user/(hook)/*;x=1,+@:!$",
        "/%C3%BC%68ook",
    ],
)
async def test_a_path_is_served_however_odd_it_is(webhook: Webhook, path: str) -> None:
    port = free_port()
    serving = await webhook(counting(), url=f"http://127.0.0.1:{port}{path}", port=port)
    url = serving.telegram.updates.webhook.url
    target = url.removeprefix(f"http://127.0.0.1:{port}")
    assert url.isascii()

    answer = await serving.send(serving.request(serving.telegram.send_text(5, "a"), target=target))
    other = await serving.send(serving.request(b"{}", target="/other"))

    assert answer.startswith(b"HTTP/1.1 200")
    assert other.startswith(b"HTTP/1.1 404")


async def test_a_compressed_body_is_refused_unread(webhook: Webhook) -> None:
    serving = await webhook(counting())
    bomb = gzip.compress(b" " * 50_000_000)

    answer = await serving.send(serving.request(bomb, "Content-Encoding: gzip"))

    assert answer.startswith(b"HTTP/1.1 415")
    assert [key async for key in serving.app.session_storage.read_all_keys("dead:")] == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP + b"]" * DEEP,
        b'{"update_id": 7, "message": {"x": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
        b'{"update_id": 7, "message": ' + b'{"a": ' * DEEP + b"1" + b"}" * (DEEP + 1),
        b'{"update_id": ' + b"9" * 5000 + b"}",
        b'{"update_id": 1e999}',
        b'{"update_id": {}}',
        b"\xff\xfe",
        b"",
    ],
)
async def test_a_body_that_nothing_can_read_is_set_aside_and_confirmed(
    webhook: Webhook, body: bytes
) -> None:
    serving = await webhook(counting())

    assert await serving.post(body) == 200

    [key] = [key async for key in serving.app.session_storage.read_all_keys("dead:")]
    assert len(key) < 30


@pytest.mark.parametrize("sent", [b"", b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_a_request_that_does_not_come_is_cut_off(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(http_server, "HEAD_WITHIN", 0.05)
    serving = await webhook(counting())

    assert await serving.send(sent) == b""


async def test_a_second_request_on_a_connection_has_no_more_time(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_WITHIN", 0.05)
    serving = await webhook(counting())
    whole = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
    writer.write(whole)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(whole[:-2])
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b'{"ready": true}'
    writer.close()


async def test_a_body_that_does_not_come_is_refused(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "BODY_WITHIN", 0.05)
    serving = await webhook(counting())

    answer = await serving.send(serving.request({"update_id": 1, "text": "half of it"})[:-5])

    assert answer.startswith(b"HTTP/1.1 408")


async def test_updates_beyond_what_is_in_work_are_answered_with_503(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_AT_MOST", 1)
    serving = await webhook(counting())
    first = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()
    second = serving.telegram.send_text(6, "hello")

    refused = await serving.send(serving.request(second))
    serving.app["go"].set()

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1" in refused
    assert await first == 200
    assert await serving.post(second) == 200


async def test_where_all_connections_are_at_work_a_new_one_is_answered_with_503(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "CONNECTIONS_AT_MOST", 1)
    serving = await webhook(counting())
    first = asyncio.create_task(serving.post(serving.telegram.send_text(5, "hang")))
    await serving.app["begun"].wait()

    refused = await serving.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
    serving.app["go"].set()

    assert refused.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1" in refused
    assert await first == 200
    assert (await serving.get("/readyz"))[0] == 200


async def test_a_connection_without_a_request_makes_room(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "CONNECTIONS_AT_MOST", 2)
    monkeypatch.setattr(http_server, "SPARED", 0.0)
    serving = await webhook(counting())
    silent = [await asyncio.open_connection("127.0.0.1", serving.port) for _ in range(5)]

    assert (await serving.get("/readyz"))[0] == 200

    for _, writer in silent:
        writer.close()


async def test_strangers_do_not_fill_the_log(
    webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    serving = await webhook(counting())
    caplog.clear()
    for _ in range(20):
        await serving.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert await serving.post(b"{}", "wrong") == 403

    assert len(caplog.records) <= 2


def test_what_is_held_back_from_the_log_is_counted() -> None:
    rarely = http_server.Rarely(3600.0)
    records = [logging.LogRecord("x", 30, "", 0, "again", (), None) for _ in range(4)]
    assert [rarely.filter(record) for record in records[:3]] == [True, False, False]
    rarely._seen["again"] = (-3600.0, 2)
    assert rarely.filter(records[3])
    assert records[3].getMessage() == "again (and 2 more before)"


BOT = """
import logging, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
sys.path.insert(0, {folder!r})
from tests_bots import counting
logging.basicConfig(level=logging.INFO)
app = counting(api_url={api!r})
app.run_webhook(url="http://127.0.0.1:{port}/webhook", host="127.0.0.1", port={port})
"""


@pytest.mark.slow
async def test_300_half_open_requests_block_no_process(tmp_path: Path) -> None:
    """A real process, as the number of files that it may open is what runs out."""
    from toolkit.harness.fake_telegram import FakeTelegram
    from toolkit.harness.fake_telegram.server import serve

    (tmp_path / "tests_bots.py").write_text((Path(__file__).parent / "bots.py").read_text())
    port, telegram = free_port(), FakeTelegram(token=TOKEN)
    log = tmp_path / "log"
    answered = asyncio.Event()
    telegram.observe(lambda event: answered.set() if _answers(telegram) else None)
    async with AsyncExitStack() as stack, serve(telegram, retry_delay=0.05) as api:
        code = BOT.format(folder=str(tmp_path), api=api, port=port)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with log.open("w") as file:
            process = subprocess.Popen(  # noqa: ASYNC220 - it takes milliseconds
                [sys.executable, "-c", code], env=environment, stderr=file
            )
        stack.callback(process.wait)
        stack.callback(process.kill)
        async with asyncio.timeout(60):
            while telegram.updates.webhook is None:
                await telegram.updates.wait_for_webhook()
        half = []
        for _ in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\n")
            half.append(writer)
        telegram.send_text(5, "hello")

        async with asyncio.timeout(60):
            await answered.wait()

        assert process.poll() is None
        for writer in half:
            writer.close()
    assert log.stat().st_size < 50_000


def _answers(telegram: Any) -> list[str]:
    return [call.payload["text"] for call in telegram.calls if "text" in call.payload]
