"""A private server that speaks MongoDB's protocol: SecantusDB, which pip can install."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from . import MissingServer, Server


class MongoDB(Server):
    """A SecantusDB, which poses as a replica set of one, like a small MongoDB in production."""

    name = "mongodb"

    @property
    def url(self) -> str:
        """Its address; a database is created by its first use."""
        return f"mongodb://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """The server, with its data in its own folder."""
        if find_spec("secantus") is None:
            raise MissingServer("SecantusDB is not installed: pip install secantusdb")
        options = ["--port", str(self.port), "--storage-path", "data", "--sync-on-commit"]
        return [sys.executable, "-m", "secantus", *options, "--log-level", "WARNING"]
