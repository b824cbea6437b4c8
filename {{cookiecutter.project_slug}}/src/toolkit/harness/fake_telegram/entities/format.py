"""Formatting: from what a bot sends to what the message shows."""

from __future__ import annotations

from typing import Any

from toolkit.harness.fake_telegram.entities.base import EntityError
from toolkit.harness.fake_telegram.entities.fix import check, clean, nest, span, trim
from toolkit.harness.fake_telegram.entities.found import find_entities
from toolkit.harness.fake_telegram.entities.html import parse_html
from toolkit.harness.fake_telegram.entities.links import LinkError, check_link, user_of
from toolkit.harness.fake_telegram.entities.markdown import parse_markdown, parse_markdown_v2
from toolkit.harness.fake_telegram.errors import ApiError, bad_request, cannot_parse
from toolkit.harness.types import Json

MAX_BYTES = 1 << 15  # what the server looks at before it looks at markup
PARSERS = {"html": parse_html, "markdown": parse_markdown, "markdownv2": parse_markdown_v2}
AUTOMATIC = frozenset(
    ["mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"]
)
_KNOWN = (
    "bank_card_number bold italic underline strikethrough spoiler blockquote expandable_blockquote "
    "code pre text_link text_mention custom_emoji date_time"
)
KNOWN = AUTOMATIC | frozenset(_KNOWN.split())


def parse(text: str, parse_mode: str) -> tuple[str, list[Json]]:
    """Return the text without markup and its entities; raise EntityError."""
    parser = PARSERS.get(parse_mode.lower())
    if parser is None:
        raise EntityError("Unsupported parse_mode")
    return parser(text.replace("\0", " "))


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
    else:
        given = _given(entities) if isinstance(entities, list) else []
        check(text, given)
    text, given = trim(*clean(text, [each for each in given if each["length"]]))
    fixed = nest(given) if given else []
    return text, _with_found(fixed, find_entities(text))


def _with_found(fixed: list[Json], found: list[Json]) -> list[Json]:
    """Add what was found outside code and links."""
    closed = ("code", "pre", "text_link", "text_mention", "custom_emoji")
    spans = [span(each) for each in fixed if each["type"] in closed]
    added = [
        each
        for each in found
        if all(span(each)[1] <= begin or end <= span(each)[0] for begin, end in spans)
    ]
    return nest(fixed + added) if fixed and added else fixed or added


def _given(entities: list[Any]) -> list[Json]:
    return [each for each in map(_checked, entities) if each["type"] not in AUTOMATIC]


def _checked(value: Any) -> Json:
    """Return a MessageEntity of a request, checked field by field."""
    if not isinstance(value, dict):
        raise _wrong("expected an Object")
    for field in ("offset", "length"):
        if field not in value:
            raise _wrong(f'Can\'t find field "{field}"')
        if not isinstance(value[field], int):
            raise _wrong(f'Field "{field}" must be of type Number')
    kind = value.get("type")
    if kind not in KNOWN:
        raise _wrong("Unsupported type specified" if kind else 'Can\'t find field "type"')
    place = {"type": kind, "offset": value["offset"], "length": value["length"]}
    return {**place, **_details(kind, value)}


def _details(kind: str, value: Json) -> Json:
    needed = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
    field = needed.get(kind)
    if field and field not in value:
        raise _wrong(f'Can\'t find field "{field}"')
    if kind == "text_link":
        return _link(str(value["url"]))
    if kind == "text_mention":
        user_id = value["user"].get("id") if isinstance(value["user"], dict) else None
        if not isinstance(user_id, int) or user_id <= 0:
            raise bad_request("user not found")
        return {"user": {"id": user_id}}
    if kind == "custom_emoji":
        emoji = str(value["custom_emoji_id"])
        if not emoji.removeprefix("-").isdecimal() or abs(int(emoji)) >= 2**63:
            raise _wrong('Field "custom_emoji_id" must be a valid Number')
        return {"custom_emoji_id": emoji}
    kept = {"pre": ("language",), "date_time": ("unix_time", "date_time_format")}.get(kind, ())
    return {name: value[name] for name in kept if value.get(name)}


def _link(url: str) -> Json:
    if user_id := user_of(url):
        return {"user": {"id": user_id}, "type": "text_mention"}
    try:
        return {"url": check_link(url)}
    except LinkError as error:
        raise bad_request(f"entity URL '{url}' is invalid: {error}") from None


def _wrong(problem: str) -> ApiError:
    return cannot_parse("MessageEntity", problem)
