"""The chats that a bot can write to: a record for each that ever wrote, made at first contact."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import Any

from aiogram import BaseMiddleware
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
)
from aiogram.methods import TelegramMethod
from aiogram.types import Chat, TelegramObject, Update, User

from toolkit.errors import TRANSIENT, SessionUndecodable, StorageError
from toolkit.sessions.keys import AUDIENCE, parse_key
from toolkit.sessions.middleware import Handler, Sessions, StoreFailed
from toolkit.sessions.records import checked_out
from toolkit.sessions.supergroups import told_by
from toolkit.storage.base import Value

logger = logging.getLogger(__name__)

KNOWN = 100_000
"""Chats that a process remembers to have a record, so that their updates cost nothing."""

AT_ONCE = 100

_OWN = re.compile(rf"{AUDIENCE}-?\d+")


class Audience(BaseMiddleware):
    """Keeps `audience:<chat>`: since when, in which language, and whether it is left or blocked.

    `app.audience`, where `create_bot` was told `audience=True`.
    """

    def __init__(self, sessions: Sessions[Any]) -> None:
        self._checkouts = sessions.checkouts
        self._known = sessions.known_chats

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Note whose update it is before anything else is done with it."""
        if isinstance(event, Update):
            try:
                await self._note(event, data["bot"].id)
            except TRANSIENT as error:
                raise StoreFailed(error) from error
        return await handler(event, data)

    async def _note(self, update: Update, bot_id: int) -> None:
        if (change := update.my_chat_member) is not None:
            if change.new_chat_member.status in ("left", "kicked"):
                await self.mark(change.chat.id, change.new_chat_member.status)
            elif change.chat.id not in self._known and change.chat.type != "channel":
                await self._meet(change.chat, change.from_user)
        elif (found := _writer(update, bot_id)) is not None and found[0].id not in self._known:
            if (told := told_by(update)) is not None:
                await self._move(*told)
            else:
                await self._meet(*found)

    async def _meet(self, chat: Chat, user: User | None) -> None:
        language = user.language_code if user is not None and chat.type == "private" else None
        made = {"since": _now(), "language": language}
        storage, bounded = self._checkouts.storage, self._checkouts.bounded
        if not await bounded(storage.add(_key(chat.id), made)):
            record = await self._read(_key(chat.id))
            if record is None or "left" in record:
                await self.mark(chat.id, None)
        self._remember(chat.id)

    async def mark(self, chat: int, left: str | None) -> None:
        """Note why a chat cannot be written to any more; `None` for one that is back."""
        async with checked_out(self._checkouts, _key(chat), "the audience") as record:
            record.value.setdefault("since", _now())
            if left is None:
                record.value = {k: v for k, v in record.value.items() if k not in ("left", "why")}
                self._remember(chat)
            else:
                record.value |= {"left": _now(), "why": left}
                self._known.discard(chat)

    async def _move(self, group: int, supergroup: int) -> None:
        record = await self._read(_key(group))
        storage, bounded = self._checkouts.storage, self._checkouts.bounded
        # In this order: a group that is there twice for a moment is not missed.
        await bounded(storage.add(_key(supergroup), record or {"since": _now(), "language": None}))
        await bounded(storage.delete(_key(group)))
        self._known.discard(group)
        self._remember(supergroup)

    async def note_refusal(self, method: TelegramMethod[Any], error: TelegramAPIError) -> None:
        """Mark the chat that a call was refused for; while the store is away it stays as it is."""
        chat = str(getattr(method, "chat_id", None))
        if not chat.lstrip("-").isdecimal():
            return
        try:
            if isinstance(error, TelegramMigrateToChat):
                await self._move(int(chat), error.migrate_to_chat_id)
            elif is_gone(method, error):
                await self.mark(int(chat), error.message)
        except StorageError as failed:
            logger.warning("chat %s was not marked (%s): %s", chat, error.message, failed)

    async def chats(self, languages: Iterable[str] | None = None) -> dict[int, str | None]:
        """Return all chats that can be written to, with their languages; with some, only those.

        `de` is also `de-AT`. Chats that have a session, but no record yet, are among them.
        """
        wanted = None if languages is None else {language.lower() for language in languages}
        found: dict[int, str | None] = {}
        gone: set[int] = set()
        with_session: set[int] = set()
        async for keys in self._pages():
            for key in keys:
                origin = parse_key(key)
                if origin is not None and origin.chat is not None and origin.business is None:
                    with_session.add(origin.chat)
            own = [key for key in keys if _OWN.fullmatch(key)]
            for key, record in zip(own, await asyncio.gather(*map(self._read, own)), strict=True):
                chat = int(key.removeprefix(AUDIENCE))
                if record is not None and "left" in record:
                    gone.add(chat)
                else:
                    found[chat] = (record or {}).get("language")
        found |= dict.fromkeys(with_session - gone - found.keys())
        return {chat: code for chat, code in found.items() if _speaks(code, wanted)}

    async def _pages(self) -> AsyncIterator[list[str]]:
        page: list[str] = []
        async for key in self._checkouts.storage.read_all_keys():
            page.append(key)
            if len(page) == AT_ONCE:
                yield page
                page = []
        yield page

    async def _read(self, key: str) -> Value | None:
        try:
            return await self._checkouts.bounded(self._checkouts.storage.read(key))
        except SessionUndecodable:
            return None

    def _remember(self, chat: int) -> None:
        if len(self._known) >= KNOWN:
            self._known.clear()
        self._known.add(chat)


def is_gone(method: TelegramMethod[Any], error: Exception) -> bool:
    """Tell whether the call was refused because its chat cannot be written to any more."""
    # A refusal to copy may be about the chat that is copied from.
    copies = getattr(method, "from_chat_id", None) is not None
    if isinstance(error, TelegramForbiddenError):
        return not copies or "blocked by" in error.message or "deactivated" in error.message
    missing = isinstance(error, TelegramBadRequest) and "chat not found" in error.message
    return missing and not copies


def _writer(update: Update, bot_id: int) -> tuple[Chat, User | None] | None:
    message: Any = update.message or update.edited_message
    user = message.from_user if message is not None else None
    if update.callback_query is not None:
        message, user = update.callback_query.message, update.callback_query.from_user
    if message is None or getattr(message, "business_connection_id", None) is not None:
        return None
    left = getattr(message, "left_chat_member", None)
    # That the bot was removed is told in a message, too.
    removed = left is not None and left.id == bot_id
    return None if removed or message.chat.type == "channel" else (message.chat, user)


def _speaks(language: str | None, wanted: set[str] | None) -> bool:
    if wanted is None:
        return True
    code = (language or "").lower()
    return code in wanted or code.partition("-")[0] in wanted


def _key(chat: int) -> str:
    return f"{AUDIENCE}{chat}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
