"""Rich messages, https://core.telegram.org/bots/api#sendrichmessage."""

from __future__ import annotations

import re
from typing import Any

from toolkit.harness.fake_telegram import fields
from toolkit.harness.fake_telegram.delivering import deliver
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.fake_telegram.fields import Problem, parsing
from toolkit.harness.fake_telegram.methods.registry import method
from toolkit.harness.fake_telegram.policy import Late
from toolkit.harness.fake_telegram.request import Request
from toolkit.harness.fake_telegram.rich.blocks import (
    MAX_BLOCKS,
    MAX_CHARACTERS,
    MAX_MEDIA,
    Blocks,
)
from toolkit.harness.fake_telegram.rich.html import html_blocks
from toolkit.harness.fake_telegram.rich.markdown import markdown_html
from toolkit.harness.fake_telegram.rich.plain import plain_text
from toolkit.harness.types import Json

SOURCES = ("html", "markdown", "blocks")
_KINDS = ("animation", "audio", "document", "photo", "video", "voice", "voice_note")


@method("sendRichMessage")
def send_rich_message(request: Request) -> Json:
    return deliver(request, rich_content(request))


def rich_content(request: Request, *, draft: bool = False) -> Late:
    """Return the content of a rich message later; a draft may be empty, and show that it thinks."""
    request.required("rich_message")
    value = request.json("rich_message", "InputRichMessage JSON object", kind=object)
    with parsing("InputRichMessage"):
        given = fields.an_object(value)
        fields.check_flags(given, ("is_rtl", "skip_entity_detection"))
        detects = not given.get("skip_entity_detection")
        reader = Blocks(request, detects=detects, draft=draft)
        blocks = reader.read(_source(given, _media(given, reader), reader))
    message: Json = {"blocks": blocks, **({"is_rtl": True} if given.get("is_rtl") else {})}

    def content() -> Json:
        for refusal in reader.refusals:
            raise bad_request(refusal)
        _check_size(blocks, reader, draft=draft)
        for medium in reader.media:
            medium()
        return {"rich_message": message}

    return content


def _source(given: Json, media: dict[str, Json], reader: Blocks) -> list[Any]:
    """Return the blocks of a message, in whichever of the three ways they are given."""
    named = [name for name in SOURCES if name in given]
    if not named:
        reader.refuse("rich message must be non-empty")
        return []
    if len(named) > 1:
        raise Problem("Exactly one of the fields html, markdown, or blocks must be used")
    name = named[0]
    if name == "blocks":
        return list(fields.nested(given, name, list))
    source = fields.text(given, name)
    source.encode()  # half of a surrogate pair is refused
    return html_blocks(source if name == "html" else markdown_html(source), media)


def _media(given: Json, reader: Blocks) -> dict[str, Json]:
    media: dict[str, Json] = {}
    for value in fields.nested(given, "media", list) or []:
        with parsing("InputRichMessageMedia"):
            item = fields.an_object(value)
            name = fields.required_text(item, "id")
            if not re.fullmatch("[A-Za-z0-9_-]{1,64}", name):
                reader.refuse("invalid rich message file identifier specified")
            medium = fields.required_nested(item, "media")
            if fields.required_text(medium, "type") not in _KINDS:
                reader.refuse("unallowed media specified")
            media[name] = medium
    return media


def _check_size(blocks: list[Json], reader: Blocks, *, draft: bool) -> None:
    text = plain_text(blocks)
    seen = text.strip() or reader.media or any(block["type"] == "map" for block in blocks)
    if not seen and not draft:
        raise bad_request("RICH_MESSAGE_EMPTY")
    crowded = reader.count > MAX_BLOCKS or len(reader.media) > MAX_MEDIA
    if crowded or len(text) > MAX_CHARACTERS:
        raise bad_request("message is too long")
