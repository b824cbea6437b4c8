"""Telegram is reached through a proxy: a real one on this machine, of each kind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from toolkit import BotApp, check_proxy_url, create_bot
from toolkit.harness.fake_telegram import FakeTelegram
from toolkit.harness.fake_telegram.server import serve

from .bots import TOKEN


class Proxy:
    """Serves HTTP CONNECT and SOCKS5, and remembers where it was asked to connect to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect as the client asks, then pass everything on."""
        if await reader.readexactly(1) == b"\x05":
            await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x05\x00")
            kind = (await reader.readexactly(4))[3]
            size = 4 if kind == 1 else (await reader.readexactly(1))[0]
            address = await reader.readexactly(size)
            host = ".".join(map(str, address)) if kind == 1 else address.decode()
            port = int.from_bytes(await reader.readexactly(2), "big")
            answer = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            self.asked.append("socks5")
        else:
            head = await reader.readuntil(b"\r\n\r\n")
            host, port_text = head.split()[1].decode().split(":")
            port, answer = int(port_text), b"HTTP/1.1 200 Connection established\r\n\r\n"
            self.asked.append("http")
        there, back = await asyncio.open_connection(host, port)
        writer.write(answer)
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[Proxy, int]]:
    proxy = Proxy()
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    yield proxy, server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_calls_go_through_the_proxy(kind: str, proxy: tuple[Proxy, int]) -> None:
    seen, port = proxy
    telegram = FakeTelegram(token=TOKEN)
    async with serve(telegram) as api:
        url = f"{kind}://127.0.0.1:{port}"
        app: BotApp[Any] = create_bot(TOKEN, initial=dict, api_url=api, proxy_url=url)
        assert (await app.bot.get_me()).is_bot
        await app.close()

    assert seen.asked == [kind]


@pytest.mark.parametrize(
    "url",
    ["host:3128", "https://host:1", "socks5://host", "http://user:secret@host:x", "http://:1"],
)
def test_what_is_no_proxy_is_refused_at_once_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a proxy") as error:
        create_bot(TOKEN, initial=dict, proxy_url=url)
    assert "secret" not in str(error.value)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.delivery.proxy_url.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'aiogram\[proxy\]'"):
        check_proxy_url("http://host:3128")
