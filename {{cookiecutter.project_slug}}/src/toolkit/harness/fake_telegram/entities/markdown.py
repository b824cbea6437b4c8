"""MarkdownV2 style, https://core.telegram.org/bots/api#markdownv2-style."""

from __future__ import annotations

import re

from toolkit.harness.fake_telegram.entities.base import (
    EntityError,
    Open,
    Output,
    byte_offset,
    entity,
    language_at,
    order_of,
)
from toolkit.harness.fake_telegram.entities.links import custom_emoji_of, link_entity, time_of
from toolkit.harness.types import Json

# By the server's names of entities, as its errors spell them: their type, and the mark they end at.
_ENTITIES = {
    "Bold": ("bold", "*"),
    "Italic": ("italic", "_"),
    "Underline": ("underline", "__"),
    "Strikethrough": ("strikethrough", "~"),
    "Spoiler": ("spoiler", "||"),
    "Code": ("code", "`"),
    "Pre": ("pre", "```"),
    "PreCode": ("pre", "```"),
    "TextUrl": ("text_link", "]"),
    "CustomEmoji": ("custom_emoji", "]"),
}
_PLAIN = re.compile(r"[^\\_*\[\]()~`>#+\-=|{}.!\n]+")
_PLAIN_IN_CODE = re.compile(r"[^\\`]+")


def parse_markdown_v2(text: str) -> tuple[str, list[Json]]:
    """Return the text without markup, and its entities; raise EntityError."""
    return _MarkdownParser(text).parse()


