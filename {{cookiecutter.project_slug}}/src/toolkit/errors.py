"""All errors of sessions and storage.

`TRANSIENT` are those that pass by themselves; the others stay until something is mended.
"""

from __future__ import annotations

from typing import Any, Final


class StorageError(Exception):
    """Anything a store can fail with."""


class StorageUnavailable(StorageError):
    """The store could not be reached, opened or written; nothing is known about the record."""

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = reason


class SessionUndecodable(StorageError):
    """The record exists but cannot be read; `raw` is what was found.

    It is text that is not a JSON object, or an object whose fields are not those of the session.
    """

    def __init__(self, key: str, reason: str, raw: str | bytes | dict[str, Any]) -> None:
        super().__init__(f"the record {key!r} cannot be read: {reason}")
        self.key = key
        self.reason = reason
        self.raw = raw


class SessionConflict(StorageError):
    """The lease was lost or the record was changed by another holder; nothing was written."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the record {key!r} was changed or checked out by another holder")
        self.key = key


class SessionBusy(StorageError):
    """The record is checked out by `holder`, for `remaining` seconds more where that is known."""

    def __init__(self, key: str, holder: str, remaining: float | None = None) -> None:
        super().__init__(f"the record {key!r} is checked out by {holder!r}")
        self.key = key
        self.holder = holder
        self.remaining = remaining


class SessionDeadlock(SessionBusy):
    """The record is held by one who waits for what the caller holds; neither would ever end.

    The update of the caller is undone, and tried again behind the other one.
    """

    def __init__(self, key: str, holder: str, mine: str, name: str) -> None:
        super().__init__(key, holder)
        self.args = (
            f"{name} holds {mine!r} and wants {key!r}, which {holder} holds; that one waits for "
            f"{mine!r}, itself or through others",
        )


class SessionTooLarge(StorageError):
    """The JSON text of the value has `size` bytes; at most `limit` can be stored."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__(
            f"the value of {key!r} takes {size:,} bytes as JSON; the limit is {limit:,}"
        )
        self.key = key
        self.size = size
        self.limit = limit


class NotSerializable(StorageError, TypeError):
    """The value holds something that is not JSON; `path` is where, as in `$.cart[0].price`."""

    def __init__(self, key: str, path: str, reason: str) -> None:
        super().__init__(f"the value of {key!r} cannot be stored: {path} {reason}")
        self.key = key
        self.path = path
        self.reason = reason


class InvalidKey(StorageError, ValueError):
    """The key is not text, holds a lone surrogate, or is too long."""


class NotPortable(StorageError):
    """The store cannot tell when its records expire, so they cannot be exported unharmed."""

    def __init__(self, storage: object) -> None:
        super().__init__(
            f"{type(storage).__name__} cannot tell when a record expires, and an exported record "
            "would live for ever: give it the verb read_entry of PortableSessionStorage"
        )


class MigrationRefused(StorageError):
    """A record is newer than the code, or a migration failed; the stored record is untouched."""


class SessionReentered(RuntimeError):
    """A handler checked out a key that it holds already; waiting would never have ended."""


class HandlerTimedOut(Exception):
    """A handler took longer than its limit and was cancelled; nothing of it was written."""


class HandlerInterrupted(Exception):
    """A handler was cut off, and nothing of it was written; or a task of `tasks.start` was.

    A stop of the bot did that after it had sent something, or a task that it awaited was cancelled.
    A task is also cut off when the store does not answer.
    """


class BroadcastRefused(RuntimeError):
    """A broadcast cannot begin or go on; the text is a sentence for people.

    It was begun with another text, another process is at work on it, or Telegram refuses the text.
    """


class CannotServe(RuntimeError):
    """Serving cannot begin or go on, and waiting would not help; the text is a sentence for people.

    The token is unknown, say, or a webhook stands in the way of polling.
    """


TRANSIENT: Final = (StorageUnavailable, SessionBusy, SessionConflict)
"""Errors that are no fault of the update: it goes through once the store answers again."""
