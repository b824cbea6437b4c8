"""Private servers for the tests: real ones, on free ports, in temporary folders, stopped by pid."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NoReturn, Self, TypeVar

import pytest

PATIENCE = 60.0
"""Seconds until a server that does not answer is given up."""


ServerType = TypeVar("ServerType", bound="Server")


class MissingServer(Exception):
    """The machine has not got the server; says what to install."""


class Server:
    """One server process. It may be killed and started again, on the same port and data."""

    name: ClassVar[str]
    user: ClassVar[str | None] = None
    """Who runs it when we are root: some servers refuse to."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.remove()

    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Write what the server needs before its first start."""

    def environment(self) -> dict[str, str]:
        """What the server finds in its environment."""
        return dict(os.environ)

    def is_ready(self) -> bool:
        """Tell whether it answers."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.own(self.folder)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                user=self.runs_as,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log_end = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} did not start:\n{log_end}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a power cut would, with the processes that it has started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def remove(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def runs_as(self) -> str | None:
        """The user to run it as, where we may choose."""
        return self.user if os.geteuid() == 0 else None

    def own(self, folder: Path) -> None:
        """Give a folder with all that is in it to the user that runs the server."""
        if self.runs_as is not None:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, self.runs_as)


def free_port() -> int:
    """A port without a listener, which the system does not use for outgoing connections.

    A server that was killed must find its port free again.
    """
    while not is_free(port := 15_000 + secrets.randbelow(17_000)):
        pass
    return port


def is_free(port: int) -> bool:
    """Tell whether nothing listens at the port."""
    with contextlib.suppress(OSError), socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        return True
    return False


def program(name: str, advice: str, *folders: str) -> str:
    """Find a program on the PATH or in the folders (patterns, the last match counts)."""
    found = shutil.which(name)
    for pattern in folders:
        for path in sorted(Path("/").glob(f"{pattern.lstrip('/')}/{name}")):
            found = found or str(path)
    if found is None:
        raise MissingServer(f"{name} is not installed; {advice}")
    return found


def missing(error: MissingServer) -> NoReturn:
    """Fail in CI, where every server must be; skip elsewhere. The reason is given in both."""
    if os.environ.get("CI"):
        pytest.fail(str(error))
    pytest.skip(str(error))


@contextlib.contextmanager
def running(server: ServerType) -> Iterator[ServerType]:
    """Run a server for a fixture; a missing one is no error of the test, except in CI."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(server)
        except MissingServer as error:
            missing(error)
        yield server
