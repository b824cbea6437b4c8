"""Albums: a handler that asks for `album: list[Message]` is called once for all of its messages.

Telegram delivers an album as one update per message, without saying how many there are, and updates
of one session are handled one after another. So what has arrived is noted before it waits in line;
the first in line waits until nothing more comes, and its commit applies the others too.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiogram.dispatcher.event.bases import CancelHandler
from aiogram.types import Message, Update

from toolkit import clock

QUIET = 1.0
"""Seconds after the last message of an album until it counts as complete. Two `getUpdates` may be
half a second apart while a handler is at work."""

KEPT_FOR = 600.0
"""Seconds for which the messages of an album are remembered."""


@dataclass
class _Album:
    messages: dict[int, Message] = field(default_factory=dict)  # by update id
    taken: dict[int, int] = field(default_factory=dict)  # update id to that of its handler
    last: float = 0.0


class Albums:
    """The albums that are arriving."""

    def __init__(self) -> None:
        self.wanted = False
        """Whether a handler asks for them."""
        self._albums: dict[tuple[int, str], _Album] = {}

    def arrived(self, update: Update) -> bool:
        """Note the update, where albums are `wanted`; tell whether it is a message of one."""
        message = update.message or update.channel_post
        if message is None or message.media_group_id is None:
            return False
        now = clock.monotonic()
        key = (message.chat.id, message.media_group_id)
        if key not in self._albums:
            self._albums = {k: a for k, a in self._albums.items() if a.last > now - KEPT_FOR}
        album = self._albums.setdefault(key, _Album())
        if update.update_id not in album.messages:
            album.messages[update.update_id] = message
            album.last = now
        return True

    async def collect(self, message: Message, update: Update, context: Any) -> list[Message]:
        """Return all messages of the album of `message` that no other handler has had.

        Raise CancelHandler where one has had this message, but has failed with it.
        """
        album = self._albums.get((message.chat.id, message.media_group_id or ""))
        if album is None:
            return [message]
        me = update.update_id
        if album.taken.get(me, me) != me:
            raise CancelHandler
        while (left := album.last + QUIET - clock.monotonic()) > 0:  # noqa: ASYNC110 - it is put off
            await asyncio.sleep(left)
        found = {me: message} | {
            other: part
            for other, part in album.messages.items()
            if album.taken.get(other, me) == me and not context.has_applied(other)
        }
        album.taken |= dict.fromkeys(found, me)
        context.applies = [number for number in sorted(found) if number != me]
        return sorted(found.values(), key=lambda part: part.message_id)
