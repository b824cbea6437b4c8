"""Entities that Telegram finds by itself: commands, mentions, hashtags, links, addresses.

Close to the server for everyday texts; phone and bank card numbers are not looked for.
"""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.entities.base import entity, utf16_length
from toolkit.harness.types import Json

_DOMAINS = (
    "com|org|net|info|biz|me|io|dev|app|co|ru|su|uk|de|fr|it|es|eu|us|ua|tv|ai|xyz|online|site"
)
# By kind: what a text with such an entity has, which is quicker to look for, and the pattern.
_PATTERNS = {
    "url": (
        (".", "://"),
        re.compile(
            r"(?<![\w@.:/-])(?:(?:https?|ftp|tonsite)://[^\s<>\"'`()\[\]{}]+|"
            rf"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_DOMAINS})(?![\w@-])"
            r"(?::\d{1,5})?(?:[/?#][^\s<>\"'`()\[\]{}]*)?)",
            re.IGNORECASE,
        ),
    ),
    "email": (
        ("@",),
        re.compile(
            r"(?<![\w.+-])(?:[a-z0-9_-]{0,26}[.+]){0,10}[a-z0-9_-]{1,35}"
            r"@(?:(?:[a-z0-9][a-z0-9_-]{0,28})?[a-z0-9]\.){1,6}[a-z]{2,8}(?![\w@])",
            re.IGNORECASE,
        ),
    ),
    "bot_command": (
        ("/",),
        re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])"),
    ),
    "mention": (("@",), re.compile(r"(?<![\w@])@[A-Za-z0-9_]{3,32}(?!\w)")),
    "hashtag": (
        ("#",),
        re.compile(r"(?<![\w\u200c#])#(?=\w*[^\W\d_])[\w\u200c]{1,256}(?![\w\u200c]*#)"),
    ),
    "cashtag": (("$",), re.compile(r"(?<![\w$\u200c])\$(?:1INCH|[A-Z]{1,8})(?![\w$\u200c])")),
}


def find_entities(text: str) -> list[Json]:
    """Return what is there without any markup, in order and without overlaps."""
    taken: list[tuple[int, int, str]] = []
    for kind, (marks, pattern) in _PATTERNS.items():
        if not any(mark in text for mark in marks):
            continue
        for found in pattern.finditer(text):
            start, end = found.start(), found.start() + len(_visible(kind, found.group()))
            if all(end <= begin or stop <= start for begin, stop, _ in taken):
                taken.append((start, end, kind))
    return [
        entity(kind, utf16_length(text[:start]), utf16_length(text[start:end]))
        for start, end, kind in sorted(taken)
    ]


def _visible(kind: str, text: str) -> str:
    """Return a link without the punctuation that ends the sentence around it."""
    return text.rstrip(".,:;!?#…'\"") if kind == "url" else text
