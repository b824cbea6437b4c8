"""An exception in four lines: what it is, and the line of the bot that it comes from."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import toolkit
from toolkit.harness.simulator.recorder import headline_of

FRAME = re.compile(
    r'^[ |]*File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>.+)\n(?:[ |]{4,}(?P<code>.+))?',
    re.MULTILINE,
)
FOREIGN = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Failure:
    """What was raised, and where: `place` is a path with the number of a line."""

    headline: str
    place: str = ""
    function: str = ""
    code: str = ""


def read_failure(trace: str) -> Failure:
    """Read the traceback of an exception.

    The line is the last one of the bot's own: what it called, a library or the toolkit, cannot be
    mended there.
    """
    frames = own_frames(trace) or [*FRAME.finditer(trace)]
    if not frames:
        return Failure(headline_of(trace))
    found = frames[-1]
    path = Path(found["path"])
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    place = f"{shown}:{found['line']}"
    return Failure(headline_of(trace), place, found["name"], (found["code"] or "").strip())


def own_frames(trace: str) -> list[re.Match[str]]:
    """Return what a traceback has of the bot's own code."""
    return [frame for frame in FRAME.finditer(trace) if _is_own(Path(frame["path"]))]


def _is_own(path: Path) -> bool:
    foreign: Sequence[Path] = (Path(toolkit.__file__).parent, Path(sysconfig.get_path("stdlib")))
    if any(name in path.parts for name in FOREIGN):
        return False
    return path.is_absolute() and not any(path.is_relative_to(each) for each in foreign)
