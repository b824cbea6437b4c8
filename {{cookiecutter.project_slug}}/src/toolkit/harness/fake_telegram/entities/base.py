"""What all parsers share: errors, lengths and the entity an open tag becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.harness.types import Json

SPACES = frozenset(" \t\r\n\v\0")
STYLES = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
CODE = ("code", "pre", "date_time")
_RANKS = {"custom_emoji": 99, "text_link": 49, "text_mention": 49, "date_time": 30, "code": 20}
_RANKS |= dict(zip(STYLES, (90, 91, 92, 93, 94), strict=True)) | dict.fromkeys(QUOTES, 0)
_FOUND = 50
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


class EntityError(ValueError):
    """The text cannot be formatted; the message is the server's."""


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_offset(text: str, position: int) -> int:
    """Return where a position of the text is in its UTF-8 form."""
    return len(text[:position].encode("utf-8", "surrogatepass"))


def lower(text: str) -> str:
    """Return the text with small letters for A to Z, and nothing else changed."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def entity(kind: str, offset: int, length: int, **fields: Any) -> Json:
    """Return a Bot API MessageEntity."""
    return {"type": kind, "offset": offset, "length": length, **fields}


def end_of(found: Json) -> int:
    """Return where an entity ends, in UTF-16 units."""
    return int(found["offset"]) + int(found["length"])


def order_of(found: Json) -> tuple[int, int, int]:
    """Return the key by which the server sorts entities: place, the longest first, then kind."""
    kind = found["type"]
    if kind == "pre":
        return found["offset"], -found["length"], 10 if found.get("language") else 11
    return found["offset"], -found["length"], _RANKS.get(kind, _FOUND)


@dataclass
class Open:
    """An entity whose end has not been found yet."""

    kind: str
    argument: str
    offset: int  # in the result, UTF-16 units
    source: int  # in the source, characters
    start: int  # in the result, pieces


class Output:
    """The text without markup, with its length in UTF-16 units."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0

    def add(self, piece: str) -> None:
        """Append text."""
        self.pieces.append(piece)
        self.length += len(piece) if piece.isascii() else utf16_length(piece)

    def since(self, start: int) -> str:
        """Return the text after the first `start` pieces."""
        return "".join(self.pieces[start:])


def language_at(text: str, pos: int, end: int) -> tuple[str, int]:
    """Return the language of a block of code, empty for none, and where the code begins."""
    stop = pos
    while text[stop] not in SPACES and text[stop] != "`":
        stop += 1
    language = text[pos:stop] if pos < stop < end and text[stop] != "`" else ""
    pos += len(language)
    return language, pos + _newline_at(text, pos)


def _newline_at(text: str, pos: int) -> int:
    """Return how many characters the one line break at `pos` takes."""
    first, second = text[pos], text[pos + 1]
    if first not in "\r\n":
        return 0
    return 2 if second in "\r\n" and second != first else 1
