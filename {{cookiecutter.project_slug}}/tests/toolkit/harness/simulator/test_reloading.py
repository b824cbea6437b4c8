"""The bot's code is loaded by name, and anew when a file of it changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.harness.simulator.reloading import BotSource


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `shop` with a factory in `shop.app` that uses `shop.texts`."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "texts.py").write_text("HELLO = 'one'\n")
    (folder / "app.py").write_text(
        "from shop.texts import HELLO\n\ndef make():\n    return HELLO\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
        del sys.modules[name]


def test_a_changed_module_is_seen_by_those_that_import_it(package: Path) -> None:
    source = BotSource("shop.app:make")
    assert source.load()() == "one"
    assert not source.has_changed()
    (package / "texts.py").write_text("HELLO = 'two'\n")  # as long as before, in the same second
    assert source.has_changed()
    assert source.load()() == "two"
    assert not source.has_changed()


def test_new_and_removed_files_are_changes(package: Path) -> None:
    source = BotSource("shop.app:make")
    source.load()
    (package / "features").mkdir()
    (package / "features" / "tea.py").touch()
    assert source.has_changed()
    source.load()
    (package / "features" / "tea.py").unlink()
    assert source.has_changed()


def test_a_folder_that_goes_while_it_is_looked_at_is_a_change(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = BotSource("shop.app:make")
    source.load()

    def files(self: BotSource) -> Iterator[Path]:
        yield package / "texts.py"
        raise FileNotFoundError(package / "features")

    monkeypatch.setattr(BotSource, "_files", files)
    assert source.has_changed()


def test_code_that_cannot_be_imported_leaves_the_old_modules_in_place(package: Path) -> None:
    source = BotSource("shop.app:make")
    make = source.load()
    (package / "texts.py").write_text("HELLO = \n")
    with pytest.raises(SyntaxError):
        source.load()
    assert sys.modules["shop.app"].make is make
    assert not source.has_changed()  # it is not tried again before it is edited again
    (package / "texts.py").write_text("HELLO = 'fixed'\n")
    assert source.has_changed()
    assert source.load()() == "fixed"


def test_other_packages_are_left_alone(package: Path) -> None:
    (package.parent / "shopkeeper.py").write_text("NAME = object()\n")
    (package / "app.py").write_text("from shopkeeper import NAME\n\ndef make():\n    return NAME\n")
    source = BotSource("shop.app:make")
    first = source.load()()
    assert source.load()() is first


def test_a_single_module_is_watched_too(package: Path) -> None:
    file = package.parent / "solo.py"
    file.write_text("def make():\n    return 1\n")
    source = BotSource("solo:make")
    assert source.load()() == 1
    file.write_text("def make():\n    return 22\n")
    assert source.has_changed()
    assert source.load()() == 22


def test_a_name_that_leads_nowhere_is_refused() -> None:
    with pytest.raises(ModuleNotFoundError):
        BotSource("no_such_package.app:make").load()
