"""Records that cannot be read are kept, whole, under `quarantine:<key>`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

from toolkit.errors import SessionUndecodable
from toolkit.storage.base import Value


def quarantine_keys(key: str) -> Iterator[str]:
    """Yield the keys under which the record of `key` may be kept, the first choice first."""
    for number in count(1):
        yield f"quarantine:{key}" if number == 1 else f"quarantine:{key}:{number}"


def quarantined(error: SessionUndecodable) -> Value:
    """Return what is kept of a record that cannot be read."""
    raw = error.raw
    if isinstance(raw, bytes):
        raw = raw.decode(errors="backslashreplace")
    found = datetime.now(UTC).isoformat(timespec="seconds")
    return {"raw": raw, "reason": error.reason, "found": found}
