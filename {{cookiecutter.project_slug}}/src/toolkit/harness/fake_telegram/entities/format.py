"""Formatting: from what a bot sends to what the message shows."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.entities.base import EntityError
from toolkit.harness.fake_telegram.entities.fix import fix, trim
from toolkit.harness.fake_telegram.entities.found import find_entities
from toolkit.harness.fake_telegram.entities.given import checked, given_entities
from toolkit.harness.fake_telegram.entities.html import parse_html
from toolkit.harness.fake_telegram.entities.legacy import parse_markdown
from toolkit.harness.fake_telegram.entities.markdown import parse_markdown_v2
from toolkit.harness.fake_telegram.entities.nesting import add_found, limited
from toolkit.harness.fake_telegram.errors import bad_request
from toolkit.harness.types import Json

MAX_BYTES = 1 << 15  # what the server looks at before it looks at markup
PARSERS = {"html": parse_html, "markdown": parse_markdown, "markdownv2": parse_markdown_v2}


def parse(text: str, parse_mode: str) -> tuple[str, list[Json]]:
    """Return the text without markup and its entities; raise EntityError."""
    parser = PARSERS.get(parse_mode.lower())
    if parser is None:
        raise EntityError("Unsupported parse_mode")
    return parser(text)


def format_text(
    text: str, parse_mode: str | None = None, entities: Any = None
) -> tuple[str, list[Json]]:
    """Return the text and entities that a message shows; both may be empty. Raise ApiError.

    A parse mode wins over `entities`; entities that are not a list are ignored, as by the server.
    """
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    if size > MAX_BYTES:
        raise bad_request("text is too long")
    mode = (parse_mode or "").lower()
    if text and mode not in ("", "none"):
        if mode not in PARSERS:
            raise bad_request("unsupported parse_mode")
        try:
            text, given = parse(text, mode)
        except EntityError as error:
            raise bad_request(f"can't parse entities: {error}") from None
        given = [checked(each) for each in given]
    else:
        given = given_entities(entities) if isinstance(entities, list) else []
    text, given = trim(*fix(text, given))
    return text, add_found(limited(given), find_entities(text))
