"""What is to be read and to be tapped in a rich message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.harness.types import Json


def text_of(message: Json) -> str:
    """Return what is to be read in a message: its text, its caption, or what its blocks say."""
    blocks = message.get("rich_message", {}).get("blocks", [])
    return str(message.get("text") or message.get("caption") or plain_text(blocks))


def plain_text(blocks: list[Json]) -> str:
    """Return what is to be read in blocks, line by line."""
    return "\n".join(text for block in blocks for text in _texts(block))


def _texts(block: Json) -> Iterator[str]:
    if "expression" in block:
        yield block["expression"]
    for name in ("summary", "text"):
        if name in block:
            yield plain(block[name])
    for inner in (*block.get("blocks", []), *block.get("items", [])):
        yield from _texts(inner)
    for row in block.get("cells", []):
        yield "\t".join(plain(cell.get("text", "")) for cell in row)
    for button in block.get("buttons", []):
        yield plain(button["text"])
    caption = block.get("caption")
    if isinstance(caption, dict) and "type" not in caption:  # that of a table is a text
        caption = caption["text"]
    if caption:
        yield plain(caption)


def buttons_in(value: Any) -> Iterator[Json]:
    """Iterate over the buttons in blocks and in their texts, labelled by plain text."""
    if isinstance(value, list):
        for each in value:
            yield from buttons_in(each)
    elif isinstance(value, dict):
        found = [*value.get("buttons", []), *([value["button"]] if "button" in value else [])]
        for button in found:
            yield {**button, "text": plain(button["text"])}
        for name in ("text", "summary", "blocks", "items", "cells", "caption"):
            yield from buttons_in(value.get(name))


def plain(text: Any) -> str:
    """Return what is to be read of a RichText."""
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(map(plain, text))
    if "button" in text:
        return plain(text["button"]["text"])
    alone = text.get("alternative_text", text.get("expression", ""))
    return plain(text.get("text", alone))
