"""Every benchmark runs, and its JSON holds what the documentation is made of. No time is judged."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
NAMES = sorted(
    path.stem
    for path in BENCHMARKS.glob("*.py")
    if "arguments(" in path.read_text() and path.stem != "measure"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the benchmarks' own environment, which `make env` installs once."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "bench.lock").open("w") as lock:
        # Other workers wait for the one that installs.
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "--silent", "env"], cwd=BENCHMARKS, check=True)
    return ROOT / "build" / "bench" / "bin" / "python"


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_in_small_and_writes_its_figures(
    name: str, python: Path, tmp_path: Path
) -> None:
    figures, plot = tmp_path / "figures.json", tmp_path / "plot.svg"
    options = ["--quick", "--json", str(figures), "--plot", str(plot)]
    command = [str(python), f"{name}.py", *options]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, env=environment)

    assert done.returncode == 0, done.stderr
    report = json.loads(figures.read_text())
    assert report["benchmark"] == name
    assert {"cpu", "cores", "python", "load before"} <= report["machine"].keys()
    assert any(row["contender"].startswith("ours") for row in report["rows"])
    for row in report["rows"]:
        assert row["low"] <= row["median"] <= row["high"]
        assert len(row["values"]) >= 1
        assert row["contender"] in done.stdout
    for line in report["reach"]:
        assert line.keys() == {"line", "wanted", "measured", "met"}
    assert "<svg" in plot.read_text()
