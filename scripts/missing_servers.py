"""Say which programs are missing, and which tests are skipped for that. In CI those tests fail."""

# ruff: noqa: T201

from __future__ import annotations

import os
import shutil
from pathlib import Path

NEEDED = {
    "redis-server": ("the tests of Redis", "redis-server"),
    "postgres": ("the tests of PostgreSQL", "postgresql"),
    "pgbouncer": ("the tests behind a pooler", "pgbouncer"),
    "nginx": ("the tests of several replicas", "nginx"),
    "sqlite3": ("the tests of backups of a file", "sqlite3"),
    "systemd-analyze": ("the tests of the systemd unit", "systemd"),
    "chromium": ("the tests of the simulator's page", "chromium"),
    "tmux": ("the test of the terminal", "tmux"),
    "node": ("the tests of Firestore", "nodejs npm"),
}
"""By program: what needs it, and what Debian calls it."""

ELSEWHERE = {"postgres": "/usr/lib/postgresql", "chromium": "/opt/google/chrome"}


def main() -> None:
    """Print a line for each, and how to get them all."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    missing = [
        name
        for name in NEEDED
        if not shutil.which(name, path=path) and not Path(ELSEWHERE.get(name, "/-")).exists()
    ]
    for name in missing:
        tests, package = NEEDED[name]
        print(f"{name} is not installed: {tests} will be skipped (Debian: apt install {package})")
    if missing:
        print("`.ci/run` installs all of it.\n")


if __name__ == "__main__":
    main()
