"""What is one emoji, by the ranges of Unicode that have them."""

from __future__ import annotations

import re

_BASE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u23cf"
    "\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170-\U0001f251"
    "\U0001f300-\U0001faff]"
)
_ONE = f"{_BASE}[\U0001f3fb-\U0001f3ff]?\ufe0f?[\U000e0020-\U000e007f]*"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_KEY = "[0-9#*]\ufe0f?\u20e3"
_EMOJI = re.compile(f"{_FLAG}|{_KEY}|{_ONE}(?:\u200d{_ONE})*")


def is_emoji(text: str) -> bool:
    """Tell whether a text is one emoji and nothing else."""
    return bool(_EMOJI.fullmatch(text))
