"""Start aiogram in a fraction of its time and memory: models are built when they are first used.

aiogram defers the building of its types, and then builds all of them at the end of
`aiogram/types/__init__.py`, each with everything that it refers to, because a model finds the
others only under names that its module imports for type checkers alone. Here these names are put
into the modules, so that pydantic finds them whenever it builds a model. The methods of the Bot
API, which aiogram does not defer, are deferred as well. Until a model is built its `model_fields`
has names in place of types; `model_rebuild()` builds it.

AIOGRAM_EAGER=1 in the environment leaves aiogram as it is, and so do versions that this was not
tested with.
"""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader

TESTED = {"aiogram": r"3\.31\.", "pydantic": r"2\.1[123]\."}
"""What the versions begin with that `tests/test_quick_aiogram.py` of the template compares."""

PACKAGE = "aiogram.types"


def install() -> None:
    """Have the first import of aiogram done quickly; call it before."""
    if PACKAGE in sys.modules:
        _debug("aiogram was imported before the toolkit: its models are all built")
    elif os.environ.get("AIOGRAM_EAGER", "0") in ("", "0"):
        sys.meta_path.insert(0, _Finder())


def warm_up() -> None:
    """Build the models that a message needs, so that the first user does not wait for them."""
    from aiogram.methods import EditMessageText, Response, SendMessage, SendPhoto
    from aiogram.types import CallbackQuery, Chat, Message, ReplyKeyboardMarkup, Update

    answers = Response[Message], Response[Message | bool], Response[bool], Response[list[Update]]
    types = (Update, Message, Chat, CallbackQuery, ReplyKeyboardMarkup)
    for model in (*types, SendMessage, EditMessageText, SendPhoto, *answers):
        model.model_rebuild()


def _debug(message: str, *arguments: str) -> None:
    import logging  # later: together with `importlib.abc` it takes as long as the whole toolkit

    logging.getLogger(__name__).debug(message, *arguments)


class _Finder:
    """Finds the types of aiogram as ever, and has them loaded by `_Quickly`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != PACKAGE:
            return None
        from importlib.metadata import version  # later: it costs more than the whole toolkit

        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        for package, tested in TESTED.items():
            if not re.match(tested, found := version(package)):
                _debug("not tested with %s %s: its models are all built", package, found)
                return spec
        if spec is not None and spec.loader is not None:
            spec.loader = _Quickly(spec.loader)  # type: ignore[assignment]
        return spec


class _Quickly:
    def __init__(self, usual: Loader) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        from pydantic import BaseModel

        rebuild: Any = vars(BaseModel)["model_rebuild"]
        config = BaseModel.model_config
        collecting = gc.isenabled()

        def not_yet(cls: type[BaseModel], /, **options: Any) -> bool | None:
            if cls.__module__.startswith(f"{PACKAGE}."):
                return None
            result: bool | None = rebuild.__get__(None, cls)(**options)
            return result

        BaseModel.model_rebuild = classmethod(not_yet)  # type: ignore[method-assign, assignment]
        # The methods of the Bot API, which aiogram does not defer.
        BaseModel.model_config = {**config, "defer_build": True}
        # What is made here stays for good: to look through it again and again finds nothing.
        gc.disable()
        try:
            self._usual.exec_module(module)
        finally:
            BaseModel.model_rebuild = rebuild  # type: ignore[method-assign]
            BaseModel.model_config = config
            if collecting:
                gc.enable()
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._usual
        names = {name: getattr(module, name) for name in module.__all__}
        for name, submodule in list(sys.modules.items()):
            if name.startswith(f"{PACKAGE}."):
                for each, value in names.items():
                    vars(submodule).setdefault(each, value)
        _build_before_subclasses(module.TelegramObject)


def _build_before_subclasses(base: Any) -> None:
    """Have a model built before another inherits its fields: pydantic resolves them only there.

    One with `never_validated = True` in its class is made by `model_construct` alone.
    """

    def __init_subclass__(cls: Any, /, **options: Any) -> None:  # noqa: N807 - Python's name
        super(base, cls).__init_subclass__(**options)
        if vars(cls).get("never_validated"):
            return
        for model in cls.__mro__[1:]:
            if model.__module__.startswith(f"{PACKAGE}.") and issubclass(model, base):
                model.model_rebuild()

    base.__init_subclass__ = classmethod(__init_subclass__)
