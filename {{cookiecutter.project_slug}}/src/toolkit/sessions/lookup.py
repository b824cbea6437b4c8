"""Updates that do not say whose dialogue they belong to: poll answers, and taps of unseen admins.

A `PollAnswer` names the poll and the user, not the chat that the poll was sent to. An admin who is
anonymous in a group writes as the group, but taps as a person (Bot API, "PollAnswer",
"Message.sender_chat", "CallbackQuery" and "ChatMemberAdministrator.is_anonymous").
"""

from __future__ import annotations

import asyncio
import logging

from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.types import Message, Update

from toolkit import clock
from toolkit.errors import StorageError
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.keys import Origin

logger = logging.getLogger(__name__)

POLLS_KEPT_FOR = 90 * 24 * 3600.0
"""Seconds for which it is remembered to which group a poll was sent."""

ADMINS_KEPT_FOR = 60.0
"""Seconds for which it is remembered whether somebody is anonymous."""

ASKED_FOR = 5.0
"""Seconds that Telegram may take to say so."""


class Lookup:
    """Finds out where such updates belong."""

    def __init__(self, checkouts: Checkouts) -> None:
        self._storage = checkouts.storage
        self._bounded = checkouts.bounded
        self._anonymous: dict[tuple[int, int], tuple[float, bool]] = {}

    async def note_poll(self, sent: Message) -> None:
        """Remember the group of a poll that the bot has sent."""
        if sent.poll is None or sent.poll.is_anonymous or sent.chat.type == "private":
            return
        topic = sent.message_thread_id if sent.is_topic_message else None
        place = {"chat": sent.chat.id, "topic": topic}
        write = self._storage.write(f"poll:{sent.poll.id}", place, expires_in=POLLS_KEPT_FOR)
        try:
            await self._bounded(write)
        except StorageError as error:
            logger.warning("answers to poll %s will not find their group: %s", sent.poll.id, error)

    async def find(self, update: Update, origin: Origin, bot: Bot) -> Origin:
        """Return where the update belongs. Raises one of `TRANSIENT` while the store is away."""
        if update.poll_answer is not None:
            place = await self._bounded(self._storage.read(f"poll:{update.poll_answer.poll_id}"))
            return origin._replace(**place) if place and origin.chat is None else origin
        group, user = origin.chat, origin.user
        if group is None or user is None:
            return origin
        name = f"anonymous:{group}"
        if user == group:
            await self._bounded(self._storage.add(name, {}))
        elif await self._bounded(self._storage.has(name)) and await self._hides(user, group, bot):
            return origin._replace(user=group)
        return origin

    async def _hides(self, user: int, group: int, bot: Bot) -> bool:
        """Tell whether the user is an anonymous admin of the group."""
        now = clock.monotonic()
        asked, hides = self._anonymous.get((group, user), (-ADMINS_KEPT_FOR, False))
        if now - asked < ADMINS_KEPT_FOR:
            return hides
        try:
            async with asyncio.timeout(ASKED_FOR):
                member = await bot.get_chat_member(group, user)
        except (AiogramError, TimeoutError) as error:
            logger.warning("whether %d is anonymous in %d is not known: %s", user, group, error)
            return False
        hides = bool(getattr(member, "is_anonymous", False))
        recent = self._anonymous.items()
        self._anonymous = {who: told for who, told in recent if now - told[0] < ADMINS_KEPT_FOR}
        self._anonymous[group, user] = now, hides
        return hides
