"""The Bot API methods, by name. A new one is a decorated function in the module of its subject."""

from __future__ import annotations

from . import callbacks, commands, messages  # noqa: F401 - they register their methods
from .registry import Request, Upload, method, run

__all__ = ["Request", "Upload", "method", "run"]
