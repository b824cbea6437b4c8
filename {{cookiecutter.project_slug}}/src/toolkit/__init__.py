"""Sessions, stores, delivery and a test harness for aiogram bots.

The public names are those of `__init__.pyi`; a bot imports from here and nothing deeper.
"""

from __future__ import annotations

from toolkit import quick_aiogram
from toolkit.lazy import attach_stub

quick_aiogram.install()
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
