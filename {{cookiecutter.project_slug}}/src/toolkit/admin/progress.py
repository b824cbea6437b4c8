"""A progress line on a terminal; elsewhere nothing is shown."""

from __future__ import annotations

import sys
import time

_WIDTH = 24


class Progress:
    """One line on the terminal that changes, with the messages above it."""

    every = 0.1
    """Seconds between two changes of the line."""

    def __init__(self, doing: str, *, hidden: bool = False) -> None:
        self._doing = doing
        self._shown = sys.stderr.isatty() and not hidden
        self._line = ""
        self._next = 0.0

    def show(self, records: int, share: float | None = None) -> None:
        """Say how many records are done; `share` is their part of all, where known."""
        if not self._shown or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every
        bar = ""
        if share is not None:
            filled = round(min(share, 1.0) * _WIDTH)
            bar = f" [{'#' * filled}{'.' * (_WIDTH - filled)}] {min(share, 1.0):.0%}"
        self._put(f"{self._doing} {records:,}{bar}")

    def say(self, message: str) -> None:
        """Write a message that stays."""
        self._put("")
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Clear the line."""
        self._put("")

    def _put(self, line: str) -> None:
        if line or self._line:
            sys.stderr.write(f"\r{line.ljust(len(self._line))}{'' if line else chr(13)}")
            sys.stderr.flush()
        self._line = line
