"""Posts updates to a webhook as fast as they are answered: faster than the fake Telegram."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.delivery_kit.counting_bot import TOKEN
from toolkit.delivery.webhook import HEADER, secret_for


def requests(url: str, first_id: int, user: int, texts: list[str]) -> Iterator[bytes]:
    """A request for each message of a user."""
    parts = urlsplit(url)
    person = {"id": user, "is_bot": False, "first_name": "Ann"}
    for number, text in enumerate(texts, first_id):
        chat = {"id": user, "type": "private"}
        message = {"message_id": number, "date": 0, "chat": chat, "from": person, "text": text}
        body = json.dumps({"update_id": number, "message": message}).encode()
        head = [
            f"POST {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"{HEADER}: {secret_for(TOKEN)}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        yield "\r\n".join([*head, "", ""]).encode() + body


async def post(url: str, users: range, texts: list[str], connections: int = 100) -> None:
    """Let every user say all texts, one after another; fails if one is not answered with 200."""
    waiting = iter(users)

    async def work() -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for user in waiting:
            for request in requests(url, user * len(texts), user, texts):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200"), head
                length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
                await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
