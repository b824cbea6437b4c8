"""The elements of a piece of HTML, which may be as broken as it likes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from toolkit.harness.fake_telegram.fields import Problem

MAX_DEPTH = 64
_EMPTY = frozenset(("br", "hr", "img", "input"))
_ENDS = {
    **{"li": ("li", "p"), "tr": ("tr", "td", "th"), "p": ("p",)},
    **dict.fromkeys(("td", "th"), ("td", "th")),
}
"""Which elements end where another begins, if nobody has ended them."""
_SPACE = re.compile(r"[ \t\r\n]+")


@dataclass
class Node:
    """An element: its tag, what it was given, and what is in it."""

    tag: str
    given: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def elements(self, *tags: str) -> Iterator[Node]:
        """Iterate over the elements in this one that have one of these tags."""
        for child in self.children:
            if isinstance(child, Node) and child.tag in tags:
                yield child

    def plain(self) -> str:
        """Return the text in it, without any tags."""
        return "".join(c if isinstance(c, str) else c.plain() for c in self.children)


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Node("")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open[-1].tag in _ENDS.get(tag, ()):
            self.open.pop()
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag in _EMPTY:
            return
        if len(self.open) > MAX_DEPTH:
            raise Problem("Too deep nesting")
        self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)

    def handle_endtag(self, tag: str) -> None:
        if any(node.tag == tag for node in self.open[1:]):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not any(node.tag == "pre" for node in self.open):
            data = _SPACE.sub(" ", data)
        self.open[-1].children.append(data)


def parse(source: str) -> Node:
    """Return the element that all others are in."""
    parser = _Parser()
    parser.feed(source)
    parser.close()
    return parser.open[0]
