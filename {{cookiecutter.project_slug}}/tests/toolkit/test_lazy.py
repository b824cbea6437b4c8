"""A package whose public names are those of its stub, imported when they are first used."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

INIT = """\
from toolkit.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
"""
STUB = """\
'''What this package is about.'''

from a_lazy_package.slow import taken as taken
from a_lazy_package.slow import taken as renamed
from a_lazy_package.gone import broken as broken
from a_lazy_package.slow import absent as absent
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package with that stub, its submodule `slow`, and no submodule `gone`."""
    folder = tmp_path / "a_lazy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "__init__.pyi").write_text(STUB)
    (folder / "slow.py").write_text("taken = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(folder.name)
    for name in ("a_lazy_package", "a_lazy_package.slow"):
        sys.modules.pop(name, None)


def test_a_name_is_imported_when_it_is_first_used(package: Any) -> None:
    assert "a_lazy_package.slow" not in sys.modules
    taken = package.taken
    assert taken is sys.modules["a_lazy_package.slow"].taken
    assert package.renamed is taken
    assert vars(package)["taken"] is taken


def test_the_stub_is_the_list_of_names(package: Any) -> None:
    assert package.__all__ == ["absent", "broken", "renamed", "taken"]
    assert {*package.__all__, "__all__", "__file__"} <= {*dir(package)}


def test_submodules_and_names_are_imported_from_it_as_from_any_package(package: Any) -> None:
    namespace: dict[str, Any] = {}
    exec("from a_lazy_package import slow, taken", namespace)  # noqa: S102 - our own text
    assert namespace["taken"] is namespace["slow"].taken


def test_an_unknown_name_is_an_attribute_error_that_names_the_package(package: Any) -> None:
    with pytest.raises(AttributeError, match="module 'a_lazy_package' has no attribute 'nonsense'"):
        package.nonsense  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nonsense' from 'a_lazy_package'"):
        exec("from a_lazy_package import nonsense")  # noqa: S102 - our own text


def test_a_stub_that_is_wrong_says_which_module_or_name_is_missing(package: Any) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"a_lazy_package\.gone"):
        package.broken  # noqa: B018
    with pytest.raises(AttributeError, match=r"'a_lazy_package\.slow' has no attribute 'absent'"):
        package.absent  # noqa: B018
