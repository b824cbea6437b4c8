"""The command line in docs/testing.md works as it stands; the template runs the other examples."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import toolkit
from toolkit.harness.__main__ import read_arguments

PAGE = Path(toolkit.__file__).parents[2] / "docs" / "testing.md"


def test_the_command_line_is_one_that_the_gate_reads() -> None:
    (command,) = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    options = read_arguments(shlex.split(command)[3:])
    assert options.bot == "bot.app:make_bot"
    assert options.specs == ["tests/specs/*.json"]
