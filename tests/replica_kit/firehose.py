"""Posts updates to a webhook as fast as they are answered: faster than the fake Telegram.

One that is not answered with 200 is posted again, as Telegram does it: a database that is slow for
some seconds is no failure.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.delivery_kit.counting_bot import TOKEN
from toolkit.delivery.webhook import HEADER, secret_for

MOST_REFUSED = 500
"""Answers that ask for a request once more, until that is no passing outage."""


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


async def answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> bytes:
    """Send a request, and return the head of what it is answered with."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
    await reader.readexactly(int(length))
    return head


async def post(url: str, users: range, texts: list[str], connections: int = 100) -> None:
    """Let every user say all texts, each as soon as the one before is answered with 200."""
    waiting = iter(users)
    refused = 0

    async def work() -> None:
        nonlocal refused
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for user in waiting:
            for request in requests(url, user * len(texts), user, texts):
                while not (await answer(reader, writer, request)).startswith(b"HTTP/1.1 200"):
                    refused += 1
                    assert refused < MOST_REFUSED
                    await asyncio.sleep(0.1)
        writer.close()

    await asyncio.gather(*(work() for _ in range(connections)))
