"""One random input at a time: what TDLib makes of it, and what the fake does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.tdlib_kit import library
from tests.tdlib_kit.finds import entities, findable, letters
from tests.tdlib_kit.markup import html, markdown
from tests.tdlib_kit.texts import Texts
from toolkit.harness.fake_telegram import ApiError
from toolkit.harness.fake_telegram.entities import EntityError, parse, utf16_length
from toolkit.harness.fake_telegram.entities.fix import fix
from toolkit.harness.fake_telegram.entities.found import find_entities
from toolkit.harness.fake_telegram.entities.given import checked, given_entities

Json = dict[str, Any]
Compared = tuple[object, object, object]
"""The input, TDLib's result and the fake's: a text and entities, or a refusal."""

# Where TDLib may take half a character for an address, and then ends this process: a legacy link
# without an address, and half a surrogate pair in an attribute.
_HALVES = re.compile(r"\[[^\]]*[^\x00-\x7f][^\]]*\](?!\()")
_SURROGATE = re.compile(r"&#0*(?:x0*d[89a-f]|5[5-7])", re.IGNORECASE)
_MARKDOWN = re.compile(r"[*_~|`\[]")


def parsed(text: str, parse_mode: str) -> Compared | None:
    """Compare the parsers; None where TDLib would not come back."""
    if _HALVES.search(text) if parse_mode == "Markdown" else _risky(text, parse_mode):
        return None
    return (text, parse_mode), _real_parse(text, parse_mode), _fake_parse(text, parse_mode)


def _risky(text: str, parse_mode: str) -> bool:
    return parse_mode == "HTML" and "=" in text and bool(_SURROGATE.search(text))


def _real_parse(text: str, parse_mode: str) -> object:
    try:
        return library.parse(text, parse_mode)
    except library.Refusal as refusal:
        return str(refusal).removeprefix("Can't parse entities: ")


def _fake_parse(text: str, parse_mode: str) -> object:
    try:
        return parse(text, parse_mode)
    except EntityError as error:
        return str(error)


def fixed(text: str, given: list[Json]) -> Compared:
    """Compare what becomes of given entities. White space at both ends stays, as TDLib is told."""
    return (text, given), _real_fix(text, given), _fake_fix(text, given)


def _real_fix(text: str, given: list[Json]) -> object:
    try:
        return library.fix(text, given)
    except library.Refusal as refusal:
        message = str(refusal)
        return f"Bad Request: {message[0].lower()}{message[1:]}"


def _fake_fix(text: str, given: list[Json]) -> object:
    try:
        text, given = fix(text, given_entities(given))
    except ApiError as error:
        return error.description
    return (text, given) if text.strip(" \n") else ("", [])


def shown(text: str, parse_mode: str) -> Compared | None:
    """Compare what becomes of a text in a parse mode, and fix, if it has no Markdown left."""
    try:
        plain, found = library.parse_and_fix(text, parse_mode, lambda it: not _MARKDOWN.search(it))
    except library.Refusal:
        return None
    fake, given = parse(text, parse_mode)
    fake, given = fix(fake, [checked(each) for each in given])
    return text, (plain, found), (fake, given) if fake.strip(" \n") else ("", [])


def found(text: str) -> Compared:
    """Compare what is found without markup."""
    real, fake = library.find(text), find_entities(text)
    stamps = [each for each in real if each["type"] == "media_timestamp"]
    if stamps:  # TDLib does not look for these in the texts of a bot
        stamps += [each for each in fake if _overlaps(each, stamps)]
        real, fake = ([one for one in some if not _overlaps(one, stamps)] for some in (real, fake))
    return text, real, fake


def _overlaps(one: Json, others: list[Json]) -> bool:
    begin, end = one["offset"], one["offset"] + one["length"]
    return any(begin < it["offset"] + it["length"] and it["offset"] < end for it in others)


def _given(texts: Texts) -> Compared:
    text = letters(texts)
    return fixed(text, entities(texts, utf16_length(text)))


def _link(texts: Texts) -> Compared:
    link = texts.mutated(texts.link())
    return fixed("x", [{"type": "text_link", "offset": 0, "length": 1, "url": link}])


MODES: dict[str, Callable[[Texts], Compared | None]] = {
    "HTML": lambda texts: parsed(html(texts), "HTML"),
    "HTML, made consistent": lambda texts: shown(html(texts), "HTML"),
    "Markdown": lambda texts: parsed(markdown(texts, escape=False), "Markdown"),
    "MarkdownV2": lambda texts: parsed(markdown(texts, escape=True), "MarkdownV2"),
    "given entities": _given,
    "links": _link,
    "found entities": lambda texts: found(findable(texts)),
}
