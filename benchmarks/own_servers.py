"""The servers of benchmarks, private and with their usual durability."""

from __future__ import annotations

import sys

from measure import PROJECT

# Before the benchmark of the same name.
sys.path.insert(0, str(PROJECT / "tests" / "toolkit" / "storage"))

from servers import MissingServer
from servers.postgres import Postgres
from servers.redis import Redis, ask

__all__ = ["EverySecond", "MissingServer", "SafePostgres", "ask"]


class EverySecond(Redis):
    """A Redis as most people run it: the log of changes reaches the disk every second."""

    options = ("--appendonly", "yes", "--appendfsync", "everysec")


class SafePostgres(Postgres):
    """A PostgreSQL as it comes: a commit waits for the disk."""

    def command(self) -> list[str]:
        return [*super().command(), "--fsync=on"]
