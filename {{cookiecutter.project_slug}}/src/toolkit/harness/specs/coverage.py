"""Coverage: which of the declared commands the specs exercise.

A command is covered by a step that sends it as text and expects at least one call. Commands are
case-sensitive, as they are for the bot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from toolkit.harness.specs.spec import BotSpec, SpecError

COMMAND = re.compile(r"/(\w+)(?:@\w+)?(?!\S)")


@dataclass(frozen=True)
class Coverage:
    """Declared commands without slash, sorted, and which of them the specs exercise."""

    declared: list[str]
    covered: list[str]
    missing: list[str]

    @property
    def fraction(self) -> float:
        """Covered of declared, from 0 to 1; 1 when nothing is declared."""
        return len(self.covered) / len(self.declared) if self.declared else 1.0

    def as_json(self) -> dict[str, Any]:
        """Return the object that stands in a GATE line."""
        return {**asdict(self), "fraction": self.fraction}


def measure(specs: Iterable[BotSpec], declared: Iterable[str]) -> Coverage:
    """Compare the commands that the specs exercise with the declared ones."""
    names = sorted({name.strip().removeprefix("/").partition("@")[0] for name in declared} - {""})
    sent = {command for spec in specs for command in commands_of(spec)}
    return Coverage(
        names, [name for name in names if name in sent], [n for n in names if n not in sent]
    )


def commands_of(spec: BotSpec) -> set[str]:
    """Return the commands that this spec sends and expects a call after."""
    return {
        found[1]
        for step in spec.steps
        for send in step.sends
        if step.expect and send.kind == "text" and (found := COMMAND.match(send.value.lstrip()))
    }


def load_commands(file: str | Path) -> list[str]:
    """Read declared commands: a JSON array of names or of `{"command", "description"}` objects.

    Raise `SpecError` when the file is not that.
    """
    try:
        data = json.loads(Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SpecError(f"{file}: cannot be read as JSON: {error}") from error
    items = data if isinstance(data, list) else [data]
    names = [item.get("command") if isinstance(item, dict) else item for item in items]
    found = [name for name in names if isinstance(name, str)]
    if not isinstance(data, list) or len(found) < len(names):
        raise SpecError(
            f'{file}: must be an array of commands, ["start", …] or [{{"command": "start"}}, …]'
        )
    return found
