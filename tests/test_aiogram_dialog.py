"""aiogram-dialog's own tests and examples do on `create_bot` what they do on aiogram."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.slow

EXAMPLES = (
    *("input_media_group", "launch_modes", "list_group", "mega/bot", "multistack", "scrolls"),
    *("subdialog", "wizard"),
)
"""Those that install nothing else and write no file."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was released of the installed version: its examples and tests are in no wheel."""
    folder = tmp_path_factory.mktemp("aiogram-dialog")
    release = f"aiogram-dialog=={version('aiogram-dialog')}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
    subprocess.run([*command, "aiogram-dialog", release], cwd=folder, check=True)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as packed:
        packed.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def run(*arguments: str, folder: Path) -> str:
    """Run Python in a folder, with this repository at hand, and return what it prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path)),
        "BOT_TOKEN": "42:fake",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_its_tests_pass_with_its_test_tools(sources: Path) -> None:
    options = ["-p", "tests.dialog_kit", "-p", "no:cacheprovider", "-q", "-W", "ignore"]

    printed = run("-m", "pytest", *options, ".", folder=sources / "tests")

    made = re.search(r"(\d+) by create_bot", printed)
    passed = re.search(r"(\d+) passed", printed)
    assert made
    assert passed
    assert int(made[1]) > 10
    assert int(passed[1]) > 70


def test_its_examples_show_what_they_show_on_aiogram(sources: Path) -> None:
    examples = [f"{name}.py" for name in EXAMPLES]

    here, there = (
        run("-m", "tests.dialog_kit", framework, *examples, folder=sources / "example").splitlines()
        for framework in ("toolkit", "aiogram")
    )

    assert dict(zip(EXAMPLES, here, strict=True)) == dict(zip(EXAMPLES, there, strict=True))
    assert min(map(len, here)) > 500
