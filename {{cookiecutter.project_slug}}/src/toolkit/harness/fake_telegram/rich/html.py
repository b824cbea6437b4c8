"""HTML of rich messages, turned into the blocks that it stands for.

https://core.telegram.org/bots/api#rich-message-formatting-options
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from toolkit.harness.fake_telegram.fields import as_float, as_int
from toolkit.harness.fake_telegram.rich.tree import Node, parse
from toolkit.harness.types import Json

_STYLES = {
    **dict.fromkeys(("b", "strong"), "bold"),
    **dict.fromkeys(("i", "em"), "italic"),
    **dict.fromkeys(("u", "ins"), "underline"),
    **dict.fromkeys(("s", "strike", "del"), "strikethrough"),
    **{"tg-spoiler": "spoiler", "code": "code", "mark": "marked"},
    **{"sub": "subscript", "sup": "superscript"},
}
_MEDIA = {"img": "photo", "video": "video", "audio": "audio", "tg-document": "document"}
_LINKS = {"mailto:": "email_address", "tel:": "phone_number"}
_SKIPPED = ("figcaption", "cite", "summary", "caption", "input")


def html_blocks(source: str, media: dict[str, Json]) -> list[Json]:
    """Return the InputRichBlocks of HTML; `media` are those that its tg:// links name."""
    return _Html(media).blocks(parse(source))


class _Html:
    def __init__(self, media: dict[str, Json]) -> None:
        self._media = media

    def blocks(self, node: Node) -> list[Json]:
        """Return the blocks in an element; text outside of any is a paragraph."""
        made: list[Json] = []
        loose: list[Node | str] = []
        children: list[Node | str] = [*node.children, Node("hr")]
        for child in children:
            read = None if isinstance(child, str) else _BLOCKS.get(child.tag)
            if read is None and (isinstance(child, str) or child.tag not in (*_GROUPS, *_MEDIA)):
                if isinstance(child, str) or child.tag not in _SKIPPED:
                    loose.append(child)
                continue
            text = self.text(loose)
            made += [{"type": "paragraph", "text": text}] if text else []
            loose = []
            if isinstance(child, str):
                continue
            if child.tag in _MEDIA:
                made.append(self.medium(child))
            elif read is not None:
                made.append(read(self, child))
            else:
                made += self.blocks(child)
        return made[:-1]

    def text(self, children: list[Node | str]) -> Any:
        """Return the RichText of what is in an element, without space around it."""
        pieces: list[Any] = [piece for child in children for piece in self._inline(child)]
        for end, strip in ((0, str.lstrip), (-1, str.rstrip)):
            while pieces and isinstance(pieces[end], str):
                pieces[end] = strip(pieces[end])
                if pieces[end]:
                    break
                del pieces[end]
        joined: list[Any] = []
        for piece in pieces:
            if isinstance(piece, str) and joined and isinstance(joined[-1], str):
                joined[-1] += piece
            else:
                joined.append(piece)
        return joined[0] if len(joined) == 1 else joined or ""

    def within(self, node: Node, *tags: str) -> Any:
        """Return the RichText of the first element with one of these tags in another."""
        return next((self.text(child.children) for child in node.elements(*tags)), "")

    def _inline(self, child: Node | str) -> list[Any]:
        if isinstance(child, str):
            return [child]
        if child.tag == "br":
            return ["\n"]
        if child.tag in _SKIPPED:
            return []
        if child.tag == "tg-math":
            return [{"type": "mathematical_expression", "expression": child.plain()}]
        if child.tag == "tg-emoji":
            emoji = {"custom_emoji_id": child.given.get("emoji-id", "0")}
            return [{"type": "custom_emoji", **emoji, "alternative_text": child.plain()}]
        inner = self.text(child.children) if child.tag == "code" else self._inner(child)
        kind: Json | None = None
        if child.tag in _STYLES:
            kind = {"type": _STYLES[child.tag]}
        elif child.tag == "span" and child.given.get("class") == "tg-spoiler":
            kind = {"type": "spoiler"}
        elif child.tag == "a":
            kind = _link(child)
        elif child.tag == "tg-time":
            moment = {"unix_time": as_int(child.given.get("unix"))}
            kind = {"type": "date_time", **moment}
            kind["date_time_format"] = child.given.get("format", "")
        if kind is None:
            return inner if isinstance(inner, list) else [inner]
        return [kind if kind["type"] == "anchor" else {**kind, "text": inner}]

    def _inner(self, node: Node) -> Any:
        pieces = [piece for child in node.children for piece in self._inline(child)]
        return pieces[0] if len(pieces) == 1 else pieces or ""

    def medium(self, node: Node) -> Json:
        """Return a block with the medium that an element names."""
        source = node.given.get("src", "")
        kind = _MEDIA[node.tag]
        known = self._media.get(source.partition("?id=")[2]) if source.startswith("tg://") else None
        medium: Json = dict(known) if known else {"type": kind, "media": source}
        kind = "voice_note" if medium["type"] == "voice" else str(medium["type"])
        if "spoiler" in node.given or "tg-spoiler" in node.given:
            medium["has_spoiler"] = True
        return {"type": kind, kind: medium}

    def captioned(self, node: Node) -> Json:
        """Return the caption in an element, where it has one."""
        text, credit = self.within(node, "figcaption"), self.within(node, "cite")
        if not text and not credit:
            return {}
        return {"caption": {"text": text, **({"credit": credit} if credit else {})}}

    def credited(self, node: Node) -> Json:
        """Return the credit of a quotation, where it has one."""
        credit = self.within(node, "cite")
        return {"credit": credit} if credit else {}

    def quote(self, node: Node) -> Json:
        """Return a quotation, which holds blocks unless it is to be expanded."""
        if "collapsed" in node.given or "expandable" in node.given:
            text = {"text": self.text(node.children)}
            return {"type": "expandable_blockquote", **text, **self.credited(node)}
        return {"type": "blockquote", "blocks": self.blocks(node), **self.credited(node)}

    def items(self, node: Node) -> Json:
        """Return a list."""
        items = []
        start = as_int(node.given.get("start", 1))
        for number, item in enumerate(node.elements("li"), start):
            made: Json = {"blocks": self.blocks(item)}
            if node.tag == "ol":
                made |= {"type": node.given.get("type", "1")}
                made |= {"value": as_int(item.given.get("value", number))}
            for box in item.elements("input"):
                made |= {"has_checkbox": True, "is_checked": "checked" in box.given}
            items.append(made)
        return {"type": "list", "items": items}

    def table(self, node: Node) -> Json:
        """Return a table."""
        parts = [node, *node.elements("thead", "tbody", "tfoot")]
        rows = [row for part in parts for row in part.elements("tr")]
        cells = [[self._cell(cell) for cell in row.elements("td", "th")] for row in rows]
        flags = {
            f"is_{name}": True for name in ("bordered", "striped", "compact") if name in node.given
        }
        caption = self.within(node, "caption")
        return {
            "type": "table",
            "cells": cells,
            **flags,
            **({"caption": caption} if caption else {}),
        }

    def _cell(self, cell: Node) -> Json:
        made: Json = {"text": self.text(cell.children), "is_header": cell.tag == "th"}
        made |= {name: cell.given[name] for name in ("align", "valign") if cell.given.get(name)}
        return made | {
            name: as_int(cell.given[name]) for name in ("colspan", "rowspan") if name in cell.given
        }

    def map(self, node: Node) -> Json:
        """Return a map."""
        place = {
            long: as_float(node.given.get(short, node.given.get(long)))
            for short, long in (("lat", "latitude"), ("long", "longitude"))
        }
        names = ("zoom", "width", "height")
        size = {name: as_int(node.given[name]) for name in names if name in node.given}
        return {"type": "map", "location": place, **size, **self.captioned(node)}

    def figure(self, node: Node) -> Json:
        """Return the one block in a figure, with its caption."""
        inside = self.blocks(node)
        block = inside[0] if inside else {"type": "paragraph", "text": ""}
        return block | self.captioned(node)


