"""The public names of `toolkit.harness`, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import toolkit.harness


@pytest.mark.parametrize("name", vars(toolkit.harness)["__all__"])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(toolkit.harness, name) is not None


def test_importing_the_harness_imports_no_aiogram() -> None:
    code = (
        "import sys, toolkit.harness; toolkit.harness.load_specs; print('aiogram' in sys.modules)"
    )
    source = Path(toolkit.harness.__file__).parents[2]
    assert subprocess.check_output([sys.executable, "-c", code], cwd=source) == b"False\n"
