"""Entities that Telegram finds by itself: commands, mentions, hashtags, links, card numbers.

As the server finds them, but for phone numbers and for letters that are newer than Python's tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from toolkit.harness.fake_telegram.entities.base import entity, lower, utf16_length
from toolkit.harness.fake_telegram.entities.urls import find_tg_urls, find_urls
from toolkit.harness.types import Json

Span = tuple[int, int]

_SHORT_NAMES = frozenset(["gif", "nft", "pic", "ufc", "vid"])
_MENTION = re.compile(r"(?<!\w)@([A-Za-z0-9_]{2,32})(?!\w)")
_COMMAND = re.compile(
    r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32}|(?!@))(?![\w/<>])",
)
_TAG_CHAT = re.compile(r"@[A-Za-z0-9_]{3,32}")
_CASHTAG = re.compile(r"\$(1INCH|[A-Z]+)")
_CASHTAG_CHAT = re.compile(r"@[A-Za-z0-9_]{3,32}(?![A-Za-z0-9_])")
_CARD = re.compile(r"(?:[0-9][ -]*){13}")
_DIGITS = re.compile(r"[0-9][0-9 -]*")
_WHOLE_CARD = re.compile(r"[0-9]{16,19}(?= )")


def find_entities(text: str) -> list[Json]:
    """Return what is there without any markup, in order and without overlaps."""
    found: list[tuple[int, int, str]] = []
    if "@" in text:
        found += [(*span, "mention") for span in _mentions(text)]
    if "/" in text:
        found += [(*each.span(), "bot_command") for each in _COMMAND.finditer(text)]
    if "#" in text:
        found += [(*span, "hashtag") for span in _hashtags(text)]
    if "$" in text:
        found += [(*span, "cashtag") for span in _cashtags(text)]
    if _CARD.search(text):
        found += [(*span, "bank_card_number") for span in _cards(text)]
    if "://" in text:
        found += [(*span, "url") for span in find_tg_urls(text)]
    if "." in text:
        found += find_urls(text)
    if not found:
        return []
    found.sort(key=lambda span: (span[0], -span[1]))
    place, units, entities = 0, 0, []
    for begin, end, kind in found:
        if begin < place:
            continue
        units += utf16_length(text[place:begin])
        length = utf16_length(text[begin:end])
        entities.append(entity(kind, units, length))
        place, units = end, units + length
    return entities


def _mentions(text: str) -> Iterator[Span]:
    for found in _MENTION.finditer(text):
        if len(found[1]) > 3 or lower(found[1]) in _SHORT_NAMES:
            yield found.span()


def _is_tag_letter(char: str) -> bool:
    return (
        char.isalpha() or char.isdecimal() or char in "_\u200c\xb7" or "\u0d80" <= char <= "\u0dff"
    )


def _hashtags(text: str) -> Iterator[Span]:
    place = text.find("#")
    while place >= 0:
        begin = place + 1
        end = begin
        if not place or not _is_tag_letter(text[place - 1]):
            while end < len(text) and _is_tag_letter(text[end]):
                end += 1
        if end > begin:
            stop = min(end, begin + 256)
            has_letter = any(char.isalpha() for char in text[begin:stop])
            if stop == end and (chat := _TAG_CHAT.match(text, end)):
                end = stop = chat.end()
            if has_letter and text[end : end + 1] != "#":
                yield place, stop
        place = text.find("#", end)


def _cashtags(text: str) -> Iterator[Span]:
    for found in _CASHTAG.finditer(text):
        begin, end = found.span()
        if chat := _CASHTAG_CHAT.match(text, end):
            end = chat.end()
        around = text[begin - 1 : begin] + text[end : end + 1]
        if len(found[1]) <= 8 and not any(each == "$" or _is_tag_letter(each) for each in around):
            yield begin, end


def _cards(text: str) -> Iterator[Span]:
    place = 0
    while found := _DIGITS.search(text, place):
        begin, place = found.span()
        before = text[begin - 1 : begin]
        if before and (before in ".,+-_" or before.isalpha()):
            continue
        if whole := _WHOLE_CARD.match(text, begin):
            place = whole.end()
        shown = text[begin:place].rstrip(" -")
        digits = [int(char) for char in shown if char not in " -"]
        after = text[begin + len(shown) :][:1]
        if after and (after in "-_" or after.isalpha()):
            continue
        if 13 <= len(digits) <= 19 and len(shown) < 2 * len(digits) and _is_card(digits):
            yield begin, begin + len(shown)


def _is_card(digits: list[int]) -> bool:
    """Tell whether the sum of a card number is right, and its length for its issuer."""
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:
        return False
    size = len(digits)
    first = int("".join(map(str, digits[:4])))
    if first // 1000 == 4:  # Visa
        return size in (13, 16, 18, 19)
    if 51 <= first // 100 <= 55 or 2200 <= first <= 2204 or 2221 <= first <= 2720:
        return size == 16  # Mastercard and MIR
    if first // 100 in (34, 37):  # American Express
        return size == 15
    return size >= 16 if first // 100 in (62, 81) else True  # UnionPay