def _link(node: Node) -> Json:
    if "href" not in node.given:
        return {"type": "anchor", "name": node.given.get("name", "")}
    href = node.given["href"]
    if href.startswith("#"):
        return {"type": "anchor_link", "anchor_name": href[1:]}
    for start, kind in _LINKS.items():
        if href.startswith(start):
            return {"type": kind, kind: href.removeprefix(start)}
    if href.startswith("tg://user?id="):
        user = {"id": as_int(href.removeprefix("tg://user?id="))}
        return {"type": "text_mention", "user": user}
    return {"type": "url", "url": href}


def _simple(kind: str, **more: Any) -> Callable[[_Html, Node], Json]:
    return lambda html, node: {"type": kind, "text": html.text(node.children), **more}


def _code(html: _Html, node: Node) -> Json:
    code = next(node.elements("code"), node)
    language = code.given.get("class", "").removeprefix("language-")
    return {"type": "pre", "text": code.plain(), **({"language": language} if language else {})}


def _grouped(kind: str) -> Callable[[_Html, Node], Json]:
    return lambda html, node: {
        "type": kind,
        "blocks": html.blocks(node),
        **html.captioned(node),
    }


_GROUPS = ("div", "section", "article", "main", "body", "html")
_BLOCKS: dict[str, Callable[[_Html, Node], Json]] = {
    "p": _simple("paragraph"),
    **{f"h{size}": _simple("heading", size=size) for size in range(1, 7)},
    "footer": _simple("footer"),
    "tg-thinking": _simple("thinking"),
    "pre": _code,
    "hr": lambda html, node: {"type": "divider"},
    "tg-math-block": lambda html, node: {
        "type": "mathematical_expression",
        "expression": node.plain().strip(),
    },
    "ul": _Html.items,
    "ol": _Html.items,
    "blockquote": _Html.quote,
    "aside": lambda html, node: {
        "type": "pullquote",
        "text": html.text(node.children),
        **html.credited(node),
    },
    "details": lambda html, node: {
        "type": "details",
        "summary": html.within(node, "summary"),
        "blocks": html.blocks(node),
        "is_open": "open" in node.given,
    },
    "table": _Html.table,
    "figure": _Html.figure,
    "tg-collage": _grouped("collage"),
    "tg-slideshow": _grouped("slideshow"),
    "tg-map": _Html.map,
}
