"""The server as a process of its own, with clients that behave and clients that do not."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

SOURCE = Path(__file__).resolve().parents[4] / "src"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Where `python -m toolkit.harness.fake_telegram` listens."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "toolkit.harness.fake_telegram", "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        line = (await process.stdout.readline()).decode()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    yield found.group()
    process.terminate()
    await process.wait()


async def test_a_server_outlives_clients_that_vanish_in_the_middle(address: str) -> None:
    port = int(address.rpartition(":")[2])
    beginnings = [
        b"",
        b"POST /bot42:a/getMe HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /bot42:a/sendMessage HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nchat",
        b"POST /bot42:a/sendDocument HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form",
        b"GET /bot42:a/getUpdates?timeout=50 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ]
    for beginning in beginnings * 5:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(beginning)
            linger = struct.pack("ii", 1, 0)  # close with a reset, as a killed process does
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    async with aiohttp.ClientSession() as http:
        say = {"user_id": 1, "text": "hello"}
        async with http.post(f"{address}/control/say", json=say) as response:
            assert response.status == 200
        async with http.get(f"{address}/bot42:a/getUpdates") as response:
            updates = (await response.json())["result"]
    assert [update["message"]["text"] for update in updates] == ["hello"]
