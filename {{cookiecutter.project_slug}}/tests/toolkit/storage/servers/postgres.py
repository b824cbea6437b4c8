"""A private PostgreSQL, and a private PgBouncer in front of one."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from . import PATIENCE, Server, program

# Debian keeps the programs of every version in a folder of its own, off the PATH.
_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/opt/homebrew/bin")


def find(name: str) -> str:
    """Find a program of PostgreSQL."""
    return program(name, "install PostgreSQL (Debian: apt install postgresql)", *_FOLDERS)


class Postgres(Server):
    """A PostgreSQL whose commits survive a kill; for a power cut they would wait for the disk."""

    name = "postgres"
    user = "postgres"

    @property
    def url(self) -> str:
        """Its database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__()
        self.tls = tls

    @property
    def certificate(self) -> Path:
        """What a client has to trust where `tls` is on: the server signs for itself."""
        return self.folder / "server.crt"

    def prepare(self) -> None:
        """Make the database files. Every user on the loopback is trusted."""
        if self.tls:
            openssl = program("openssl", "install it (Debian: apt install openssl)")
            name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
            files = ["-keyout", "server.key", "-out", self.certificate.name]
            command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *name, *files]
            subprocess.run(command, cwd=self.folder, capture_output=True, check=True)
        self.own(self.folder)
        command = [find("initdb"), "--pgdata=data", "--username=postgres", "--auth=trust"]
        done = subprocess.run(
            [*command, "--encoding=UTF8", "--locale=C", "--no-sync"],
            cwd=self.folder,
            user=self.runs_as,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stderr}")

    def command(self) -> list[str]:
        """The server, with a socket in its own folder."""
        settings: dict[str, object] = {
            "unix_socket_directories": self.folder,
            "max_connections": 200,
            "fsync": "off",
        }
        if self.tls:
            settings["ssl"] = "on"
            settings["ssl_key_file"] = self.folder / "server.key"
            settings["ssl_cert_file"] = self.certificate
        options = [f"--{name}={value}" for name, value in settings.items()]
        address = ["-h", "127.0.0.1", "-p", str(self.port)]
        return [find("postgres"), "-D", str(self.folder / "data"), *address, *options]

    def is_ready(self) -> bool:
        """Tell whether it has recovered and takes connections."""
        command = [find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return super().is_ready() and subprocess.run(command).returncode == 0

    def start(self) -> None:
        """Start it, after a kill as soon as the children of the killed one are gone."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return super().start()
            except RuntimeError as error:
                if "shared memory block" not in str(error) or time.monotonic() > deadline:
                    raise
                (self.folder / "log").unlink()


class PgBouncer(Server):
    """A PgBouncer in transaction mode: every transaction may meet another server connection."""

    name = "pgbouncer"
    user = "postgres"

    def __init__(self, postgres: Postgres) -> None:
        super().__init__()
        self.postgres = postgres

    @property
    def url(self) -> str:
        """The same database, through the pooler."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Write its settings: few server connections, so that clients really share them."""
        users = self.folder / "users.txt"
        users.write_text('"postgres" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"""
[databases]
postgres = host=127.0.0.1 port={self.postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 500
server_login_retry = 0.1
"""
        )

    def command(self) -> list[str]:
        """The pooler in the foreground."""
        advice = "install it (Debian: apt install pgbouncer)"
        found = program("pgbouncer", advice, "/usr/sbin", *_FOLDERS)
        return [found, str(self.folder / "pgbouncer.ini")]
