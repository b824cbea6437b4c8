"""A private Redis, alone, watched by a Sentinel, or in a cluster."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from typing import Self

from . import PATIENCE, Server, free_port, is_free, program


def find(name: str) -> str:
    """Find a program of Redis."""
    return program(name, "install Redis (Debian: apt install redis-server)")


def ask(port: int, *command: str) -> str:
    """Send a command and return the answer."""
    cli = [find("redis-cli"), "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run([*cli, *command], capture_output=True, text=True).stdout.strip()


class Redis(Server):
    """A Redis that writes every change to its disk before it answers."""

    name = "redis"
    options: tuple[str, ...] = ("--appendonly", "yes", "--appendfsync", "always")

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """The server in the foreground."""
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [find("redis-server"), *place, "--save", "", *self.options]

    def is_ready(self) -> bool:
        """Tell whether it has read its data."""
        return super().is_ready() and ask(self.port, "ping") == "PONG"


class Replica(Redis):
    """A Redis that follows another one."""

    def __init__(self, master: Redis) -> None:
        super().__init__()
        self.options = (*Redis.options, "--replicaof", "127.0.0.1", str(master.port))
        self.master = master
        ask(master.port, "config", "set", "repl-diskless-sync-delay", "0")

    def is_ready(self) -> bool:
        """Tell whether it has all that its master has, and says so to it."""
        replication = ask(self.master.port, "info", "replication")
        return super().is_ready() and "state=online" in replication


class Sentinel(Server):
    """A Sentinel that knows one master."""

    name = "sentinel"

    def __init__(self, master: Redis) -> None:
        super().__init__()
        self.master = master

    @property
    def url(self) -> str:
        """The master's first database, by the way of this sentinel; the first one is not there."""
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.port}/mymaster/0"

    def ask(self, verb: str) -> str:
        """Ask it about its master."""
        return ask(self.port, "sentinel", verb, "mymaster")

    def prepare(self) -> None:
        """Write its settings; it changes the file itself, too."""
        (self.folder / "sentinel.conf").write_text(
            f"bind 127.0.0.1\nport {self.port}\n"
            f"sentinel monitor mymaster 127.0.0.1 {self.master.port} 1\n"
        )

    def command(self) -> list[str]:
        """The sentinel in the foreground."""
        return [find("redis-server"), str(self.folder / "sentinel.conf"), "--sentinel"]


class _Node(Redis):
    options = ("--cluster-enabled", "yes", "--appendonly", "yes")

    def __init__(self) -> None:
        super().__init__()
        # Nodes talk to each other 10,000 ports above, where outgoing connections must not be.
        while self.port >= 22_000 or not is_free(self.port + 10_000):
            self.port = free_port()


class Cluster:
    """Three nodes, each with a third of the keys."""

    def __init__(self) -> None:
        self.nodes = [_Node() for _ in range(3)]
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The cluster, by the way of two of its nodes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])
        return f"redis+cluster://{hosts}"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            hosts = [f"127.0.0.1:{node.port}" for node in self.nodes]
            cli = [find("redis-cli"), "--cluster", "create", *hosts, "--cluster-yes"]
            subprocess.run(cli, check=True, capture_output=True)
            deadline = time.monotonic() + PATIENCE
            while not all("cluster_state:ok" in self._info(node) for node in self.nodes):
                assert time.monotonic() < deadline, "the cluster did not form"
                time.sleep(0.05)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    @staticmethod
    def _info(node: Redis) -> str:
        return ask(node.port, "cluster", "info")
