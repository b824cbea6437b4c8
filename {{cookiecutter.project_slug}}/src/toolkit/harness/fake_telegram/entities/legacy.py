"""The legacy Markdown style, https://core.telegram.org/bots/api#markdown-style."""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.entities.base import (
    EntityError,
    Output,
    byte_offset,
    entity,
    language_at,
)
from toolkit.harness.fake_telegram.entities.links import link_entity
from toolkit.harness.types import Json

_PLAIN = re.compile(r"\\|[^\\_*`\[]+")
_KINDS = {"_": "italic", "*": "bold", "[": "text_link", "`": "code"}


def parse_markdown(text: str) -> tuple[str, list[Json]]:
    """Read the legacy style, without nesting; raise EntityError."""
    source, end, pos = text + "\0\0\0", len(text), 0
    out = Output()
    entities: list[Json] = []
    while pos < end:
        char = source[pos]
        if char == "\\" and source[pos + 1] in "_*`[":
            out.add(source[pos + 1])
            pos += 2
        elif plain := _PLAIN.match(source, pos, end):
            out.add(plain.group())
            pos = plain.end()
        else:
            pos = _entity(source, end, pos, out, entities)
    return "".join(out.pieces), entities


def _entity(source: str, end: int, begin: int, out: Output, entities: list[Json]) -> int:
    char = source[begin]
    mark = "```" if source.startswith("```", begin) else "]" if char == "[" else char
    pos, language = begin + (len(mark) if char == "`" else 1), ""
    if mark == "```":
        language, pos = language_at(source, pos, end)
    close = source.find(mark, pos, end)
    if close < 0:
        offset = byte_offset(source, begin)
        raise EntityError(f"Can't find end of the entity starting at byte offset {offset}")
    content, offset, written = source[pos:close], out.length, len(out.pieces)
    out.add(content)
    pos = close + len(mark)
    if not content:
        return pos
    kind = _KINDS[char]
    fields: Json | None = {}
    if mark == "```":
        kind, fields = "pre", {"language": language} if language else {}
    elif kind == "text_link":
        if source[pos] == "(":
            stop = source.find(")", pos, end)
            stop = end if stop < 0 else stop
            url, pos = source[pos + 1 : stop], stop + 1
        else:
            url = _as_read(content, byte_offset(source, begin + 1) - _size(out.pieces[:written]))
        kind, fields = link_entity(url)
    if fields is not None:
        entities.append(entity(kind, offset, out.length - offset, **fields))
    return pos


def _as_read(content: str, shift: int) -> str:
    """Return the address that the server takes from a link without one.

    It has written the text over its source by then, `shift` bytes further left.
    """
    source = content.encode()
    seen = source[shift:] + source[-shift:] if shift < len(source) else source
    return seen.decode(errors="surrogateescape")


def _size(pieces: list[str]) -> int:
    return sum(len(piece.encode()) for piece in pieces)
