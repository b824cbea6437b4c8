"""A Telegram with users, groups and messages, the same for every line of the corpora."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import aiogram.methods
import aiohttp
import pytest
from pydantic import TypeAdapter

from toolkit.harness.fake_telegram import FakeTelegram, Upload
from toolkit.harness.fake_telegram.server import serve
from toolkit.harness.types import Json

HERE = Path(__file__).parent
METHODS = {
    str(kind.__api_method__).lower(): kind
    for name in aiogram.methods.__all__
    if hasattr(kind := getattr(aiogram.methods, name), "__api_method__")
    and name != "TelegramMethod"
}
SUPERGROUP = -(10**12) - 10**9


@pytest.fixture
def telegram() -> Iterator[FakeTelegram]:
    """A Telegram where nothing has happened yet, and no time passes; aiogram reads its answers."""
    telegram = FakeTelegram(clock=lambda: 1_700_000_000.0)
    yield telegram
    for call in telegram.calls:
        if call.result is not None and call.method.lower() in METHODS:
            read = result_of(call.method.lower()).validate_python(call.result)
            assert unread(read) == [], call


@cache
def result_of(method: str) -> TypeAdapter[Any]:
    """What aiogram reads the result of a method as."""
    return TypeAdapter(METHODS[method].__returning__)


@pytest.fixture
async def town(telegram: FakeTelegram) -> FakeTelegram:
    """User 1 talks to the bot; others cannot be reached, each in their own way."""
    t = telegram
    keyboard = {
        "inline_keyboard": [
            [{"text": "A", "callback_data": "a"}, {"text": "B", "callback_data": "b"}]
        ]
    }
    t.user(1, "Ann")
    t.send_text(1, "/start")
    await t.call("sendMessage", {"chat_id": 1, "text": "hello", "reply_markup": keyboard})
    photo = {"photo": Upload("cat.png", b"\x89PNG cat")}
    await t.call("sendPhoto", {"chat_id": 1, "caption": "a photo"}, photo)
    reply_keyboard = {"keyboard": [["Yes", "No"]]}
    await t.call("sendMessage", {"chat_id": 1, "text": "well?", "reply_markup": reply_keyboard})
    t.send_document(1, b"text", "notes.txt")
    stars = {"title": "Tea", "description": "Hot", "payload": "tea", "currency": "XTR"}
    prices = {"prices": [{"label": "Tea", "amount": 1}]}
    await t.call("sendInvoice", {"chat_id": 1, **stars, **prices})
    await t.call("sendMessage", {"chat_id": 1, "text": "<b>bold</b>", "parse_mode": "HTML"})
    t.tap(1, label="A")
    t.inline_query(1, "cats")
    t.pre_checkout(1, 6)
    t.send_text(2, "/start")
    await t.call("sendMessage", {"chat_id": 2, "text": "hello"})
    t.block(2)
    t.deactivate(3)
    t.user(4)
    t.user(5, is_bot=True)
    t.group(-11, bot="kicked")
    t.group(-12)
    t.migrate(-12, SUPERGROUP - 12)
    _supergroups(t)
    return t


def _supergroups(t: FakeTelegram) -> None:
    t.group(SUPERGROUP - 1)
    t.send_text(1, "hello all", SUPERGROUP - 1)
    t.group(SUPERGROUP - 2, bot="kicked")
    t.channel(SUPERGROUP - 3, username="fake_channel")
    t.group(SUPERGROUP - 4, bot="left")
    t.channel(SUPERGROUP - 5, bot="member")
    for number, allowed in ((6, False), (7, True)):
        t.group(SUPERGROUP - number)
        permissions = {"can_send_messages": allowed, "can_send_photos": False}
        t.chats[SUPERGROUP - number].details["permissions"] = permissions
    t.group(SUPERGROUP - 8, forum=True)
    t.create_topic(1, SUPERGROUP - 8, "News")
    _ruled(t)


def _ruled(t: FakeTelegram) -> None:
    """Groups where the bot has every right, and others where it has none."""
    t.group(-21, "Basic", members=[1])
    t.group(SUPERGROUP - 22, "Ruled", bot="administrator", members=[1, 2])
    t.send_text(1, "hello all", SUPERGROUP - 22)
    for number, status in ((28, "administrator"), (29, "member")):
        t.group(SUPERGROUP - number, "Forum", forum=True, bot=status, members=[1])
        for text in ("one", "two"):
            t.send_text(1, text, SUPERGROUP - number)
        t.create_topic(1, SUPERGROUP - number, "News")


def corpus(name: str) -> list[Any]:
    """Every line of a corpus as one test."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line, object_hook=expand) for line in lines]
    return [pytest.param(case, id=case["name"]) for case in cases]


def expand(value: Json) -> Any:
    """`{"$repeat": [what, times]}` and `{"$join": [parts]}` stand for long values."""
    if "$repeat" in value:
        what, times = value["$repeat"]
        return what * times if isinstance(what, str) else [what] * times
    return "".join(value["$join"]) if "$join" in value else value


def uploads(case: Json) -> dict[str, Upload]:
    """The files that go with a request."""
    files = case.get("files", {})
    return {name: Upload(name, content.encode("latin-1")) for name, content in files.items()}


class Client:
    """Talks to the server as a bot, and to its control API."""

    def __init__(self, http: aiohttp.ClientSession, address: str, token: str) -> None:
        self.http = http
        self.address = address
        self.bot = f"{address}/bot{token}"

    async def get(self, path: str, **options: Any) -> Any:
        async with self.http.get(self.address + path, **options) as response:
            return await response.json()

    async def call(self, method: str, **options: Any) -> Json:
        async with self.http.post(f"{self.bot}/{method}", **options) as response:
            body: Json = await response.json()
            assert response.status == (200 if body["ok"] else body["error_code"])
            return body

    async def act(self, action: str, **arguments: Any) -> Json:
        async with self.http.post(f"{self.address}/control/{action}", json=arguments) as response:
            assert response.status == 200, await response.text()
            result: Json = await response.json()
            return result


@pytest.fixture
async def client(telegram: FakeTelegram) -> AsyncIterator[Client]:
    telegram.send_text(1, "/start")
    async with serve(telegram) as address, aiohttp.ClientSession() as http:
        yield Client(http, address, telegram.token)


OF_OLD = ("contains_masks", "can_manage_voice_chats", "can_send_media_messages")
"""What the server still sends, though the Bot API's documentation has it no more."""


def unread(value: Any, place: str = "") -> list[str]:
    """Return the fields in an object of aiogram that neither it knows nor older clients do."""
    if isinstance(value, list):
        return [name for each in value for name in unread(each, place)]
    extra = getattr(value, "model_extra", None) or {}
    found = [f"{place}.{name}" for name in extra if name not in OF_OLD]
    for name in getattr(type(value), "model_fields", ()):
        inner = getattr(value, name)
        for each in inner if isinstance(inner, list) else [inner]:
            found += unread(each, f"{place}.{name}")
    return found
