"""Calls with parameters of the types that aiogram gives them, and of any other type."""

from __future__ import annotations

import json
import sys
import types
import typing
from datetime import date, timedelta
from enum import Enum
from random import Random
from typing import Any

import aiogram.methods
from aiogram.client.default import Default
from aiogram.methods import TelegramMethod
from aiogram.types import InputFile
from pydantic import BaseModel

from tests.support import TEMPLATE

sys.path.insert(0, str(TEMPLATE / "src"))

from toolkit.harness.fake_telegram import ApiError, FakeTelegram, Upload

Json = dict[str, Any]
SUPERGROUP = -(10**12) - 10**9
METHODS: dict[str, type[TelegramMethod[Any]]] = {
    method.__api_method__: method
    for name in aiogram.methods.__all__
    if isinstance(method := getattr(aiogram.methods, name), type) and name != "TelegramMethod"
    if issubclass(method, TelegramMethod) and hasattr(method, "__api_method__")
}
WAITS = ("timeout",)
"""Parameters that make a call wait."""
FILES = {
    "part": Upload("cat.png", b"\x89PNG cat"),
    "other": Upload("notes.txt", b"text"),
    "photo": Upload("cat.png", b"\x89PNG cat"),
    "void": Upload("void", b""),
}
CONNECTION = "business-1"
CHECKLIST = {"title": "Errands", "tasks": [{"id": 1, "text": "Milk"}]}
_NUMBERS = (
    0,
    1,
    2,
    3,
    8,
    42,
    60,
    777,
    86400,
    1000043,
    -1,
    -21,
    -1.5,
    0.5,
    2**31,
    2**63,
    -(2**70),
    1e400,
)
DIRECT = SUPERGROUP - 3 - 10**9
_CHATS = (
    1,
    1,
    1,
    2,
    -21,
    *(SUPERGROUP - n for n in (1, 3, 5, 22, 28, 29)),
    "@fake_channel",
    DIRECT,
)
_WORDS = (
    "hello 1 -5 1.5 true <b>x</b> <b>x *a* https://example.com/x.png tg://user?id=1 nowhere "
    "photo-1 document-2 attach://part attach://void attach://gone AgACAgIAAx HTML MarkdownV2 "
    "Markdown XTR EUR photo video audio document article quiz regular emoji 👍 bold chat default "
    "web_app { [1 null inline-1 charge-1 2130"
)
# What there is, for fields in which nothing else gets far.
_KNOWN: dict[str, tuple[Any, ...]] = {
    "name": tuple(f"{kind}_by_fake_bot" for kind in ("regular", "mask", "custom_emoji", "x")),
    "sticker": ("sticker-5", "sticker-9", "sticker-13", "attach://part"),
    "old_sticker": ("sticker-5", "sticker-9", "sticker-13"),
    "emoji_list": (["😀"], ["🐈", "😀"]),
    "custom_emoji_id": ("5000000000000000001",),
    "custom_emoji_ids": (["5000000000000000001"],),
    "format": ("static",),
    "sticker_format": ("static", "auto"),
    "position": (0, 1, 9),
    "message_id": (2, 10, 10),
    "user_id": (1, 1, 2),
    "score": (1, 2, 3),
    "business_connection_id": ("shop",),
    "gift_id": ("5170145012310081615", "5980000000000000001"),
    "owned_gift_id": ("11", "12", "13"),
    "month_count": (3, 6),
    "star_count": (0, 25, 50, 1000, 1500),
    "file_hash": ("AAAA",),
    "element_hash": ("AAAA",),
}
_TEXTS = (*_WORDS.split(), "", " ", "a\ud83d", "\u200b", "x" * 5000, "\0\r\n")
_JUNK: tuple[Any, ...] = (None, True, [], {}, [[]], [None], {"a": None}, "", 0, {"type": 5}, "x")


async def furnished() -> FakeTelegram:
    """Return a Telegram with everything that a call can be about."""
    t = FakeTelegram(clock=lambda: 1_700_000_000.0)
    t.user(1, "Ann", username="ann")
    t.send_text(1, "/start")
    buttons = {"inline_keyboard": [[{"text": "A", "callback_data": "a"}]]}
    await t.call("sendMessage", {"chat_id": 1, "text": "hello", "reply_markup": buttons})
    await t.call("sendPhoto", {"chat_id": 1, "caption": "a photo"}, {"photo": FILES["part"]})
    t.send_document(1, b"text", "notes.txt")
    await t.call("sendDice", {"chat_id": 1})
    await t.call("sendPoll", {"chat_id": 1, "question": "q", "options": ["a", "b"]})
    await t.call("sendLocation", {"chat_id": 1, "latitude": 1, "longitude": 1, "live_period": 60})
    stars = {"title": "t", "description": "d", "payload": "p", "currency": "XTR"}
    await t.call("sendInvoice", {"chat_id": 1, **stars, "prices": [{"label": "a", "amount": 1}]})
    t.tap(1, label="A")
    t.inline_query(1, "cats")
    t.send_text(2, "/start")
    t.block(2)
    t.group(-21, members=[1])
    for number, bot in ((1, "member"), (22, "administrator")):
        t.group(SUPERGROUP - number, bot=bot, members=[1])
        t.send_text(1, "hello", SUPERGROUP - number)
    t.channel(SUPERGROUP - 3, username="fake_channel")
    t.channel(SUPERGROUP - 5, bot="member")
    for number, bot in ((28, "administrator"), (29, "member")):
        t.group(SUPERGROUP - number, forum=True, bot=bot, members=[1])
        t.create_topic(1, SUPERGROUP - number, "News")
    await _collected(t)
    _with_accounts(t)
    return t


