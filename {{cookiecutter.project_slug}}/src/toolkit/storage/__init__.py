"""Where sessions are kept. `open_storage(url)` opens any of the stores that this project has."""

from __future__ import annotations

import re
from importlib import import_module
from typing import NamedTuple

from toolkit.redaction import redact
from toolkit.storage.base import SharedSessionStorage


class Backend(NamedTuple):
    """The schemes of a store's URLs, its `module:class` with `from_url(url)`, a default URL."""

    schemes: str
    target: str
    default_url: str


# One line per store. The last line is the default of this project.
BACKENDS = {
    "memory": Backend("memory", "toolkit.storage.memory:MemorySessionStorage", "memory:"),
    "redis": Backend(
        "redis rediss redis+sentinel rediss+sentinel redis+cluster rediss+cluster",
        "toolkit.storage.redis:RedisSessionStorage",
        "redis://localhost:6379/0",
    ),
    "postgres": Backend(
        "postgresql postgres",
        "toolkit.storage.postgres:PostgresSessionStorage",
        "postgresql://localhost:5432/bot",
    ),
    "firestore": Backend(
        "firestore",
        "toolkit.storage.firestore:FirestoreSessionStorage",
        "firestore://my-project",
    ),
    "mongodb": Backend(
        "mongodb mongodb+srv",
        "toolkit.storage.mongodb:MongoSessionStorage",
        "mongodb://localhost:27017/bot",
    ),
    "sqlite": Backend(
        "sqlite", "toolkit.storage.sqlite:SqliteSessionStorage", "sqlite:///data/bot.db"
    ),
}


def default_url() -> str:
    """Return the URL of the store that this project was generated with."""
    return list(BACKENDS.values())[-1].default_url


def open_storage(url: str) -> SharedSessionStorage:
    """Open the store at the URL. The first use connects, so no server can block or fail this.

    Raises ValueError that says what is wrong with a URL, and shows no password.
    """
    found = re.match(r"([A-Za-z][\w+.-]*):", url)
    scheme = found[1].lower() if found else ""
    for backend in BACKENDS.values():
        if scheme in backend.schemes.split():
            module, _, name = backend.target.partition(":")
            try:
                storage: SharedSessionStorage = getattr(import_module(module), name).from_url(url)
            except ValueError as error:
                raise ValueError(redact(str(error))) from None
            return storage
    known = ", ".join(backend.default_url for backend in BACKENDS.values())
    raise ValueError(
        f"no storage for a URL that starts with {scheme + ':'!r}; this project has {known}"
    )
