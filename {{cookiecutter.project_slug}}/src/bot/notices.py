"""Write to people who have not just written: to the admins, and to the customer of a visit.

Whoever waits for the handler does not pay for it: a notice that does not get through is logged.
"""

from __future__ import annotations

import asyncio
import logging
from typing import NamedTuple

from aiogram import Bot
from aiogram.exceptions import AiogramError

from bot.bookings import Say
from bot.languages import texts_in
from bot.session import Session
from bot.shop import Booking
from toolkit import Sessions, StorageError

PATIENCE = 5.0
"""Seconds that a notice may take."""

logger = logging.getLogger(__name__)


class Customer(NamedTuple):
    """Who comes to a visit, as far as their sessions tell."""

    name: str
    phone: str

    def __str__(self) -> str:
        return ", ".join(filter(None, self))


class Notices:
    """What is written to the admins of the bot, and to its customers.

    Names, numbers and languages are read where they are kept, in the sessions of each user: there
    they are found, changed and forgotten with everything else.
    """

    def __init__(
        self, bot: Bot, sessions: Sessions[Session], admins: frozenset[int], language: str
    ) -> None:
        self.admins = admins
        self._bot = bot
        self._sessions = sessions
        self._language = language

    async def customer(self, visit: Booking) -> Customer:
        """Return who comes to a visit."""
        private, there = await asyncio.gather(
            self._session(visit.owner, visit.owner), self._session(visit.place, visit.owner)
        )
        name = there.name or private.name or str(visit.owner)
        return Customer(name, there.phone or private.phone)

    async def tell_customer(self, visit: Booking, say: Say) -> bool:
        """Write where the visit was booked, and tell whether that went well."""
        return await self._tell(visit.place, visit.owner, say, visit.language)

    async def tell_admins(self, say: Say, *, but: int) -> None:
        """Write to all admins, but not of what one of them has done."""
        told = (self._tell(each, each, say) for each in sorted(self.admins - {but}))
        await asyncio.gather(*told)

    async def _tell(self, chat: int, user: int, say: Say, language: str = "") -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                session = await self._session(chat, user)
                texts = texts_in(session.language or language, self._language)
                await self._bot.send_message(chat, say(texts))
        except (AiogramError, StorageError, TimeoutError) as error:
            logger.warning("%d was not told: %s", chat, str(error) or type(error).__name__)
            return False
        return True

    async def _session(self, chat: int, user: int) -> Session:
        """Return a session as it is now: no handler is kept waiting, none is waited for."""
        key = f"{chat}_{user}"
        if mine := self._sessions.current(key):
            return mine.session
        context = await self._sessions.peek(key, "a notice")
        await self._sessions.abandon(context)
        return context.session
