"""`open_storage` finds the store for a URL, and imports nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from toolkit import storage
from toolkit.storage import BACKENDS, default_url, open_storage
from toolkit.storage.base import SharedSessionStorage


@pytest.mark.parametrize("name", BACKENDS)
def test_every_default_url_opens_without_a_connection(name: str) -> None:
    assert isinstance(open_storage(BACKENDS[name].default_url), SharedSessionStorage)


def test_the_last_store_of_the_table_is_the_default() -> None:
    assert default_url() == list(BACKENDS.values())[-1].default_url


@pytest.mark.parametrize("url", ["", "bot.db", "nosuch://localhost", "MEMORY"])
def test_an_unknown_url_is_refused_with_those_that_would_do(url: str) -> None:
    with pytest.raises(ValueError, match="this project has memory:"):
        open_storage(url)


def test_a_refusal_shows_no_password() -> None:
    with pytest.raises(ValueError, match="nosuch:") as refusal:
        open_storage("nosuch://user:secret@localhost")
    assert "secret" not in str(refusal.value)


def foreign_imports(script: str) -> set[str]:
    """Run a script, and return what it imported from outside the toolkit and Python."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nbefore = set(sys.modules)\n{script}\n{REPORT}"],
        env={"PYTHONPATH": str(Path(storage.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


REPORT = """
roots = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*roots - set(sys.stdlib_module_names) - {"toolkit", "__mp_main__"})
"""


def test_the_table_of_stores_imports_no_driver() -> None:
    assert foreign_imports("import toolkit.storage") == set()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_store_needs_no_telegram(name: str) -> None:
    script = (
        "from toolkit.storage import BACKENDS, open_storage\n"
        f"open_storage(BACKENDS[{name!r}].default_url)"
    )
    assert "aiogram" not in foreign_imports(script)
