"""Tests of a bot without a token, and conversations with it.

`Person` and `RunningBot` talk to a bot in Python, `run_spec` runs a dialogue from JSON, and
`FakeTelegram` is the Telegram of both. `converse` and `serve` let you talk to it yourself.
"""

from __future__ import annotations

from toolkit.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
