"""The bot's own code: imported by name, and imported again when its files change."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from toolkit.harness.specs.running_bot import load_factory

WATCHED = (".py", ".toml", ".po")
"""Files that make a bot: code, data, and texts in other languages."""


class BotSource:
    """The factory that `target` (`module:function`) names, and the files it is written in."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._package = target.partition(":")[0].partition(".")[0]
        self._seen: dict[Path, int] = {}

    def load(self) -> Any:
        """Return the factory, made of the code as it is on disk now.

        Raises whatever importing raises; the modules that were there before stay in place then.
        """
        self._seen = self._stamps()
        before = {name: sys.modules.pop(name) for name in list(sys.modules) if self._is_own(name)}
        try:
            self._forget_bytecode(before)
            importlib.invalidate_caches()
            return load_factory(self.target)
        except BaseException:
            for name in [name for name in sys.modules if self._is_own(name)]:
                del sys.modules[name]
            sys.modules.update(before)
            raise

    def has_changed(self) -> bool:
        """Tell whether a file was changed, added or removed since `load`."""
        return self._stamps() != self._seen

    def _is_own(self, name: str) -> bool:
        return name == self._package or name.startswith(f"{self._package}.")

    def _stamps(self) -> dict[Path, int]:
        stamps = {}
        # Editors put files aside while they save, and whole folders go with another branch.
        with contextlib.suppress(FileNotFoundError):
            for path in self._files():
                with contextlib.suppress(FileNotFoundError):
                    stamps[path] = path.stat().st_mtime_ns
        return stamps

    def _files(self) -> Iterator[Path]:
        try:
            spec = importlib.util.find_spec(self._package)
        except ValueError:  # a module that a test made by hand has no spec
            return
        if spec is None:
            return
        for folder in spec.submodule_search_locations or ():
            for path in Path(folder).rglob("*"):
                if path.suffix in WATCHED:
                    yield path
        if not spec.submodule_search_locations and spec.origin is not None:
            yield Path(spec.origin)

    @staticmethod
    def _forget_bytecode(modules: dict[str, ModuleType]) -> None:
        # A cached .pyc knows its source by whole seconds and size, so an edit can hide behind it.
        for module in modules.values():
            if file := getattr(module, "__file__", None):
                Path(importlib.util.cache_from_source(cast(str, file))).unlink(missing_ok=True)
