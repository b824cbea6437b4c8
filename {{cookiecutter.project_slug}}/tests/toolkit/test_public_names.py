"""`import toolkit` is cheap, and each top-level module can be imported alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import toolkit

ROOT = Path(toolkit.__file__).parent
MODULES = sorted(
    f"toolkit.{path.stem}" for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()
)
WITHOUT_AIOGRAM = (
    "toolkit",
    "toolkit.storage",
    "toolkit.sessions.codec",
    "toolkit.sessions.keys",
    "toolkit.sessions.checkout",
    "toolkit.admin.verbs",
    "toolkit.harness.fake_telegram",
    "toolkit.harness.specs.spec",
)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT.parent
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", vars(toolkit)["__all__"])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(toolkit, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(toolkit, "nonsense")  # noqa: B009


@pytest.mark.parametrize("module", WITHOUT_AIOGRAM)
def test_aiogram_is_not_imported_needlessly(module: str) -> None:
    assert run(f"import sys, {module}; print('aiogram' in sys.modules)") == "False\n"


@pytest.mark.parametrize(
    "code",
    [
        "import bot.app; bot.app.make_bot()",
        "from bot.__main__ import main; main(['sessions', 'list', '--storage', 'memory:'])",
    ],
)
def test_production_does_without_the_harness(code: str) -> None:
    # A process of its own, as aiogram has to be imported anew: that takes seconds.
    command = [sys.executable, "-c", f"import sys; sys.modules['toolkit.harness'] = None; {code}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT.parent)
    assert "Error" not in result.stderr
