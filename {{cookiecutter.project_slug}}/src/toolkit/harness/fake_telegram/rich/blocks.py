"""The blocks of a rich message, read as InputRichBlock and kept as RichBlock.

https://core.telegram.org/bots/api#inputrichblock
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.media_kinds import describe, find_file, is_named
from toolkit.harness.fake_telegram.methods.media import input_media
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rich.labels import label_of
from toolkit.harness.fake_telegram.rich.text import MAX_DEPTH, read_button, read_text
from toolkit.harness.types import Json

MAX_BLOCKS, MAX_CHARACTERS, MAX_MEDIA = 500, 32_768, 50
MAX_SIDE, MAX_RATIO, MAX_ZOOM = 10_000, 20, 24
MEDIA = ("animation", "audio", "document", "photo", "video", "voice_note")


class Blocks:
    """Reads blocks; what is wrong beside their JSON is kept for later, in `refusals`."""

    def __init__(self, request: Request, *, detects: bool, draft: bool) -> None:
        self._request = request
        self._detects = detects
        self._draft = draft
        self.refusals: list[str] = []
        self.count = 0
        self.media: list[Callable[[], None]] = []

    def read(self, values: Any, depth: int = 0) -> list[Json]:
        """Return the RichBlocks of an array of InputRichBlocks; a Problem for what is none."""
        if not isinstance(values, list):
            raise Problem("Expected an Array of InputRichBlock")
        if depth > MAX_DEPTH:
            raise Problem("Too deep nesting")
        return [self._block(value, depth) for value in values]

    def _block(self, value: Any, depth: int) -> Json:
        with parsing("InputRichBlock"):
            block = fields.an_object(value)
            kind = fields.required_text(block, "type")
            self.count += 1
            if kind in MEDIA:
                return self._media(block, kind)
            reader = _READERS.get(kind)
            if reader is None or (kind == "thinking" and not self._draft):
                raise Problem(f'type "{kind}" is unsupported')
            return {"type": kind, **reader(self, block, depth + 1)}

    def text(self, block: Json, name: str = "text", *, required: bool = True) -> Json:
        """Return a RichText under its name; nothing where there is none, and need not be."""
        if name not in block and not required:
            return {}
        return {name: read_text(fields.need(block, name), detects=self._detects)}

    def caption(self, block: Json) -> Json:
        """Return the caption of a block, where it has one."""
        given = fields.nested(block, "caption")
        if given is None:
            return {}
        return {"caption": self.text(given) | self.text(given, "credit", required=False)}

    def _media(self, block: Json, kind: str) -> Json:
        given = fields.required_nested(block, kind)
        made: Json = {"type": kind, **self.caption(block)}
        if kind in ("animation", "photo", "video") and fields.flag(given, "has_spoiler"):
            made["has_spoiler"] = True
        name, content = self._file(given, kind)
        self.media.append(lambda: made.update({kind: content()[name]}))
        return made

    def _file(self, given: Json, kind: str) -> tuple[str, Callable[[], Json]]:
        """Return the kind of a file, and what describes it later."""
        if kind != "voice_note":
            bare = {key: each for key, each in given.items() if "caption" not in key}
            return input_media(self._request, {**bare, "type": kind})
        name = fields.text(given, "media")
        if not is_named(self._request, "", name):
            raise Problem("media not found")
        return "voice", lambda: describe(find_file(self._request, "voice", name), "voice", given)

    def refuse(self, text: str) -> None:
        """Keep what the server refuses when it has looked at the chat."""
        self.refusals.append(text)


def _sized(blocks: Blocks, block: Json, _: int) -> Json:
    size = fields.required_integer(block, "size")
    if not 1 <= size <= 6:
        blocks.refuse("invalid section heading size specified")
    return {**blocks.text(block), "size": size}


def _code(blocks: Blocks, block: Json, _: int) -> Json:
    language = fields.text(block, "language")
    text = {"text": read_text(fields.need(block, "text"))}
    return {**text, "language": language} if language else text


def _quote(blocks: Blocks, block: Json, _: int) -> Json:
    return blocks.text(block) | blocks.text(block, "credit", required=False)


def _nested(blocks: Blocks, block: Json, depth: int) -> Json:
    return {"blocks": blocks.read(fields.need(block, "blocks"), depth)}


def _details(blocks: Blocks, block: Json, depth: int) -> Json:
    opened = {"is_open": True} if fields.flag(block, "is_open") else {}
    return blocks.text(block, "summary") | _nested(blocks, block, depth) | opened


def _list(blocks: Blocks, block: Json, depth: int) -> Json:
    items = []
    for number, value in enumerate(fields.required_nested(block, "items", list), 1):
        item = fields.an_object(value)
        fields.check_flags(item, ("has_checkbox", "is_checked"))
        kind, given = fields.text(item, "type"), fields.integer(item, "value")
        if kind not in ("", *"aAiI1"):
            blocks.refuse("invalid list item type specified")
        made = {"label": label_of(kind, given or number), **_nested(blocks, item, depth)}
        made |= {name: True for name in ("has_checkbox", "is_checked") if item.get(name)}
        items.append(made | ({"value": given or number, "type": kind} if kind else {}))
        blocks.count += 1
    if not items:
        blocks.refuse("list must be non-empty")
    elif len({"type" in item for item in items}) > 1:
        blocks.refuse("list must be either ordered or unordered")
    return {"items": items}


def _table(blocks: Blocks, block: Json, _: int) -> Json:
    rows = fields.required_nested(block, "cells", list)
    cells = []
    for row in rows:
        if not isinstance(row, list):
            raise Problem('Field "cells" must be an Array of Arrays')
        cells.append([_cell(blocks, fields.an_object(cell)) for cell in row])
        blocks.count += 1
    flags = ("is_bordered", "is_striped", "is_compact")
    shown = {name: True for name in flags if fields.flag(block, name)}
    return {"cells": cells, **shown, **blocks.text(block, "caption", required=False)}


def _cell(blocks: Blocks, cell: Json) -> Json:
    align = fields.text(cell, "align") or "left"
    valign = fields.text(cell, "valign") or "top"
    made = {"align": align, "valign": valign, **blocks.text(cell, required=False)}
    if align not in ("left", "center", "right") or valign not in ("top", "middle", "bottom"):
        raise Problem("invalid cell alignment specified")
    if fields.flag(cell, "is_header"):
        made["is_header"] = True
    for name in ("colspan", "rowspan"):
        span = fields.integer(cell, name)
        if span < 0:
            blocks.refuse(f"invalid table cell {name} specified")
        made |= {name: span} if span > 1 else {}
    return made


def _map(blocks: Blocks, block: Json, _: int) -> Json:
    location = fields.required_nested(block, "location")
    place = {
        name: fields.decimal(location, name, required=True) for name in ("latitude", "longitude")
    }
    zoom = fields.integer(block, "zoom", 15)
    width, height = (fields.integer(block, name, 600) for name in ("width", "height"))
    if not -90 <= place["latitude"] <= 90 or not -180 <= place["longitude"] <= 180:
        blocks.refuse("invalid location specified")
    flat = not 0 <= width + height <= MAX_SIDE or min(width, height) < 0
    narrow = width > height * MAX_RATIO or height > width * MAX_RATIO
    if flat or narrow or not 0 <= zoom <= MAX_ZOOM:
        blocks.refuse("invalid map properties specified")
    size = {"zoom": zoom, "width": width, "height": height}
    return {"location": place, **size, **blocks.caption(block)}


def _buttons(blocks: Blocks, block: Json, _: int) -> Json:
    values = fields.required_nested(block, "buttons", list)
    made: Json = {"buttons": [read_button(value) for value in values]}
    if align := fields.text(block, "align"):
        made["align"] = align
    return made


def _named(name: str) -> Any:
    return lambda blocks, block, _: {name: fields.required_text(block, name)}


_READERS: dict[str, Callable[[Blocks, Json, int], Json]] = {
    "paragraph": lambda blocks, block, _: blocks.text(block),
    "heading": _sized,
    "pre": _code,
    "footer": lambda blocks, block, _: blocks.text(block),
    "thinking": lambda blocks, block, _: blocks.text(block),
    "divider": lambda blocks, block, _: {},
    "mathematical_expression": _named("expression"),
    "anchor": _named("name"),
    "list": _list,
    "blockquote": lambda blocks, block, depth: (
        _nested(blocks, block, depth) | blocks.text(block, "credit", required=False)
    ),
    "expandable_blockquote": _quote,
    "pullquote": _quote,
    "collage": lambda blocks, block, depth: _nested(blocks, block, depth) | blocks.caption(block),
    "slideshow": lambda blocks, block, depth: _nested(blocks, block, depth) | blocks.caption(block),
    "table": _table,
    "details": _details,
    "map": _map,
    "buttons": _buttons,
}
