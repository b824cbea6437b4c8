"""The servers that stores are tested on, for tests of the template. They are the project's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import TEMPLATE

# Their package has the name of ours, `tests`, so it comes in by the back door.
sys.path.append(str(TEMPLATE / "tests" / "toolkit" / "storage"))
if str(TEMPLATE / "src") not in sys.path:
    sys.path.insert(0, str(TEMPLATE / "src"))

from servers import MissingServer, Server, free_port, missing, program, running
from servers.firestore import Firestore
from servers.mongodb import MongoDB
from servers.postgres import Postgres
from servers.proxy import Blow, Proxy
from servers.redis import Redis

__all__ = [
    "SERVERS",
    "Blow",
    "MissingServer",
    "Proxy",
    "Server",
    "find",
    "free_port",
    "missing",
    "program",
    "running",
    "store_url",
]

SERVERS: dict[str, Callable[[], Server]] = {
    "redis": Redis,
    "postgres": Postgres,
    "mongodb": MongoDB,
    "firestore": Firestore,
}


def find(name: str, package: str, *folders: str) -> str:
    """Find a program of Debian's `package`; a missing one is no error of the test, except in CI."""
    try:
        return program(name, f"install it (Debian: apt install {package})", *folders)
    except MissingServer as error:
        missing(error)


@contextmanager
def store_url(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty store of this kind; its server runs until the block ends."""
    if name == "sqlite":
        yield f"sqlite:///{folder}/bot.db"
        return
    with running(SERVERS[name]()) as server:
        if isinstance(server, Firestore):
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
            yield "firestore://a-project"
        else:
            assert isinstance(server, Redis | Postgres | MongoDB)
            yield server.url
