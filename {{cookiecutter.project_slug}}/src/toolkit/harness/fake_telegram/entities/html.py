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
    lower,
    order_of,
)
from toolkit.harness.fake_telegram.entities.links import date_format_of, integer, link_entity
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
_VALUE = re.compile("[^&'\"\\0]+")
_STEP = re.compile(r"([^&<]+)|<(/?)([A-Za-z-]+)>")  # plain text, or a tag without arguments
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]*)|#([0-9]*)|([A-Za-z]*));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
# Where the argument of a tag stands, and what the value begins with.
_ARGUMENTS = {
    ("a", "href"): "",
    ("code", "class"): "language-",
    ("span", "class"): "tg-",
    ("tg-emoji", "emoji-id"): "",
    ("tg-time", "format"): "",
}
_LEADING_NUMBER = re.compile(r"-?[0-9]+")


def parse_html(text: str) -> tuple[str, list[Json]]:
    """Return the text without tags, and its entities; raise EntityError."""
    return _HtmlParser(text).parse()


class _HtmlParser:
    def __init__(self, text: str) -> None:
        self.text = text + "\0"  # the sentinel that ends every scan
        self.end = len(text)
        self.pos = 0
        self.out = Output()
        self.open: list[tuple[Open, int]] = []  # with a moment, for a time
        self.entities: list[Json] = []

    def parse(self) -> tuple[str, list[Json]]:
        while self.pos < self.end:
            step = _STEP.match(self.text, self.pos, self.end)
            if step and step[1]:
                self.out.add(step[1])
                self.pos = step.end()
            elif step and self._bare_tag(step[2], step[3]):
                self.pos = step.end()
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
        if not text.isascii() and _SURROGATE.search(text):
            raise EntityError(
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            )
        for found in self.entities:
            if found["type"] == "code":
                found.pop("language", None)
        return text, sorted(self.entities, key=order_of)

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
        while self.text[self.pos] in SPACES and self.text[self.pos] != "\0":
            self.pos += 1

    def _until(self, stop: str) -> str:
        start = self.pos
        while self.text[self.pos] not in SPACES and self.text[self.pos] not in stop:
            self.pos += 1
        return self.text[start : self.pos]

    def _bare_tag(self, slash: str, tag: str) -> bool:
        """Open or close a tag as most are written; return false for what needs a closer look."""
        tag = tag.lower()
        if not slash and tag in TAGS and tag != "span":
            self.open.append((self._opened(tag, ""), 0))
            return True
        if slash and self.open and self.open[-1][0].kind == tag:
            self._close()
            return True
        return False

    def _opened(self, tag: str, argument: str) -> Open:
        return Open(tag, argument, self.out.length, self.pos, len(self.out.pieces))

    def _close(self) -> None:
        opened, moment = self.open.pop()
        if self.out.length > opened.offset:
            self._add_entity(opened, moment)

    def _start_tag(self) -> None:
        begin = self.pos
        self.pos += 1
        tag = lower(self._until(">"))
        if self.text[self.pos] == "\0":
            raise self._fail("Unclosed start tag", begin)
        if tag not in TAGS:
            raise self._fail(f'Unsupported start tag "{tag}"', begin)
        argument, moment = "", 0
        while self.text[self.pos] != ">":
            self._skip_spaces()
            if self.text[self.pos] == ">":
                break
            name, value = self._attribute(tag, begin)
            if tag == "blockquote" and name == "expandable":
                argument = "1"
            elif value is not None and value.startswith(_ARGUMENTS.get((tag, name), "\0")):
                argument = value.removeprefix(_ARGUMENTS[tag, name])
            elif value is not None and tag == "tg-time" and name == "unix":
                moment = _leading_number(value)
        if tag == "span" and argument != "spoiler":
            raise self._fail('Tag "span" must have class "tg-spoiler"', begin)
        self.pos += 1
        self.open.append((self._opened(tag, argument), moment))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str | None]:
        name = self._until("=>/\"'")
        if not name:
            raise self._fail(f'Empty attribute name in the tag "{tag}"', begin)
        self._skip_spaces()
        if self.text[self.pos] not in "=\0":
            return name, None
        if self.text[self.pos] == "=":
            self.pos += 1
            self._skip_spaces()
        if self.text[self.pos] == "\0":
            raise self._fail(f'Unclosed start tag "{tag}"', begin)
        quote = self.text[self.pos]
        value = self._quoted(quote) if quote in "'\"" else self._token()
        if self.text[self.pos] == "\0":
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
        return lower(self.text[start : self.pos])

    def _quoted(self, quote: str) -> str:
        self.pos += 1
        value = []
        while self.text[self.pos] not in (quote, "\0"):
            found = _VALUE.match(self.text, self.pos, self.end)
            if found:
                value.append(found.group())
                self.pos = found.end()
            else:
                value.append(self._reference() if self.text[self.pos] == "&" else self._char())
        if self.text[self.pos] == quote:
            self.pos += 1
        return "".join(value)

    def _char(self) -> str:
        self.pos += 1
        return self.text[self.pos - 1]

    def _end_tag(self) -> None:
        begin = self.pos
        if not self.open:
            raise self._fail("Unexpected end tag", begin)
        self.pos += 2
        name = lower(self._until(">"))
        self._skip_spaces()
        if self.text[self.pos] != ">":
            raise self._fail("Unclosed end tag", begin)
        self.pos += 1
        expected = self.open[-1][0].kind
        if name and name != expected:
            rest = f', expected "</{expected}>", found "</{name}>"'
            raise self._fail("Unmatched end tag", begin, rest)
        self._close()

    def _add_entity(self, opened: Open, moment: int) -> None:
        kind, offset = TAGS[opened.kind], opened.offset
        length = self.out.length - offset
        if kind in ("code", "pre"):
            self._add_code(kind, offset, length, opened.argument)
            return
        fields: Json | None = {}
        if kind == "text_link":
            kind, fields = link_entity(opened.argument or self.out.since(opened.start))
        elif kind == "custom_emoji":
            fields = {"custom_emoji_id": _emoji_id(opened.argument)}
        elif kind == "date_time":
            fields = _moment(moment, opened.argument)
        elif kind == "blockquote" and opened.argument:
            kind = "expandable_blockquote"
        if fields is not None:
            self.entities.append(entity(kind, offset, length, **fields))

    def _add_code(self, kind: str, offset: int, length: int, language: str) -> None:
        """`<pre><code class="language-x">` is one entity, in either order of the tags."""
        last = self.entities[-1] if self.entities else {}
        same = last.get("offset") == offset and last.get("length") == length
        if same and kind == "pre" and last["type"] == "code" and last.get("language"):
            last["type"] = "pre"
        elif same and language and last["type"] == "pre" and not last.get("language"):
            last["language"] = language
        else:
            fields = {"language": language} if language else {}
            self.entities.append(entity(kind, offset, length, **fields))


def _emoji_id(value: str) -> str:
    if not integer(value):
        raise EntityError("Invalid custom emoji identifier specified")
    return value


def _moment(moment: int, date_format: str) -> Json | None:
    known = date_format_of(date_format)
    if known is None:
        raise EntityError("Invalid date format used")
    return {"unix_time": moment, "date_time_format": known} if moment > 0 else None


def _leading_number(value: str) -> int:
    """Return the number at the start of a text as 32 bits hold it."""
    found = _LEADING_NUMBER.match(value)
    return (int(found.group()) + 2**31) % 2**32 - 2**31 if found else 0
