"""`open_storage` finds the store for a URL, and imports nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from toolkit import storage
from toolkit.storage import BACKENDS, SharedSessionStorage, default_url, open_storage


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


@pytest.mark.parametrize("name", BACKENDS)
def test_opening_a_store_imports_neither_the_framework_nor_a_driver(name: str) -> None:
    script = f"""
import sys
from toolkit.storage import BACKENDS, open_storage
open_storage(BACKENDS[{name!r}].default_url)
roots = {{module.partition(".")[0] for module in sys.modules}}
foreign = roots - set(sys.stdlib_module_names) - {{"toolkit", "__main__", "__mp_main__"}}
print(*sorted(module for module in foreign if not module.startswith("_")))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(Path(storage.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
