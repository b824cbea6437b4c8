"""What all parsers share: errors, lengths and the entity an open tag becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.harness.types import Json

SPACES = frozenset(" \t\r\n\v\0")


class EntityError(ValueError):
    """The text cannot be formatted; the message is the server's."""


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_offset(text: str, position: int) -> int:
    """Return where a position of the text is in its UTF-8 form."""
    return len(text[:position].encode("utf-8", "surrogatepass"))


def entity(kind: str, offset: int, length: int, **fields: Any) -> Json:
    """Return a Bot API MessageEntity."""
    return {"type": kind, "offset": offset, "length": length, **fields}


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
        self.length += utf16_length(piece)

    def since(self, start: int) -> str:
        """Return the text after the first `start` pieces."""
        return "".join(self.pieces[start:])
