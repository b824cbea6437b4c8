"""A group that becomes a supergroup gets another id: its sessions move along.

Telegram tells it twice, in either order: by `migrate_to_chat_id` in the group and by
`migrate_from_chat_id` in the supergroup (Bot API, "Message").
"""

from __future__ import annotations

import logging

from aiogram.types import Update

from toolkit.errors import SessionUndecodable
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.keys import Origin, is_session_key
from toolkit.waiting import KeyedLock

logger = logging.getLogger(__name__)


class Supergroups:
    """Moves the records `{group}_{user}` to `{supergroup}_{user}`, each while nobody has it."""

    def __init__(self, checkouts: Checkouts, expires_in: float | None) -> None:
        self._checkouts = checkouts
        self._expires_in = expires_in
        self.became: dict[int, int] = {}
        """Groups, and what they have become while this process ran."""
        self._due: set[int] = set()
        self._moving = KeyedLock()

    async def follow(self, update: Update, origin: Origin) -> Origin:
        """Return where the update belongs now, once the sessions of its chat are there.

        Raises one of `TRANSIENT` when they could not be moved; the next update tries again.
        """
        if told := told_by(update):
            group, supergroup = told
            self.became[group] = supergroup
            self._due.add(group)
        if origin.chat is None:
            return origin
        chat = self.became.get(origin.chat, origin.chat)
        for group in [group for group in self._due if self.became[group] == chat]:
            # The others wait here, or they would begin anew before their session has come.
            async with self._moving.hold(str(chat)):
                if group in self._due:
                    await self._move_all(group, chat)
                    self._due.discard(group)
        return origin._replace(chat=chat)

    async def _move_all(self, group: int, supergroup: int) -> None:
        async def keys() -> list[str]:
            found = self._checkouts.storage.read_all_keys(f"{group}_")
            return [key async for key in found if is_session_key(key)]

        moved = await self._checkouts.bounded(keys())
        for key in moved:
            user, *rest = key.split("_")[1:]
            # A session of the whole group, or of its anonymous admins.
            user = str(supergroup) if user == str(group) else user
            await self._move(key, "_".join((str(supergroup), user, *rest)))
        logger.info("group %d is now %d; %d sessions have moved", group, supergroup, len(moved))

    async def _move(self, key: str, target: str) -> None:
        take = self._checkouts.take
        old = await take(key, "the move to a supergroup")
        try:
            if old.value is None:
                return
            new = await take(target, "the move to a supergroup")
            try:
                if new.value is None:
                    await self._checkouts.put(new, old.value, self._expires_in)
                elif new.value != old.value:
                    await self._checkouts.quarantine(old, _Superseded(key, target, old.value))
                # A move that was cut off here is completed by the next one.
                await self._checkouts.put(old, None, None)
            finally:
                await self._checkouts.abandon(new)
        finally:
            await self._checkouts.abandon(old)


class _Superseded(SessionUndecodable):
    def __str__(self) -> str:
        return f"the record {self.key!r} was not moved: {self.reason!r} has begun already"


def told_by(update: Update) -> tuple[int, int] | None:
    """Return the ids of the group and of the supergroup, if the update is about their change."""
    message = update.message
    if message is None:
        return None
    if message.migrate_to_chat_id is not None:
        return message.chat.id, message.migrate_to_chat_id
    if message.migrate_from_chat_id is not None:
        return message.migrate_from_chat_id, message.chat.id
    return None
