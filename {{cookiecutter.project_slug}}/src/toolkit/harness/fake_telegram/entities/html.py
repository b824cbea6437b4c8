"""HTML style, as lenient as the server: https://core.telegram.org/bots/api#html-style."""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.entities.base import (
    SPACES,
    EntityError,
    Open,
    Output,
    byte_offset,
    entity,
)
from toolkit.harness.fake_telegram.entities.links import link_entity
from toolkit.harness.types import Json

TAGS = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **dict.fromkeys(("span", "tg-spoiler"), "spoiler"),
    **{kind: kind for kind in ("code", "pre", "blockquote")},
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
    "a": "text_link",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN = re.compile(r"[^&<]+")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|([A-Za-z]*));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ATTRIBUTES = {
    "a": ("href",),
    "tg-emoji": ("emoji-id",),
    "tg-time": ("unix", "format"),
    "code": ("class",),
    "span": ("class",),
    "blockquote": ("expandable",),
}


def parse_html(text: str) -> tuple[str, list[Json]]:
    """Return the text without tags, and its entities; raise EntityError."""
    return _HtmlParser(text).parse()


class _HtmlParser:
    def __init__(self, text: str) -> None:
        self.text = text + "\0"  # the sentinel that ends every scan
        self.end = len(text)
        self.pos = 0
        self.out = Output()
        self.open: list[tuple[Open, dict[str, str]]] = []
        self.entities: list[Json] = []

    def parse(self) -> tuple[str, list[Json]]:
        while self.pos < self.end:
            plain = _PLAIN.match(self.text, self.pos, self.end)
            if plain:
                self.out.add(plain.group())
                self.pos = plain.end()
            elif self.text[self.pos] == "&":
                self.out.add(self._reference())
            elif self.text[self.pos + 1] == "/":
                self._end_tag()
            else:
                self._start_tag()
        if self.open:
            tag = self.open[-1][0].kind
            raise EntityError(f'Can\'t find end tag corresponding to start tag "{tag}"')
        text = "".join(self.out.pieces)
        if _SURROGATE.search(text):
            raise EntityError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        for found in self.entities:
            if found["type"] == "code":
                found.pop("language", None)
        return text, self.entities

    def _fail(self, message: str, position: int, rest: str = "") -> EntityError:
        return EntityError(f"{message} at byte offset {byte_offset(self.text, position)}{rest}")

    def _reference(self) -> str:
        """Return the character at a reference, or the ampersand alone where it is not one."""
        found = _REFERENCE.match(self.text, self.pos, self.end)
        assert found is not None  # noqa: S101 - the pattern matches at every ampersand
        char = _NAMED.get(found[3] or "")
        digits = found[1] if found[1] is not None else found[2]
        if digits and len(found.group().rstrip(";")) < 10:
            code = int(digits, 16 if found[1] is not None else 10)
            char = chr(code) if 0 < code < 0x10FFFF else None
        if char is None:
            self.pos += 1
            return "&"
        self.pos = found.end()
        return char

    def _skip_spaces(self) -> None:
        while self.pos < self.end and self.text[self.pos] in SPACES:
            self.pos += 1

    def _until(self, stop: str) -> str:
        start = self.pos
        while self.text[self.pos] not in SPACES and self.text[self.pos] not in stop:
            self.pos += 1
        return self.text[start : self.pos]

    def _start_tag(self) -> None:
        begin = self.pos
        self.pos += 1
        tag = self._until(">").lower()
        if self.pos >= self.end:
            raise self._fail("Unclosed start tag", begin)
        if tag not in TAGS:
            raise self._fail(f'Unsupported start tag "{tag}"', begin)
        attributes: dict[str, str] = {}
        while self.text[self.pos] != ">":
            self._skip_spaces()
            if self.text[self.pos] == ">":
                break
            name, value = self._attribute(tag, begin)
            if name in _ATTRIBUTES.get(tag, ()):
                attributes[name] = value
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise self._fail('Tag "span" must have class "tg-spoiler"', begin)
        self.pos += 1
        opened = Open(tag, "", self.out.length, begin, len(self.out.pieces))
        self.open.append((opened, attributes))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name = self._until("=>/\"'")
        if not name:
            raise self._fail(f'Empty attribute name in the tag "{tag}"', begin)
        self._skip_spaces()
        if self.pos < self.end and self.text[self.pos] != "=":
            return name, ""
        self.pos += 1
        self._skip_spaces()
        if self.pos >= self.end:
            raise self._fail(f'Unclosed start tag "{tag}"', begin)
        quote = self.text[self.pos]
        value = self._quoted(quote) if quote in "'\"" else self._token()
        if self.pos >= self.end:
            raise self._fail("Unclosed start tag", begin)
        return name, value

    def _token(self) -> str:
        start = self.pos
        while self.text[self.pos].isascii() and (
            self.text[self.pos].isalnum() or self.text[self.pos] in ".-"
        ):
            self.pos += 1
        if self.text[self.pos] not in SPACES and self.text[self.pos] != ">":
            raise self._fail("Unexpected end of name token", start)
        return self.text[start : self.pos].lower()

    def _quoted(self, quote: str) -> str:
        self.pos += 1
        value = []
        while self.pos < self.end and self.text[self.pos] != quote:
            if self.text[self.pos] == "&":
                value.append(self._reference())
            else:
                value.append(self.text[self.pos])
                self.pos += 1
        self.pos += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self.pos
        if not self.open:
            raise self._fail("Unexpected end tag", begin)
        self.pos += 2
        name = self._until(">").lower()
        self._skip_spaces()
        if self.text[self.pos] != ">":
            raise self._fail("Unclosed end tag", begin)
        self.pos += 1
        opened, attributes = self.open[-1]
        if name and name != opened.kind:
            rest = f', expected "</{opened.kind}>", found "</{name}>"'
            raise self._fail("Unmatched end tag", begin, rest)
        self.open.pop()
        if self.out.length > opened.offset:
            self._add_entity(opened, attributes)

    def _add_entity(self, opened: Open, attributes: dict[str, str]) -> None:
        kind, offset = TAGS[opened.kind], opened.offset
        length = self.out.length - offset
        if kind in ("code", "pre"):
            self._add_code(kind, offset, length, attributes.get("class", ""))
            return
        fields: Json | None = {}
        if kind == "text_link":
            kind, fields = link_entity(attributes.get("href") or self.out.since(opened.start))
        elif kind == "custom_emoji":
            fields = {"custom_emoji_id": _emoji_id(attributes.get("emoji-id", ""))}
        elif kind == "date_time":
            unix = attributes.get("unix", "")
            moment = int(unix) if unix.isdecimal() else 0
            date = {"unix_time": moment, "date_time_format": attributes.get("format", "")}
            fields = date if moment else None
        elif kind == "blockquote" and "expandable" in attributes:
            kind = "expandable_blockquote"
        if fields is not None:
            self.entities.append(entity(kind, offset, length, **fields))

    def _add_code(self, kind: str, offset: int, length: int, css_class: str) -> None:
        """`<pre><code class="language-x">` is one entity, in either order of the tags."""
        language = css_class.removeprefix("language-") if kind == "code" else ""
        language = language if css_class.startswith("language-") else ""
        last = self.entities[-1] if self.entities else {}
        same = last.get("offset") == offset and last.get("length") == length
        if same and kind == "pre" and last["type"] == "code" and last.get("language"):
            last["type"] = "pre"
        elif same and kind == "code" and last["type"] == "pre" and language:
            last["language"] = language
        else:
            fields = {"language": language} if language else {}
            self.entities.append(entity(kind, offset, length, **fields))


def _emoji_id(value: str) -> str:
    if not value.isdecimal() or not 0 < int(value) < 2**63:
        raise EntityError("Invalid custom emoji identifier specified")
    return value
