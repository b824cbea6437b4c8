"""Everything that the toolkit remembers of one user, to be deleted or exported as a whole."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from toolkit.errors import SessionBusy, SessionUndecodable
from toolkit.sessions.checkout import Checkouts
from toolkit.sessions.keys import AUDIENCE, names_user
from toolkit.storage.base import SessionStorage

if TYPE_CHECKING:
    from toolkit.sessions.middleware import Sessions

UPDATES = ("parked:", "dead:")
"""How the keys of updates begin: those in work, and those that failed."""

_QUARANTINED = re.compile(r"quarantine:(.*?)(:\d+)?", re.DOTALL)


async def keys_of_user(storage: SessionStorage, user_id: int) -> AsyncIterator[str]:
    """Yield the keys of a user's records, in no order.

    They are the sessions with the user in every chat, what was quarantined of them, and the updates
    from the user that are in work or have failed, and the user's place in the audience. A session
    that a whole group shares is not one user's, and what handlers write under keys of their own is
    not known here.
    """
    async for key in storage.read_all_keys():
        if key.startswith(UPDATES):
            try:
                record = await storage.read(key)
            except SessionUndecodable as error:
                record = {"update": error.raw}
            if record is not None and _is_from(user_id, record.get("update")):
                yield key
        elif key == f"{AUDIENCE}{user_id}" or names_user(_original(key), user_id):
            yield key


async def forget_user(sessions: Sessions[Any], user_id: int) -> list[str]:
    """Delete the records of a user in all chats, and return their keys.

    They are sessions with their FSM state, quarantined ones too, updates that are in work or have
    failed, and the place in the audience. What the bot keeps under keys of its own is for the bot
    to delete. A handler may call it for the user it serves: that session is deleted when it
    returns. An update that is in work just now is left out; its record goes when it is done.
    """
    forgotten = []
    sessions.known_chats.discard(user_id)
    for key in [key async for key in keys_of_user(sessions.storage, user_id)]:
        context = sessions.current(key)
        if context is not None:
            del context.session
        elif not await forget_record(sessions.checkouts, key):
            continue
        forgotten.append(key)
    return forgotten


async def forget_record(checkouts: Checkouts, key: str) -> bool:
    """Delete a record of a user, waiting for no update in work; tell whether it was there."""
    waits = not key.startswith("parked:")
    try:
        return await delete_record(checkouts, key, None if waits else 0)
    except SessionBusy:
        if waits:
            raise
        return False


async def delete_record(checkouts: Checkouts, key: str, patience: float | None = None) -> bool:
    """Delete a record as soon as it is not checked out; tell whether there was one."""
    storage = checkouts.storage
    try:
        if await storage.read(key) is None:
            return False
    except SessionUndecodable:
        await storage.delete(key)
        return True
    held = await checkouts.take(key, "a deletion", patience)
    await checkouts.put(held, None, None)
    return True


def _original(key: str) -> str:
    """Return the key whose record is quarantined under `key`, or `key` itself."""
    found = _QUARANTINED.fullmatch(key)
    return found[1] if found else key


def _is_from(user_id: int, update: Any) -> bool:
    """Tell whether the user sent the update, or it comes from the private chat with the user."""
    if not isinstance(update, dict):
        return str(user_id) in str(update)
    events = [event for event in update.values() if isinstance(event, dict)]
    people = [event.get(name) for event in events for name in ("from", "user", "chat", "user_chat")]
    return any(isinstance(person, dict) and person.get("id") == user_id for person in people)