class _MarkdownParser:
    def __init__(self, text: str) -> None:
        self.text = text + "\0\0\0"  # sentinels, so that looking ahead needs no checks
        self.end = len(text)
        self.pos = 0
        self.out = Output()
        self.open: list[Open] = []
        self.entities: list[Json] = []
        self.in_quote = False
        self.quote_may_start = True

    def parse(self) -> tuple[str, list[Json]]:
        while self.pos < self.end:
            char = self.text[self.pos]
            in_code = bool(self.open) and self.open[-1].kind in ("Code", "Pre", "PreCode")
            plain = (_PLAIN_IN_CODE if in_code else _PLAIN).match(self.text, self.pos, self.end)
            if plain:
                self._plain(plain.group())
            elif char == "\\" and self._escapes():
                self.pos += 1
                may_start = self.quote_may_start
                self._plain(self.text[self.pos])
                escaped = self.text[self.pos - 1]
                self.quote_may_start = may_start if escaped == "\r" else escaped == "\n"
            elif char == "\\" or (in_code and char != "`"):
                self._plain(char)
            elif self._ends():
                self._close(char)
            else:
                self._open(char)
        self._finish_quote()
        if self.open:
            raise self._unfinished()
        return "".join(self.out.pieces), sorted(self.entities, key=order_of)

    def _plain(self, piece: str) -> None:
        self.out.add(piece)
        self.pos += len(piece)
        if self.quote_may_start and piece.strip("\r"):
            self.quote_may_start = False

    def _line_break(self) -> None:
        self._plain("\n")
        self.quote_may_start = True

    def _escapes(self) -> bool:
        return self.pos + 1 < self.end and "\0" < self.text[self.pos + 1] <= "~"

    def _offset(self, position: int) -> int:
        return byte_offset(self.text, position)

    def _unfinished(self) -> EntityError:
        last = self.open[-1]
        offset = self._offset(last.source)
        return EntityError(f"Can't find end of {last.kind} entity at byte offset {offset}")

    def _reserved(self, char: str) -> EntityError:
        return EntityError(
            f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
        )

    def _ends(self) -> bool:
        if not self.open:
            return False
        if self.in_quote and self.text[self.pos] == "\n" and self.text[self.pos + 1] != ">":
            return True
        kind = self.open[-1].kind
        if kind == "Italic":
            return self.text[self.pos] == "_" and self.text[self.pos + 1] != "_"
        return kind in _ENTITIES and self.text.startswith(_ENTITIES[kind][1], self.pos)

    def _open(self, char: str) -> None:
        begin = self.pos
        following = self.text[self.pos + 1]
        argument = ""
        if char == "\n":
            self._line_break()
            return
        if char == ">" and self.quote_may_start:
            self.pos += 1
            if self.in_quote:
                return
            kind, self.in_quote = "BlockQuote", True
        elif char == "`" and self.text.startswith("```", self.pos):
            kind, argument = self._open_pre()
        elif char == "_":
            kind = "Underline" if following == "_" else "Italic"
            self.pos += 2 if following == "_" else 1
        elif char in "*~[`":
            kind = {"*": "Bold", "~": "Strikethrough", "[": "TextUrl", "`": "Code"}[char]
            self.pos += 1
        elif char + following in ("||", "!["):
            kind = "Spoiler" if char == "|" else "CustomEmoji"
            self.pos += 2
        else:
            raise self._reserved(char)
        self.open.append(Open(kind, argument, self.out.length, begin, len(self.out.pieces)))

    def _open_pre(self) -> tuple[str, str]:
        language, self.pos = language_at(self.text, self.pos + 3, self.end)
        return "PreCode" if language else "Pre", language

    def _close(self, char: str) -> None:
        if char == "\n":
            self._close_quote()
            return
        last = self.open[-1]
        kind, mark = _ENTITIES[last.kind]
        self.pos += len(mark)
        fields: Json | None = {}
        if last.kind == "TextUrl":
            in_brackets = self.text[self.pos] == "("
            kind, fields = link_entity(
                self._address() if in_brackets else self.out.since(last.start)
            )
        elif last.kind == "CustomEmoji":
            kind, fields = self._emoji_or_time()
        elif last.argument:
            fields = {"language": last.argument}
        self.open.pop()
        length = self.out.length - last.offset
        if length and fields is not None:
            self.entities.append(entity(kind, last.offset, length, **fields))

    def _emoji_or_time(self) -> tuple[str, Json]:
        if self.text[self.pos] != "(":
            raise EntityError("The entity must contain a tg://emoji or tg://time URL")
        url = self._address()
        if emoji := custom_emoji_of(url):
            return "custom_emoji", {"custom_emoji_id": emoji}
        if moment := time_of(url):
            return "date_time", {"unix_time": moment[0], "date_time_format": moment[1]}
        raise EntityError("Invalid tg://emoji or tg://time URL specified")

    def _address(self) -> str:
        self.pos += 1
        begin = self.pos
        url = []
        while self.pos < self.end and self.text[self.pos] != ")":
            if self.text[self.pos] == "\\" and self._escapes():
                self.pos += 1
            url.append(self.text[self.pos])
            self.pos += 1
        if self.pos >= self.end:
            raise EntityError(f"Can't find end of a URL at byte offset {self._offset(begin)}")
        self.pos += 1
        return "".join(url)

    def _close_quote(self) -> None:
        """End the quote at a line that does not begin with `>`, unless something in it is open."""
        since = self.pos - self.open[-1].source
        kind = self._quote_kind(since == 2 or (since == 3 and self._ends_with_return()))
        self.in_quote = False
        self._line_break()
        self._add_quote(kind)

    def _ends_with_return(self) -> bool:
        return next((piece[-1] for piece in reversed(self.out.pieces) if piece), "") == "\r"

    def _quote_kind(self, may_fold: bool) -> str:
        """Tell whether the quote is expandable: then `||` is at its very end."""
        kind = "blockquote"
        if may_fold and self.open[-1].kind == "Spoiler":
            self.open.pop()
            kind = "expandable_blockquote"
        if self.open[-1].kind != "BlockQuote":
            raise self._unfinished()
        return kind

    def _add_quote(self, kind: str) -> None:
        quote = self.open.pop()
        if length := self.out.length - quote.offset:
            self.entities.append(entity(kind, quote.offset, length))

    def _finish_quote(self) -> None:
        if self.in_quote:
            self._add_quote(self._quote_kind(self.open[-1].source == self.end - 2))
