"""Texts that look empty, and names as the server keeps them."""

from __future__ import annotations

import re

_SPACES = re.compile(
    "[\u1680\u180e\u2000-\u200a\u202e\u202f\u205f\u2800\u3000\ufffc\U000e0000-\U000e007f]"
)
_VISIBLE = re.compile("[^ \n\u200b-\u200f\u202e\ufeff\u00a0]")
_RUN = re.compile("[ \n\u00a0]+")
_TRIMMED = " \t\r\n\v\0"


def without_empty(text: str, most: int) -> str:
    """Return a text without space around it; empty when nothing of it can be seen."""
    text = _SPACES.sub(" ", text).strip(_TRIMMED)[:most].strip(_TRIMMED)
    return text if _VISIBLE.search(text) else ""


def looks_empty(text: str) -> bool:
    """Tell whether nothing of a text can be seen."""
    return not (text.isascii() and text) and not without_empty(text, len(text))


def clean_name(text: str, most: int) -> str:
    """Return a title or a name on one line, cut to its length."""
    return _RUN.sub(" ", without_empty(text, most)).strip(_TRIMMED)