async def _collected(t: FakeTelegram) -> None:
    """Let there be sets of stickers, a game, gifts, and Stars to spend."""
    sticker = {"sticker": "attach://part", "format": "static", "emoji_list": ["😀"]}
    for kind in ("regular", "mask", "custom_emoji"):
        made = {"name": f"{kind}_by_fake_bot", "title": "t", "sticker_type": kind}
        params = {"user_id": 1, **made, "stickers": [sticker, sticker]}
        await t.call("createNewStickerSet", params, FILES)
    await t.call("sendGame", {"chat_id": 1, "game_short_name": "snake"})
    t.deposit_stars(5000)
    user = {"id": 1, "is_bot": False, "first_name": "Ann"}
    t.inject({"business_connection": {"id": "shop", "user": user, "user_chat_id": 1, "date": 1}})
    for number in (1, 1, 2):
        await t.call("sendGift", {"gift_id": f"598000000000000000{number}", "user_id": 1})
    t.boost(1, SUPERGROUP - 22)
    t.allow_emoji_status(1)
    t.users[1].business_stars = 1000


def _with_accounts(t: FakeTelegram) -> None:
    """Give the bot an account of a business, direct messages of a channel and a bot of its own."""
    t.connect_business(7, stars=100)
    t.post_story(7)
    t.send_business(1, CONNECTION, "hello")
    t.send_business(7, CONNECTION, {"checklist": CHECKLIST}, 1)
    t.suggest_post(1, SUPERGROUP - 3, "Buy tea")
    t.create_managed_bot(1, "Helper", "helper_bot")


async def call(random: Random, count: int, telegram: FakeTelegram) -> None:
    """Make random calls; all of them have to be done, with JSON as the result, or refused."""
    for _ in range(count):
        method, params = random_call(random)
        try:
            json.dumps(await telegram.call(method, params, FILES))
        except ApiError:
            continue


def random_call(random: Random) -> tuple[str, Json]:
    """Return a method and its parameters: of their types, or more and more of them junk."""
    name = random.choice(sorted(METHODS))
    values = Values(random, noise=random.choice((0, 0, 0.02, 0.1)))
    params: Json = {}
    for field, info in METHODS[name].model_fields.items():
        if field not in WAITS and values.wanted(needed=info.is_required()):
            params[field] = values.as_text(values.of(info.annotation, field))
    return name, params


class Values:
    """Random values of the types that parameters have; `noise` is the share of others."""

    def __init__(self, random: Random, noise: float) -> None:
        self.random = random
        self.noise = noise

    def chance(self, share: float) -> bool:
        """Be true in this share of cases."""
        return self.random.random() < share

    def wanted(self, *, needed: bool) -> bool:
        """Tell whether to give a field, which most are given if they are needed."""
        return not self.chance(self.noise) if needed else self.chance(0.3)

    def as_text(self, value: Any) -> Any:
        """Return a value as some clients send it: JSON in a text."""
        if isinstance(value, (dict, list)) and self.chance(0.2):
            text = json.dumps(value)
            return text[:-1] if self.chance(self.noise) else text
        return value

    def of(self, kind: Any, field: str, depth: int = 0) -> Any:
        """Return a value of a type, as the annotation of a field."""
        choice = self.random.choice
        if self.chance(self.noise) or depth > 5:
            return choice(_JUNK)
        if field in _KNOWN and self.chance(0.5):
            return choice(_KNOWN[field])
        if field.endswith("chat_id"):
            return choice(_CHATS)
        if field == "business_connection_id":
            return choice((CONNECTION, CONNECTION, "x"))
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            kinds = [each for each in inner if each not in (type(None), Default)]
            return self.of(choice(kinds), field, depth)
        if origin is typing.Annotated:
            return self.of(inner[0], field, depth)
        if origin is typing.Literal:
            return choice(inner)
        if origin is list:
            return [self.of(inner[0], field, depth + 1) for _ in range(choice((0, 1, 1, 2, 3)))]
        return self._plain(kind, field, depth) if isinstance(kind, type) else choice(_JUNK)

    def _plain(self, kind: type, field: str, depth: int) -> Any:
        choice = self.random.choice
        if issubclass(kind, bool):
            return choice((True, False))
        if issubclass(kind, InputFile):
            return choice(("attach://part", "attach://other", "attach://void", "attach://gone"))
        if issubclass(kind, BaseModel):
            return self._object(kind, depth)
        if issubclass(kind, Enum):
            return choice([each.value for each in kind])
        if issubclass(kind, (int, float, date, timedelta)):
            return choice((1, 2, 3, 4, 5, 6, 7, 8) if field.endswith("_id") else _NUMBERS)
        return choice((*_TEXTS, 5, 1.5))

    def _object(self, kind: type[BaseModel], depth: int) -> Json:
        """Return an object with what it needs, and some of the rest."""
        made: Json = {}
        for field, info in kind.model_fields.items():
            default = info.get_default(call_default_factory=True)
            if isinstance(default, str) and not self.chance(self.noise):
                made[field] = str(getattr(default, "value", default))
            elif self.wanted(needed=info.is_required()):
                made[info.alias or field] = self.of(info.annotation, field, depth + 1)
        return made
