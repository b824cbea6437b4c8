"""The gate on the examples: their specs would notice mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support import Render


@pytest.mark.parametrize("example", ["booking", "blank"])
def test_the_specs_of_an_example_would_notice_mistakes(example: str, render: Render) -> None:
    project = render(example=example)

    done = subprocess.run(
        [sys.executable, "-m", "toolkit.harness", "--json"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=True,
    )

    verdict = json.loads(done.stdout)
    assert verdict["failures"] == []
    assert verdict["ok"]
    assert verdict["strength"]["fraction"] >= 0.9
    assert verdict["strength"]["changes"] >= 9
